"""Whether a server event has what is read of it, before anybody reads it: a server may send anything. Pure.

Not a check of the whole protocol: what is only passed on may be as new or as odd as it likes.
"""

from __future__ import annotations

from typing import Any

from gateway.realtime.server_fields import FIELDS

__all__ = ["check_server_event"]

NUMBER = (int, float)
TYPES: dict[str, type | tuple[type, ...]] = {
    "error": dict, "item": dict, "part": dict, "response": dict, "session": dict,
    "item_id": str, "response_id": str, "call_id": str, "name": str, "arguments": str, "text": str,
    "delta": (str, bytes), "output_index": int, "content_index": int, "audio_start_ms": NUMBER,
    "audio_end_ms": NUMBER,
}  # fmt: skip
NEEDED = frozenset(
    {"error", "item", "response", "session", "item_id", "response_id", "audio_start_ms", "audio_end_ms"}
)
"""What an event cannot do without, where the protocol has it."""
INDEXED = frozenset({"response.output_item.added", "response.output_item.done"})

ITEM: dict[str, type | tuple[type, ...]] = {"id": str, "type": str}
CALL: dict[str, type | tuple[type, ...]] = {"call_id": str, "name": str}
RESPONSE: dict[str, type | tuple[type, ...]] = {"id": str}
MAYBE_ITEM: dict[str, type | tuple[type, ...]] = {"arguments": str, "content": list, "status": str}
MAYBE_RESPONSE: dict[str, type | tuple[type, ...]] = {
    "status": str, "output": list, "usage": dict, "metadata": dict, "audio": dict, "conversation_id": str,
    "output_modalities": list, "status_details": dict,
}  # fmt: skip
MAYBE_SESSION: dict[str, type | tuple[type, ...]] = {"model": str}


Kinds = type | tuple[type, ...]
_Wanted = tuple[frozenset[str], tuple[tuple[str, Kinds], ...], dict[str, Kinds]]
"""The fields of a kind of event, what it cannot do without, and what all that is looked at has to be."""


def _wanted(kind: str, fields: frozenset[str]) -> _Wanted:
    needed = fields & NEEDED | ({"output_index"} if kind in INDEXED else frozenset())
    looked_at = {name: TYPES[name] for name in (TYPES if fields else ("item_id", "response_id"))}
    return (
        fields,
        tuple((name, TYPES[name]) for name in sorted(needed)),
        looked_at | {"event_id": str, "previous_item_id": str},
    )


_WANTED = {kind: _wanted(kind, fields) for kind, fields in FIELDS.items()}
_UNKNOWN = _wanted("", frozenset())


def check_server_event(event: dict[str, Any]) -> None:
    """Raises TypeError, which names no value: it may be speech."""
    fields, needed, looked_at = _WANTED.get(event["type"], _UNKNOWN)
    for name, kind in needed:
        if not isinstance(event.get(name), kind):
            raise TypeError(f"{name} is missing or of another type")
    for name, found in event.items():
        if found is not None and name in looked_at and not isinstance(found, looked_at[name]):
            raise TypeError(f"{name} is of another type")
    if "item" in fields:
        _check_item(event["item"])
    if "response" in fields:
        _check_response(event["response"])
    if "session" in fields:
        _check(event["session"], {}, MAYBE_SESSION)
    if "transcript" in fields:
        _want(event, "transcript", str, absent=True)


def _check_item(item: object) -> None:
    _check(item, ITEM, MAYBE_ITEM)
    assert isinstance(item, dict)
    if item["type"] == "function_call":
        _check(item, CALL, {})
    for part in item.get("content") or []:
        _check(part, {}, {"type": str, "text": str, "transcript": str})


def _check_response(response: object) -> None:
    _check(response, RESPONSE, MAYBE_RESPONSE)
    assert isinstance(response, dict)
    for item in response.get("output") or []:
        _check_item(item)
    output = (response.get("audio") or {}).get("output")
    if output is not None:
        _check(output, {}, {"format": dict})


def _check(
    value: object,
    needed: dict[str, type | tuple[type, ...]],
    maybe: dict[str, type | tuple[type, ...]],
) -> None:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    for name, kind in needed.items():
        _want(value, name, kind)
    for name, kind in maybe.items():
        _want(value, name, kind, absent=True)


def _want(value: dict[str, Any], name: str, kind: type | tuple[type, ...], *, absent: bool = False) -> None:
    found = value.get(name)
    if not (isinstance(found, kind) or (absent and found is None)):
        raise TypeError(f"{name} is missing or of another type")
