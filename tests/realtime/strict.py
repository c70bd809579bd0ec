"""The vendor's own types, as a judge: an event that they do not take whole is not the protocol."""

from __future__ import annotations

import base64
from typing import Any

from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

__all__ = ["assert_strict"]

SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


def assert_strict(event: dict[str, Any]) -> None:
    """Fails unless the event parses as a known server event with nothing left over at its top."""
    if isinstance(event.get("delta"), bytes):
        event = {**event, "delta": base64.b64encode(event["delta"]).decode()}
    parsed = SERVER_EVENT.validate_python(event)
    assert parsed.type == event["type"]
    known = set(type(parsed).model_fields)
    assert set(event) <= known, f"{event['type']} has keys that no client knows: {set(event) - known}"
