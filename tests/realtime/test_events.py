from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.realtime import events
from gateway.realtime.events import (
    AudioAppend,
    SessionUpdate,
    parse_client_event,
)
from gateway.realtime.fault import ProtocolFault
from tests.realtime.noise import json_noise

pytestmark = pytest.mark.unit

MISSING = "missing_required_parameter"
UNKNOWN = "unknown_parameter"


def fault(message: Any) -> ProtocolFault:
    with pytest.raises(ProtocolFault) as caught:
        parse_client_event(message)
    return caught.value


def wire(event: dict[str, Any]) -> str:
    return orjson.dumps(event).decode()


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": fields}


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return item(type="message", role="user", content=list(content))


def agent(*content: dict[str, Any]) -> dict[str, Any]:
    return item(type="message", role="assistant", content=list(content))


def response(**fields: Any) -> dict[str, Any]:
    return {"type": "response.create", "event_id": "mine", "response": fields}


@pytest.mark.parametrize("form", [lambda e: e, wire, orjson.dumps])
def test_text_bytes_and_objects_are_read_alike(form: Any) -> None:
    event = parse_client_event(
        form({"type": "session.update", "session": {"type": "realtime"}, "event_id": "mine"})
    )
    assert isinstance(event, SessionUpdate)
    assert (event.session, event.event_id) == ({"type": "realtime"}, "mine")


def test_audio_is_decoded() -> None:
    pcm = bytes(range(256))
    told = wire({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()})
    event = parse_client_event(told)
    assert isinstance(event, AudioAppend)
    assert event.audio == pcm
    assert parse_client_event({"type": "input_audio_buffer.append", "audio": pcm}) == event


@pytest.mark.parametrize(
    "event",
    [
        {"type": "input_audio_buffer.commit"},
        {"type": "input_audio_buffer.clear", "event_id": None},
        {"type": "conversation.item.retrieve", "item_id": "item_1"},
        {"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 0, "audio_end_ms": 5},
        {"type": "conversation.item.delete", "item_id": "item_1"},
        {"type": "response.create"},
        {"type": "response.create", "response": None},
        response(conversation="none", metadata={"a": "b"}, input=[], output_modalities=["text"]),
        response(input=[{"type": "item_reference", "id": "item_1"}], max_output_tokens="inf"),
        response(audio={"output": {"voice": "ash", "format": {"type": "audio/pcm", "rate": 24000}}}),
        {"type": "response.cancel", "response_id": "resp_1"},
        {"type": "output_audio_buffer.clear"},
        item(type="message", role="system", content=[{"type": "input_text", "text": "x"}]),
        item(
            type="message",
            role="user",
            content=[{"type": "input_audio", "audio": "AAA=", "transcript": None}],
        ),
        item(
            type="message",
            role="user",
            content=[{"type": "input_image", "image_url": "data:image/png;base64,AA=="}],
        ),
        item(type="message", role="assistant", content=[{"type": "output_text", "text": "x"}]),
        item(type="function_call", name="f", arguments="{}", call_id="c"),
        item(type="function_call_output", call_id="c", output="done"),
        item(type="mcp_approval_response", id="i", approval_request_id="a", approve=True),
    ],
)
def test_every_client_event_is_understood(event: dict[str, Any]) -> None:
    assert parse_client_event(wire(event)).type == event["type"]


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ("{", "invalid_event", None),
        ("[]", "invalid_event", None),
        ("{}", "invalid_event", "type"),
        ({"type": 5}, "invalid_event", "type"),
        ({"type": "session.destroy"}, "invalid_value", "type"),
        ({"type": "session.update"}, "missing_required_parameter", "session"),
        ({"type": "session.update", "session": []}, "invalid_type", "session"),
        ({"type": "response.cancel", "x": 1}, "unknown_parameter", "x"),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "AAA"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": 5}, "invalid_value", "audio"),
        ({"type": "conversation.item.truncate", "item_id": "i", "content_index": 0}, MISSING, "audio_end_ms"),
        ({"type": "conversation.item.delete", "item_id": ""}, "invalid_value", "item_id"),
        (item(type="message", content=[]), "missing_required_parameter", "item.role"),
        (item(type="message", role="robot", content=[]), "invalid_value", "item.role"),
        (user({"type": "text", "text": "x"}), "invalid_value", "item.content[0].type"),
        (user({"type": "input_text"}), MISSING, "item.content[0].text"),
        (agent({"type": "output_audio", "audio": "AA==", "transcript": "x"}), UNKNOWN, "item.content[0].audio"),
        (item(type="function_call_output", output="x"), "missing_required_parameter", "item.call_id"),
        (item(type="item_reference", id="x"), "invalid_value", "item.type"),
        (response(conversation="other"), "invalid_value", "response.conversation"),
        (response(temperature=1), "unknown_parameter", "response.temperature"),
        (response(metadata={"a": 1}), "invalid_type", "response.metadata.a"),
        (response(metadata={str(i): "" for i in range(17)}), "invalid_value", "response.metadata"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(event: Any, code: str, param: str | None) -> None:
    found = fault(event if isinstance(event, str) else wire(event))
    assert (found.code, found.param) == (code, param)
    assert found.event_id == (event.get("event_id") if isinstance(event, dict) else None)


def test_the_bounds() -> None:
    assert fault("x" * (events.MAX_MESSAGE + 1)).code == "invalid_event"
    assert fault("é" * (events.MAX_MESSAGE // 2 + 1)).code == "invalid_event"
    assert (
        fault({"type": "input_audio_buffer.append", "audio": "A" * (events.MAX_APPEND + 4)}).param
        == "audio"
    )
    assert fault("\ud800").code == "invalid_event"
    assert fault({"type": "response.cancel", "event_id": "x" * 513}).param == "event_id"


def test_json_that_could_not_be_written_again_is_refused() -> None:
    objects: Any = {}
    lists: Any = []
    for _ in range(events.MAX_DEPTH):
        objects, lists = {"a": [objects], "b": 1}, [lists, 1]
    for nested in (objects, lists):
        update = {
            "type": "session.update",
            "event_id": "mine",
            "session": {"type": "realtime", "tools": nested},
        }
        found = fault(update)
        assert (found.code, found.event_id) == ("invalid_event", "mine")


@given(json_noise() | st.binary(max_size=40) | st.text(max_size=40))
def test_noise_is_a_fault_or_an_event(noise: Any) -> None:
    messages = [noise] if isinstance(noise, dict | str | bytes) else []
    for message in [*messages, orjson.dumps(noise)] if not isinstance(noise, bytes) else messages:
        with suppress(ProtocolFault):
            parse_client_event(message)


FIELDS = st.sampled_from(
    [
        "event_id",
        "session",
        "audio",
        "item",
        "previous_item_id",
        "item_id",
        "content_index",
        "audio_end_ms",
        "response",
    ]
)


@given(st.sampled_from(sorted(events.TYPES)), st.dictionaries(FIELDS, json_noise(), max_size=4))
def test_noise_in_known_events_is_a_fault_or_an_event(kind: str, fields: dict[str, Any]) -> None:
    with suppress(ProtocolFault):
        assert parse_client_event({**fields, "type": kind}).type == kind
