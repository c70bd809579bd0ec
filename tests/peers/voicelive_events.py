"""Events of Azure Voice Live against `azure.ai.voicelive.models`, strictly, both ways."""

from __future__ import annotations

import re

from tests.peers.faults import Event, Refused
from tests.peers.strict import by_type, problems
from tests.peers.voicelive_types import CLIENT_EVENT, SERVER_EVENT

__all__ = ["EXTRAS", "check_client", "complaints"]

TAKEN = (
    "session.update",
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
    "conversation.item.create",
    "conversation.item.retrieve",
    "conversation.item.truncate",
    "conversation.item.delete",
    "response.create",
    "response.cancel",
)
"""Of the vendor's client events; the others are for avatars, agents and text streams, which this peer has not."""

GA_ONLY = {
    "session.type": "14.3: a flat session has no type",
    "session.audio": "14.3: the session is flat",
    "session.output_modalities": "14.3: modalities",
    "session.max_output_tokens": "14.3: max_response_output_tokens",
    "response.audio": "14.3: the params are flat",
    "response.output_modalities": "14.3: modalities",
}

NOT_ECHOED = re.compile(r"item\.content\[\d+\]\.audio")

EXTRAS: tuple[Event, ...] = (
    {
        "type": "warning",
        "event_id": "event_w",
        "warning": {"message": "Something to know.", "code": "note"},
    },
    {
        "type": "response.audio_timestamp.delta",
        "event_id": "event_t",
        "response_id": "resp_1",
        "item_id": "item_1",
        "output_index": 0,
        "content_index": 0,
        "audio_offset_ms": 0,
        "audio_duration_ms": 250,
        "text": "Hello",
        "timestamp_type": "word",
    },
    {
        "type": "response.audio_timestamp.done",
        "event_id": "event_d",
        "response_id": "resp_1",
        "item_id": "item_1",
        "output_index": 0,
        "content_index": 0,
    },
)
"""Events of this vendor alone, to be sent with `peer.send` in the midst of others."""


def check_client(event: Event) -> Event:
    """The event itself. Raises Refused with the first difference from the vendor's models."""
    known = by_type(CLIENT_EVENT)
    kind = event["type"]
    if kind not in known or kind not in TAKEN:
        message = f"Invalid value: '{kind}'. Supported values are: {', '.join(TAKEN)}."
        raise Refused("invalid_value", message, rule="14.3, client events", param="type")
    found = problems(known[kind], event)
    if found:
        first = found[0]
        rule = GA_ONLY.get(first.param, f"{kind}: azure.ai.voicelive.models")
        raise Refused(first.code, first.message, rule=rule, param=first.param or None)
    if kind == "conversation.item.create" and not event.get("item"):
        message = "Missing required parameter: 'item'."
        raise Refused("missing_required_parameter", message, rule="5", param="item")
    if kind == "input_audio_buffer.append":
        return event
    _check_session(event.get("session") or {})
    return event


def _check_session(session: Event) -> None:
    rate = session.get("input_audio_sampling_rate")
    if rate not in (None, 8000, 16000, 24000):
        raise Refused(
            "invalid_value",
            f"Invalid value: {rate}. Supported values are: 8000, 16000, 24000.",
            rule="azure.ai.voicelive.models.RequestSession.input_audio_sampling_rate",
            param="session.input_audio_sampling_rate",
        )


def complaints(event: Event) -> list[str]:
    """What the vendor's `ServerEvent` has against a server event.

    One thing is waived: the package has a single type for audio parts, the request's, where `audio` is required;
    a server does not send the caller's audio back (section 4).
    """
    known = by_type(SERVER_EVENT)
    if event.get("type") not in known:
        return [f"no server event of Voice Live is called {event.get('type')!r}"]
    found = problems(known[event["type"]], event)
    return [problem.message for problem in found if not NOT_ECHOED.fullmatch(problem.param)]
