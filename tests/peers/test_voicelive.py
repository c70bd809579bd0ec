"""Voice Live's peer: driven by the vendor's own client, judged by the vendor's own models."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from azure.ai.voicelive.aio import connect
from azure.ai.voicelive.models import (
    AudioInputTranscriptionOptions,
    FunctionCallOutputItem,
    FunctionTool,
    Modality,
    OpenAIVoice,
    RequestSession,
    ServerVad,
)
from azure.core.credentials import AzureKeyCredential
from websockets.exceptions import InvalidStatus

from tests.peers.azure import KEY, TOKEN
from tests.peers.bad import blamed, dialled
from tests.peers.faults import Event
from tests.peers.script import Call, Heard, Reply, Script
from tests.peers.sound import pieces, tone
from tests.peers.voicelive import MODEL, VERSION, VoiceLivePeer
from tests.peers.voicelive_events import EXTRAS, complaints

pytestmark = pytest.mark.integration

QUERY = f"?api-version={VERSION}&model={MODEL}"
BY_KEY = {"api-key": KEY}
UNKNOWN = "unknown_parameter"


async def test_a_whole_call_of_the_vendors_client() -> None:
    script = Script(
        replies=(
            Reply(calls=(Call("lookup", '{"day": "friday"}', "call_1"),)),
            Reply("Free.", chunk_ms=1000),
        ),
        hears=(Heard("is friday free"),),
    )
    session = RequestSession(
        modalities=[Modality.TEXT, Modality.AUDIO],
        instructions="Be brief.",
        voice=OpenAIVoice(name="marin"),
        turn_detection=ServerVad(silence_duration_ms=300),
        input_audio_transcription=AudioInputTranscriptionOptions(model="azure-speech"),
        tools=[FunctionTool(name="lookup", parameters={"type": "object"})],
        temperature=0.7,
    )
    async with (
        VoiceLivePeer.open(script) as peer,
        connect(
            credential=AzureKeyCredential(KEY),
            endpoint=f"http://127.0.0.1:{peer.port}",
            model=MODEL,
            api_version=VERSION,
        ) as connection,
    ):
        await connection.session.update(session=session)
        for piece in pieces(tone(500) + bytes(48 * 400), 100):
            await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())
        await peer.sent.until("response.done")
        await connection.conversation.item.create(
            item=FunctionCallOutputItem(call_id="call_1", output="yes")
        )
        await connection.response.create()
        done = 0
        while done < 2:
            done += (await connection.recv()).type == "response.done"
    assert peer.faults == []
    updated = peer.sent.of("session.updated")[0]["session"]
    assert updated["voice"] == {"type": "openai", "name": "marin"}
    assert (updated["temperature"], updated["instructions"]) == (0.7, "Be brief.")
    assert "rate_limits.updated" not in peer.sent.kinds
    assert "conversation.item.added" not in peer.sent.kinds
    heard = peer.sent.of("conversation.item.input_audio_transcription.completed")[0]
    assert heard["transcript"] == "is friday free"
    said = peer.sent.of("response.done")[1]["response"]["output"][0]
    assert said["content"] == [{"type": "audio", "transcript": "Free."}]
    assert [fault for event in peer.sent for fault in complaints(event)] == []


async def test_16_khz_in_and_8_khz_out() -> None:
    script = Script(replies=(Reply("Hello", chunk_ms=10_000),))
    async with VoiceLivePeer.open(script) as peer, dialled(peer.url + QUERY, BY_KEY) as socket:
        session = {"input_audio_sampling_rate": 16000, "output_audio_format": "pcm16_8000hz"}
        await socket.send(json.dumps({"type": "session.update", "session": session}))
        audio = base64.b64encode(tone(1500)[: 32 * 1000] + bytes(32 * 600)).decode()
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        stopped = await peer.sent.until("input_audio_buffer.speech_stopped")
        assert stopped["audio_end_ms"] == 1500
        delta = await peer.sent.until("response.audio.delta")
        assert len(base64.b64decode(delta["delta"])) == 300 * 16
        await peer.sent.until("response.done")
    assert peer.faults == []


def test_events_of_this_vendor_alone() -> None:
    assert [fault for event in EXTRAS for fault in complaints(event)] == []


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        (QUERY, {}, 401),
        (QUERY, {"Authorization": f"Bearer {KEY}"}, 401),
        (f"{QUERY}&api-key={KEY}", {}, 401),
        (f"?model={MODEL}", BY_KEY, 400),
        (f"?api-version=2025-04-01-preview&model={MODEL}", BY_KEY, 400),
        (f"?api-version={VERSION}", BY_KEY, 400),
        (f"{QUERY}&agent-name=a&agent-project-name=p", BY_KEY, 400),
    ],
)
async def test_who_is_not_let_in(query: str, headers: dict[str, str], status: int) -> None:
    async with VoiceLivePeer.open() as peer:
        with pytest.raises(InvalidStatus) as refused:
            await dialled(peer.url + query, headers).__aenter__()
        assert refused.value.response.status_code == status
        assert len(peer.faults) == 1


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (QUERY, {"Authorization": f"Bearer {TOKEN}"}),
        (f"?api-version={VERSION}&agent-name=a&agent-project-name=p", BY_KEY),
    ],
)
async def test_who_is_let_in(query: str, headers: dict[str, str]) -> None:
    async with VoiceLivePeer.open() as peer, dialled(peer.url + query, headers):
        await peer.sent.until("session.created")


def update(**session: Any) -> Event:
    return {"type": "session.update", "session": session}


def create(**item: Any) -> Event:
    return {"type": "conversation.item.create", "item": item}


def respond(**response: Any) -> Event:
    return {"type": "response.create", "response": response}


TEXT = {"type": "input_text", "text": "x"}
GA_TEXT = {"type": "output_text", "text": "x"}
VAD = {"type": "server_vad"}


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        (update(type="realtime"), UNKNOWN, "session.type"),
        (update(audio={}), UNKNOWN, "session.audio"),
        (update(output_modalities=["audio"]), UNKNOWN, "session.output_modalities"),
        (update(speed=1.0), UNKNOWN, "session.speed"),
        (update(tracing=None), UNKNOWN, "session.tracing"),
        (update(modalities=["speech"]), "invalid_value", "session.modalities[0]"),
        (update(voice={"type": "openai", "name": "zoe"}), "invalid_value", "session.voice.name"),
        (update(voice={"name": "marin"}), "missing_required_parameter", "session.voice.type"),
        (update(voice="zoe"), "invalid_value", "session.voice"),
        (update(input_audio_format="audio/pcm"), "invalid_value", "session.input_audio_format"),
        (update(input_audio_sampling_rate=48000), "invalid_value", "session.input_audio_sampling_rate"),
        (update(turn_detection={"type": "semantic_vad"}), "invalid_value", "session.turn_detection.type"),
        (
            update(turn_detection={**VAD, "idle_timeout_ms": 1}),
            UNKNOWN,
            "session.turn_detection.idle_timeout_ms",
        ),
        (update(tools=[{"type": "function"}]), "missing_required_parameter", "session.tools[0].name"),
        (respond(conversation="none"), UNKNOWN, "response.conversation"),
        (respond(input=[]), UNKNOWN, "response.input"),
        (respond(max_response_output_tokens=3), UNKNOWN, "response.max_response_output_tokens"),
        (
            create(type="message", role="user", content=[TEXT], object="realtime.item"),
            UNKNOWN,
            "item.object",
        ),
        (
            create(type="message", role="user", status="in_progress", content=[TEXT]),
            "invalid_value",
            "item.status",
        ),
        (
            create(type="message", role="assistant", content=[GA_TEXT]),
            "invalid_value",
            "item.content[0].type",
        ),
        (
            create(type="message", role="system", content=[{"type": "text", "text": "x"}]),
            "invalid_value",
            "item.content[0].type",
        ),
        (create(type="function_call_output", output="x"), "missing_required_parameter", "item.call_id"),
        ({"type": "session.avatar.connect", "client_sdp": "x"}, "invalid_value", "type"),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_value", "audio"),
    ],
)
async def test_a_client_of_ga_is_not_understood(event: Event, code: str, param: str) -> None:
    async with VoiceLivePeer.open() as peer, dialled(peer.url + QUERY, BY_KEY) as socket:
        fault, error = await blamed(peer, socket, {"event_id": "mine", **event})
        assert (fault.code, fault.param) == (code, param), str(fault)
        assert error["error"]["event_id"] == "mine"
        assert len(peer.faults) == 1
