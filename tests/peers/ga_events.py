"""Events of GA against the `openai` package's types, strictly, both ways."""

from __future__ import annotations

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent, RealtimeSessionCreateResponse
from openai.types.realtime.response_item_reference import ResponseItemReference

from tests.peers.faults import Event, Refused
from tests.peers.strict import Problem, by_type, problems

__all__ = ["check_client", "complaints"]

MAX_EVENT_ID = 512


def check_client(event: Event) -> Event:
    """The event itself. Raises Refused with the first difference from `RealtimeClientEvent`."""
    known = by_type(RealtimeClientEvent)
    kind = event["type"]
    if kind not in known:
        supported = ", ".join(f"'{name}'" for name in known)
        raise Refused(
            "invalid_value",
            f"Invalid value: '{kind}'. Supported values are: {supported}.",
            rule="5, client events",
            param="type",
        )
    if isinstance(event.get("event_id"), str) and len(event["event_id"]) > MAX_EVENT_ID:
        raise Refused(
            "string_above_max_length",
            f"Invalid 'event_id': at most {MAX_EVENT_ID} characters.",
            rule="2, client event_id",
            param="event_id",
        )
    shown, found = _without_references(event)
    found += problems(known[kind], shown)
    if found:
        _refuse(kind, found[0])
    if kind == "session.update" and event["session"]["type"] == "transcription":
        raise Refused(
            "invalid_value",
            "Passing a transcription session update event to a realtime session is not allowed.",
            rule="13",
            param="session.type",
        )
    return event


def _refuse(kind: str, first: Problem) -> None:
    where = {
        "session.temperature": "3.1: no temperature in GA",
        "session.type": "3.1: type is required in every session.update",
        "session.id": "3.1: only in server copies",
        "session.object": "3.1: only in server copies",
        "session.expires_at": "3.1: only in server copies",
    }
    rule = where.get(first.param, f"{kind}: openai.types.realtime")
    raise Refused(first.code, first.message, rule=rule, param=first.param or None)


def _without_references(event: Event) -> tuple[Event, list[Problem]]:
    """`item_reference` stands in no pydantic type of the package, only in the params that a client may pass."""
    response = event.get("response")
    if event["type"] != "response.create" or not isinstance(response, dict):
        return event, []
    given = response.get("input")
    if not isinstance(given, list):
        return event, []
    found: list[Problem] = []
    kept = []
    for at, item in enumerate(given):
        if isinstance(item, dict) and item.get("type") == "item_reference":
            found += problems(ResponseItemReference, item, f"response.input[{at}]")
        else:
            kept.append(item)
    return {**event, "response": {**response, "input": kept}}, found


def complaints(event: Event) -> list[str]:
    """What `RealtimeServerEvent` has against a server event; empty when it is exactly one."""
    known = by_type(RealtimeServerEvent)
    if event.get("type") not in known:
        return [f"no server event is called {event.get('type')!r}"]
    found: list[Problem] = []
    if event["type"] in ("session.created", "session.updated") and isinstance(event.get("session"), dict):
        # The event's type has the request's session, without id, object and expires_at; the whole of it has its own.
        found += problems(RealtimeSessionCreateResponse, event["session"], "session")
        event = {**event, "session": {"type": "realtime"}}
    found += problems(known[event["type"]], event)
    return [problem.message for problem in found]
