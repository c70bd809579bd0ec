"""Every rule of the GA peer catches the client that breaks it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.peers.bad import blamed, dialled
from tests.peers.faults import Event
from tests.peers.openai_ga import KEY, OpenAiPeer
from tests.peers.script import Call, Refusal, Reply, Script
from tests.peers.sound import tone

pytestmark = pytest.mark.integration

BEARER = {"Authorization": f"Bearer {KEY}"}
MODEL = "?model=gpt-realtime-2.1"


def update(**session: Any) -> Event:
    return {"type": "session.update", "session": {"type": "realtime", **session}}


def heard(**fields: Any) -> Event:
    return update(audio={"input": fields})


def said(**fields: Any) -> Event:
    return update(audio={"output": fields})


def create(item: Event, **more: Any) -> Event:
    return {"type": "conversation.item.create", "item": item, **more}


def message(role: str, *content: Event, **more: Any) -> Event:
    return create({"type": "message", "role": role, "content": list(content), **more})


def respond(**response: Any) -> Event:
    return {"type": "response.create", "response": response}


def truncate(item_id: str, end_ms: int, index: int = 0) -> Event:
    return {
        "type": "conversation.item.truncate",
        "item_id": item_id,
        "content_index": index,
        "audio_end_ms": end_ms,
    }


TEXT = {"type": "input_text", "text": "Hello"}
MISSING = "missing_required_parameter"
UNKNOWN = "unknown_parameter"
LONG = "string_above_max_length"
VAD = {"type": "server_vad"}

AT_ONCE: list[tuple[Event, str, str | None]] = [
    # sections 2 and 5: the envelope
    ({"type": "session.start"}, "invalid_value", "type"),
    ({"type": "response.cancel", "event_id": "e" * 513}, LONG, "event_id"),
    ({"type": "response.cancel", "event_id": 7}, "invalid_type", "event_id"),
    ({"type": "output_audio_buffer.clear"}, "invalid_value", "type"),
    # section 3.1: the session
    ({"type": "session.update", "session": {"instructions": "x"}}, MISSING, "session.type"),
    ({"type": "session.update"}, MISSING, "session"),
    ({"type": "session.update", "session": {"type": "transcription"}}, "invalid_value", "session.type"),
    ({"type": "session.update", "session": {"type": "chat"}}, "invalid_value", "session.type"),
    (update(temperature=0.8), UNKNOWN, "session.temperature"),
    (update(id="sess_1"), UNKNOWN, "session.id"),
    (update(object="realtime.session"), UNKNOWN, "session.object"),
    (update(expires_at=1), UNKNOWN, "session.expires_at"),
    (update(voice="marin"), UNKNOWN, "session.voice"),
    (update(modalities=["audio"]), UNKNOWN, "session.modalities"),
    (update(turn_detection=None), UNKNOWN, "session.turn_detection"),
    (update(output_modalities=["audio", "text"]), "invalid_value", "session.output_modalities"),
    (update(instructions=3), "invalid_type", "session.instructions"),
    (update(max_output_tokens=5000), "invalid_value", "session.max_output_tokens"),
    (update(max_output_tokens=True), "invalid_type", "session.max_output_tokens"),
    (said(speed=2), "invalid_value", "session.audio.output.speed"),
    (said(pitch=2), UNKNOWN, "session.audio.output.pitch"),
    # section 3.2: formats
    (heard(format={"type": "audio/opus"}), "invalid_value", "session.audio.input.format.type"),
    (
        heard(format={"type": "audio/pcm", "rate": 16000}),
        "invalid_value",
        "session.audio.input.format.rate",
    ),
    (heard(format={"rate": 24000}), MISSING, "session.audio.input.format.type"),
    (said(format="pcm16"), "invalid_type", "session.audio.output.format"),
    # section 3.3: turns
    (heard(turn_detection={"type": "none"}), "invalid_value", "session.audio.input.turn_detection.type"),
    (heard(turn_detection={"threshold": 0.4}), MISSING, "session.audio.input.turn_detection.type"),
    (
        heard(turn_detection={**VAD, "threshold": 2}),
        "invalid_value",
        "session.audio.input.turn_detection.threshold",
    ),
    (
        heard(turn_detection={**VAD, "idle_timeout_ms": 1000}),
        "invalid_value",
        "session.audio.input.turn_detection.idle_timeout_ms",
    ),
    (
        heard(turn_detection={"type": "semantic_vad", "threshold": 0.5}),
        UNKNOWN,
        "session.audio.input.turn_detection.threshold",
    ),
    (
        heard(turn_detection={**VAD, "eagerness": "low"}),
        UNKNOWN,
        "session.audio.input.turn_detection.eagerness",
    ),
    # section 3.4: transcription
    (heard(transcription={"model": 1}), "invalid_type", "session.audio.input.transcription.model"),
    (heard(transcription={"diarize": True}), UNKNOWN, "session.audio.input.transcription.diarize"),
    # section 3.5: tools
    (update(tools=[{"type": "function"}]), MISSING, "session.tools[0].name"),
    (update(tools=[{"type": "function", "name": "look up"}]), "invalid_value", "session.tools[0].name"),
    (update(tools=[{"type": "function", "function": {}}]), UNKNOWN, "session.tools[0].function"),
    (update(tools=[{"type": "mcp", "server_label": "x"}]), MISSING, "session.tools[0].server_url"),
    (update(tool_choice="sometimes"), "invalid_value", "session.tool_choice"),
    # section 3.6
    (
        update(truncation={"type": "retention_ratio", "retention_ratio": 3}),
        "invalid_value",
        "session.truncation.retention_ratio",
    ),
    # section 4: items
    (message("user", TEXT, id="i" * 33), LONG, "item.id"),
    (message("system", {"type": "input_audio", "audio": ""}), "invalid_value", "item.content[0].type"),
    (message("user", {"type": "output_text", "text": "x"}), "invalid_value", "item.content[0].type"),
    (message("user", {"type": "text", "text": "x"}), "invalid_value", "item.content[0].type"),
    (message("user", {"type": "input_text"}), MISSING, "item.content[0].text"),
    (message("user", {"text": "x"}), MISSING, "item.content[0].type"),
    (message("assistant", {"type": "output_audio", "audio": ""}), "invalid_value", "item.content[0].type"),
    (message("tool", TEXT), "invalid_value", "item.role"),
    (create({"type": "message", "role": "user"}), MISSING, "item.content"),
    (create({"type": "note"}), "invalid_value", "item.type"),
    (create({"type": "mcp_list_tools", "server_label": "x", "tools": []}), "invalid_value", "item.type"),
    (create({"type": "function_call", "name": "f", "arguments": "{}"}), MISSING, "item.call_id"),
    (
        create({"type": "function_call_output", "call_id": "call_9", "output": "x"}),
        "invalid_tool_call_id",
        "item.call_id",
    ),
    (
        create({"type": "function_call_output", "call_id": "call_9", "output": {}}),
        "invalid_type",
        "item.output",
    ),
    # section 5: previous_item_id, the verbs on items
    (
        create(message("user", TEXT)["item"], previous_item_id="item_9"),
        "item_create_invalid_previous_item_id",
        "previous_item_id",
    ),
    (
        {"type": "conversation.item.retrieve", "item_id": "item_9"},
        "item_retrieve_invalid_item_id",
        "item_id",
    ),
    ({"type": "conversation.item.delete", "item_id": "item_9"}, "item_delete_invalid_item_id", "item_id"),
    (truncate("item_9", 0), "item_truncate_invalid_item_id", "item_id"),
    ({"type": "conversation.item.truncate", "item_id": "x", "content_index": 0}, MISSING, "audio_end_ms"),
    # section 5: audio
    ({"type": "input_audio_buffer.append"}, MISSING, "audio"),
    ({"type": "input_audio_buffer.append", "audio": "not base64!"}, "invalid_value", "audio"),
    ({"type": "input_audio_buffer.append", "audio": "A" * (15 * 2**20 + 4)}, LONG, "audio"),
    ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", None),
    # section 5.1: responses
    (respond(temperature=0.8), UNKNOWN, "response.temperature"),
    (respond(modalities=["text"]), UNKNOWN, "response.modalities"),
    (respond(voice="marin"), UNKNOWN, "response.voice"),
    (respond(output_modalities=["text", "audio"]), "invalid_value", "response.output_modalities"),
    (respond(conversation="conv_1"), "invalid_value", "response.conversation"),
    (respond(metadata={"turn": 1}), "invalid_type", "response.metadata.turn"),
    (respond(metadata={str(n): "x" for n in range(17)}), "invalid_value", "response.metadata"),
    (respond(metadata={"k" * 65: "x"}), "invalid_value", "response.metadata"),
    (respond(metadata={"k": "x" * 513}), "invalid_value", "response.metadata"),
    (
        respond(input=[{"type": "item_reference", "id": "item_9"}]),
        "item_retrieve_invalid_item_id",
        "item_id",
    ),
    (respond(input=[{"type": "item_reference"}]), MISSING, "response.input[0].id"),
]


@pytest.mark.parametrize(("event", "code", "param"), AT_ONCE, ids=lambda value: str(value)[:60])
async def test_a_fault_of_one_event(event: Event, code: str, param: str | None) -> None:
    async with OpenAiPeer.open() as peer, dialled(peer.url + MODEL, BEARER) as socket:
        fault, error = await blamed(peer, socket, {"event_id": "mine", **event})
        assert (fault.code, fault.param) == (code, param), str(fault)
        assert fault.rule
        assert error["error"]["code"] == code
        given = event.get("event_id", "mine")
        assert error["error"]["event_id"] == (given if isinstance(given, str) else None)
        await socket.send(json.dumps(update(instructions="still here")))
        await peer.sent.until("session.updated")
        assert len(peer.faults) == 1


@pytest.mark.parametrize("sent", ["{", "[]", '{"session": {}}', '{"type": 1}', b"{}"])
async def test_what_is_no_event(sent: str | bytes) -> None:
    async with OpenAiPeer.open() as peer, dialled(peer.url + MODEL, BEARER) as socket:
        fault, error = await blamed(peer, socket, sent)
        assert fault.code == "invalid_event"
        assert error["error"]["event_id"] is None


async def test_one_response_at_a_time() -> None:
    script = Script(replies=(Reply("A long story. " * 5, speed=1.0),))
    async with OpenAiPeer.open(script) as peer, dialled(peer.url + MODEL, BEARER) as socket:
        await socket.send('{"type": "response.create"}')
        running = (await peer.sent.until("response.created"))["response"]["id"]
        fault, error = await blamed(peer, socket, {"type": "response.create"})
        assert fault.code == "conversation_already_has_active_response"
        assert running in error["error"]["message"]


async def test_item_ids_are_used_once() -> None:
    async with OpenAiPeer.open() as peer, dialled(peer.url + MODEL, BEARER) as socket:
        await socket.send(json.dumps(message("user", TEXT, id="item_1")))
        await socket.send(json.dumps({**message("user", TEXT, id="item_0"), "previous_item_id": "root"}))
        fault, _ = await blamed(peer, socket, message("user", TEXT, id="item_1"))
        assert fault.param == "item.id"
        first, second = peer.sent.of("conversation.item.done")
        assert (first["previous_item_id"], second["previous_item_id"]) == (None, None)


async def test_truncation_is_within_what_was_said() -> None:
    script = Script(replies=(Reply("Hello there", audio=tone(500)),))
    async with OpenAiPeer.open(script) as peer, dialled(peer.url + MODEL, BEARER) as socket:
        await socket.send(json.dumps(message("user", TEXT, id="item_1")))
        fault, _ = await blamed(peer, socket, truncate("item_1", 0))
        assert fault.code == "unsupported_content_type"
        await socket.send('{"type": "response.create"}')
        said_id = (await peer.sent.until("response.done"))["response"]["output"][0]["id"]
        for end, index, param in (
            (501, 0, "audio_end_ms"),
            (-1, 0, "audio_end_ms"),
            (100, 1, "content_index"),
        ):
            fault, error = await blamed(peer, socket, truncate(said_id, end, index))
            assert fault.param == param
            if end == 501:
                assert error["error"]["message"] == "Audio content of 500ms is already shorter than 501ms"
        await socket.send(json.dumps(truncate(said_id, 300)))
        await peer.sent.until("conversation.item.truncated")
        fault, _ = await blamed(peer, socket, truncate(said_id, 400))
        assert "300ms is already shorter" in fault.message


async def test_a_call_has_one_output() -> None:
    output = create({"type": "function_call_output", "call_id": "call_1", "output": "x"})
    script = Script(replies=(Reply(calls=(Call("f", call_id="call_1"),)),))
    async with OpenAiPeer.open(script) as peer, dialled(peer.url + MODEL, BEARER) as socket:
        await socket.send('{"type": "response.create"}')
        await peer.sent.until("response.done")
        await socket.send(json.dumps(output))
        fault, _ = await blamed(peer, socket, output)
        assert fault.code == "invalid_tool_call_id"


async def test_what_is_fixed_once_it_is_used() -> None:
    async with OpenAiPeer.open() as peer, dialled(peer.url + MODEL, BEARER) as socket:
        await socket.send(json.dumps(said(voice="cedar")))
        await socket.send(json.dumps(update(tracing="auto")))
        await socket.send('{"type": "response.create"}')
        await peer.sent.until("response.done")
        await socket.send(json.dumps(said(voice="cedar")))
        fault, _ = await blamed(peer, socket, said(voice="marin"))
        assert fault.code == "cannot_update_voice"
        fault, _ = await blamed(peer, socket, update(tracing=None))
        assert fault.param == "session.tracing"
        assert len(peer.faults) == 2


async def test_speed_changes_between_turns_only() -> None:
    script = Script(replies=(Reply("A long story. " * 5, speed=1.0),))
    async with OpenAiPeer.open(script) as peer, dialled(peer.url + MODEL, BEARER) as socket:
        await socket.send('{"type": "response.create"}')
        await peer.sent.until("response.created")
        fault, _ = await blamed(peer, socket, said(speed=1.2))
        assert fault.param == "session.audio.output.speed"


async def test_less_than_100_ms_is_no_turn() -> None:
    async with OpenAiPeer.open() as peer, dialled(peer.url + MODEL, BEARER) as socket:
        await socket.send(json.dumps(heard(turn_detection=None)))
        for ms, wanted in ((60, 1), (60, 0)):
            audio = base64.b64encode(tone(ms)).decode()
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            if wanted:
                fault, _ = await blamed(peer, socket, {"type": "input_audio_buffer.commit"})
                assert "60.00ms" in fault.message
        await socket.send('{"type": "input_audio_buffer.commit"}')
        await peer.sent.until("input_audio_buffer.committed")
        await socket.send('{"type": "input_audio_buffer.clear"}')
        await peer.sent.until("input_audio_buffer.cleared")
        assert len(peer.faults) == 1


@pytest.mark.parametrize(
    ("target", "headers", "status", "code"),
    [
        (MODEL, {}, 401, "invalid_api_key"),
        (MODEL, {"Authorization": "Bearer sk-wrong"}, 401, "invalid_api_key"),
        (MODEL, {"api-key": KEY}, 401, "invalid_api_key"),
        (MODEL, {**BEARER, "OpenAI-Beta": "realtime=v1"}, 400, "beta_api_shape_disabled"),
        ("", BEARER, 400, "missing_model"),
        (MODEL + "&call_id=rtc_1", BEARER, 400, "missing_model"),
        ("?call_id=rtc_1", BEARER, 404, "call_id_not_found"),
        ("?model=gpt-9", BEARER, 404, "model_not_found"),
        ("/calls" + MODEL, BEARER, 404, "unknown_url"),
    ],
)
async def test_who_is_not_let_in(target: str, headers: dict[str, str], status: int, code: str) -> None:
    async with OpenAiPeer.open(models=frozenset({"gpt-realtime-2.1"})) as peer:
        with pytest.raises(InvalidStatus) as refused:
            await dialled(peer.url + target, headers).__aenter__()
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body)["error"]["code"] == code
        assert peer.faults[0].code == code


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_a_refusal_of_the_script_is_nobodys_fault(status: int) -> None:
    script = Script(refusals=(Refusal(status, "some_code", "Not now.", headers={"Retry-After": "1"}),))
    async with OpenAiPeer.open(script) as peer:
        with pytest.raises(InvalidStatus) as refused:
            await dialled(peer.url + MODEL, BEARER).__aenter__()
        assert refused.value.response.status_code == status
        assert refused.value.response.headers["Retry-After"] == "1"
        async with dialled(peer.url + MODEL, BEARER):
            await peer.sent.until("session.created")
        assert peer.faults == []
