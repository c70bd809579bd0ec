"""Events of the beta against `openai.types.beta.realtime`, strictly, both ways; and the beta's own limits."""

from __future__ import annotations

from openai.types.beta.realtime import RealtimeClientEvent, RealtimeServerEvent

from tests.peers.faults import Event, Refused
from tests.peers.strict import by_type, problems

__all__ = ["check_client", "check_item", "complaints"]

GA_ONLY = {
    "session.type": "14.2: session.type is GA's",
    "session.audio": "14.2: nested audio is GA's",
    "session.output_modalities": "14.2: the beta says modalities",
    "session.max_output_tokens": "14.2: the beta says max_response_output_tokens",
    "response.audio": "14.2: nested audio is GA's",
    "response.output_modalities": "14.2: the beta says modalities",
}
FIELDS = {
    "message": ("role", "content"),
    "function_call": ("name", "arguments", "call_id"),
    "function_call_output": ("call_id", "output"),
}
MODALITIES = (["text"], ["audio", "text"], ["text", "audio"])


def check_client(event: Event) -> Event:
    """The event itself. Raises Refused with the first difference from the beta's types or limits."""
    known = by_type(RealtimeClientEvent)
    kind = event["type"]
    if kind not in known or kind == "transcription_session.update":
        supported = ", ".join(f"'{name}'" for name in known)
        message = f"Invalid value: '{kind}'. Supported values are: {supported}."
        raise Refused("invalid_value", message, rule="14.2, client events", param="type")
    found = problems(known[kind], event)
    if found:
        first = found[0]
        rule = GA_ONLY.get(first.param, f"{kind}: openai.types.beta.realtime")
        raise Refused(first.code, first.message, rule=rule, param=first.param or None)
    if kind == "conversation.item.create":
        check_item(event["item"], "item")
    for name in ("session", "response"):
        _check_values(event.get(name) or {}, name)
    return event


def check_item(item: Event, path: str) -> None:
    """The beta's item type has only optional fields; section 4 tells which an item needs. Raises Refused."""
    for key in ("type", *FIELDS.get(item.get("type", ""), ())):
        if item.get(key) is None:
            name = f"{path}.{key}"
            message = f"Missing required parameter: '{name}'."
            raise Refused("missing_required_parameter", message, rule="4", param=name)


def _check_values(part: Event, path: str) -> None:
    modalities = part.get("modalities")
    if modalities is not None and modalities not in MODALITIES:
        raise Refused(
            "invalid_value",
            f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and ['audio', 'text'].",
            rule="the beta's modalities, from memory (unverified)",
            param=f"{path}.modalities",
        )
    temperature = part.get("temperature")
    if temperature is not None and not 0.6 <= temperature <= 1.2:
        raise Refused(
            "invalid_value",
            f"Invalid value: {temperature}. Expected 0.6 to 1.2.",
            rule="openai.types.beta.realtime.Session.temperature",
            param=f"{path}.temperature",
        )


def complaints(event: Event) -> list[str]:
    """What the beta's `RealtimeServerEvent` has against a server event."""
    known = by_type(RealtimeServerEvent)
    if event.get("type") not in known:
        return [f"no server event of the beta is called {event.get('type')!r}"]
    return [problem.message for problem in problems(known[event["type"]], event)]
