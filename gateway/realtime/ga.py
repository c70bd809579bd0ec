"""What a server of the GA protocol takes: our sessions and items without what only a server says, or would refuse.

Reference of the OpenAI Realtime API: client events `session.update`, `conversation.item.create`, `response.create`.
Sans-IO. Server events pass as they are: a kind that is new needs no change here.
"""

from __future__ import annotations

from typing import Any

from gateway.realtime.ids import new_id

__all__ = ["Ga", "clean_item", "clean_response", "clean_session"]

Event = dict[str, Any]

SERVER_ONLY = frozenset({"id", "object", "expires_at", "client_secret"})
"""Fields of a session that only a server's copy has."""

FIXED = frozenset({"model"})
"""Chosen by the URL; it cannot change afterwards."""

NULLABLE = frozenset(
    {
        "prompt",
        "tracing",
        "audio.input.turn_detection",
        "audio.input.turn_detection.idle_timeout_ms",
        "audio.input.transcription",
        "audio.input.noise_reduction",
    }
)
"""Fields whose null says something: switch it off. Any other null stands for "not set" and is left out."""

OPAQUE = frozenset({"parameters", "variables", "metadata", "headers"})
"""Objects whose content is somebody else's."""


class Ga:
    """The dialect of servers that speak GA: a socket's `gateway.connector.Dialect`."""

    def up(self, event: Event) -> list[Event]:
        match event["type"]:
            case "session.update":
                return [{**event, "session": clean_session(event["session"])}]
            case "conversation.item.create":
                return [{**event, "item": clean_item(event["item"])}]
            case "response.create" if event.get("response"):
                return [{**event, "response": clean_response(event["response"])}]
            case _:
                return [event]

    def down(self, event: Event) -> list[Event]:
        return [event]


def clean_session(session: dict[str, Any]) -> dict[str, Any]:
    """A session as `session.update` may carry it. `include: null` becomes the empty list that clears it."""
    kept = {k: v for k, v in session.items() if k not in SERVER_ONLY | FIXED}
    if "include" in kept and kept["include"] is None:
        kept["include"] = []
    return {"type": "realtime", **_without_nulls(kept)}


def clean_item(item: dict[str, Any]) -> dict[str, Any]:
    """An item as a client may create it: what an assistant said is history only as text, never as audio."""
    kept = {k: v for k, v in item.items() if v is not None}
    if kept["type"] == "mcp_approval_response":
        # Of all items this one must come with an id, and has no status.
        kept = {"id": new_id("mcpr"), **{k: v for k, v in kept.items() if k not in ("object", "status")}}
    if kept.get("role") == "assistant":
        kept["content"] = [_as_text(part) for part in kept.get("content", ())]
    return kept


def clean_response(response: dict[str, Any]) -> dict[str, Any]:
    """The parameters of `response.create`."""
    kept = _without_nulls(response)
    if "input" in kept:
        kept["input"] = [clean_item(item) for item in kept["input"]]
    return kept


def _as_text(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") != "output_audio":
        return part
    return {"type": "output_text", "text": part.get("transcript") or ""}


def _without_nulls(value: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Without the nulls that say nothing, down to the leaves."""
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        here = f"{path}.{key}" if path else key
        if inner is None and here not in NULLABLE:
            continue
        if isinstance(inner, dict) and key not in OPAQUE:
            inner = _without_nulls(inner, here)
        elif key == "tools" and isinstance(inner, list):
            inner = [_without_nulls(tool, here) for tool in inner]
        kept[key] = inner
    return kept
