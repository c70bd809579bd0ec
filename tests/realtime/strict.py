"""The vendor's own types, as a judge: an event that they do not take whole is not the protocol."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter

__all__ = ["assert_strict"]

SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)

SERVER_COPY = {"session.id", "session.object", "session.expires_at"}
"""Of a session object only a server sends these; the types of the package know the client's side."""


def assert_strict(event: dict[str, Any]) -> None:
    """Fails unless the event parses as a known server event with nothing left over, at any depth."""
    if isinstance(event.get("delta"), bytes):
        event = {**event, "delta": base64.b64encode(event["delta"]).decode()}
    parsed = SERVER_EVENT.validate_python(event)
    assert parsed.type == event["type"]
    unknown = set(_unknown(parsed, "")) - SERVER_COPY
    assert not unknown, f"{event['type']} has keys that no client knows: {unknown}"


def _unknown(value: Any, path: str) -> Iterator[str]:
    """Dotted paths of what no field took."""
    if isinstance(value, BaseModel):
        extra = value.model_extra or {}
        yield from (f"{path}{key}" for key in extra)
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, list):
        for one in value:
            yield from _unknown(one, path)
