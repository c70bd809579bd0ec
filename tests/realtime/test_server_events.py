from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from gateway.realtime import server_events
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.ids import new_id
from gateway.realtime.response import Usage, response_object, status_details
from gateway.realtime.session import PCM, default_session
from tests.realtime.strict import assert_strict

pytestmark = pytest.mark.unit

SESSION = default_session(model="gpt-realtime", session_id="sess_1", expires_at=1_760_000_000)
MESSAGE = {
    "id": "item_1",
    "object": "realtime.item",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_audio", "transcript": "Hello."}],
}
RESPONSE = response_object(
    response_id="resp_1",
    status="completed",
    conversation_id="conv_1",
    output_modalities=["audio"],
    audio_format=PCM,
    voice="marin",
    output=[MESSAGE],
    usage=Usage(1, 2, 3, 4, 1, 0),
    metadata={"a": "b"},
)
SAMPLES: dict[str, Any] = {
    "session": SESSION,
    "item": MESSAGE,
    "response": RESPONSE,
    "part": {"type": "audio", "transcript": ""},
    "what": ProtocolFault("invalid_value", "No.", "session.type", "mine"),
    "seconds": 1.5,
    "previous_item_id": None,
    "audio_start_ms": 20,
    "audio_end_ms": 40,
    "content_index": 0,
    "output_index": 1,
}
BUILDERS = [name for name in server_events.__all__ if name != "Event"]


@pytest.mark.parametrize("name", BUILDERS)
def test_every_builder_makes_an_event_that_the_vendors_types_accept(name: str) -> None:
    builder = getattr(server_events, name)
    wanted = [p for p in inspect.signature(builder).parameters.values() if p.default is p.empty]
    event = builder(**{p.name: SAMPLES.get(p.name, "text") for p in wanted})
    assert re.fullmatch(r"event_[0-9a-f]{24}", event["event_id"])
    assert_strict(event)


def test_an_item_may_have_a_previous_one() -> None:
    assert_strict(server_events.item_added(MESSAGE, "item_0"))


def test_a_fault_keeps_the_clients_event_id() -> None:
    told = server_events.fault(ProtocolFault("invalid_type", "No.", "item").of("mine"))["error"]
    assert (told["type"], told["event_id"], told["param"]) == ("invalid_request_error", "mine", "item")


@pytest.mark.parametrize("status", ["in_progress", "completed", "cancelled", "failed", "incomplete"])
def test_every_status_of_a_response_is_one_that_clients_know(status: Any) -> None:
    details = status_details(status, reason="turn_detected", code="c", message="m")
    response = RESPONSE | {"status": status, "status_details": details, "usage": None, "metadata": None}
    assert_strict(server_events.response_done(response))
    assert (details is None) == (status in ("in_progress", "completed"))


def test_usage_adds_up() -> None:
    usage = Usage(input_text=119, input_audio=13, output_text=30, output_audio=91, cached_text=64).to_json()
    assert (usage["total_tokens"], usage["input_tokens"], usage["output_tokens"]) == (253, 132, 121)
    assert usage["input_token_details"]["cached_tokens"] == 64


def test_ids_are_short_and_differ() -> None:
    ids = {new_id("item") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(i) <= 32 for i in ids)
