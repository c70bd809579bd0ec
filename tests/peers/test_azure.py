"""Azure's two doors to OpenAI: who is let in, and the old words of the preview."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI
from websockets.exceptions import InvalidStatus

from tests.peers import azure_ga, azure_preview
from tests.peers.azure import KEY, TOKEN
from tests.peers.azure_ga import AzureGaPeer
from tests.peers.azure_preview import AzurePreviewPeer
from tests.peers.bad import blamed, dialled
from tests.peers.beta_events import complaints
from tests.peers.faults import Event
from tests.peers.script import Call, Heard, Reply, Script
from tests.peers.sound import pieces, tone

pytestmark = pytest.mark.integration

VERSION = "2025-04-01-preview"
PREVIEW = f"?api-version={VERSION}&deployment={azure_preview.DEPLOYMENT}"
GA = f"?model={azure_ga.DEPLOYMENT}"
BY_KEY = {"api-key": KEY}
MISSING = "missing_required_parameter"
UNKNOWN = "unknown_parameter"


# ── the doors ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        (GA, {}, 401),
        (GA, {"api-key": "wrong"}, 401),
        (GA, {"Authorization": f"Bearer {KEY}"}, 401),
        (GA + f"&api-version={VERSION}", BY_KEY, 401),
        ("?model=other", BY_KEY, 404),
        ("", BY_KEY, 404),
        (GA, {**BY_KEY, "OpenAI-Beta": "realtime=v1"}, 400),
    ],
)
async def test_who_is_not_let_in_at_ga(target: str, headers: dict[str, str], status: int) -> None:
    async with AzureGaPeer.open() as peer:
        with pytest.raises(InvalidStatus) as refused:
            await dialled(peer.url + target, headers).__aenter__()
        assert refused.value.response.status_code == status
        assert set(json.loads(refused.value.response.body)["error"]) == {"code", "message"}
        assert len(peer.faults) == 1


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        (PREVIEW, {}, 401),
        (PREVIEW, {"Authorization": f"Bearer {KEY}"}, 401),
        (f"?deployment={azure_preview.DEPLOYMENT}", BY_KEY, 404),
        ("?api-version=2024-06-01&deployment=voice", BY_KEY, 404),
        (f"?api-version={VERSION}&model=voice", BY_KEY, 404),
    ],
)
async def test_who_is_not_let_in_at_the_preview(target: str, headers: dict[str, str], status: int) -> None:
    async with AzurePreviewPeer.open() as peer:
        with pytest.raises(InvalidStatus) as refused:
            await dialled(peer.url + target, headers).__aenter__()
        assert refused.value.response.status_code == status
        assert len(peer.faults) == 1


@pytest.mark.parametrize("headers", [BY_KEY, {"Authorization": f"Bearer {TOKEN}"}])
async def test_key_and_token_open_both(headers: dict[str, str]) -> None:
    async with AzureGaPeer.open() as peer, dialled(peer.url + GA, headers):
        assert (await peer.sent.until("session.created"))["session"]["type"] == "realtime"
    async with AzurePreviewPeer.open() as peer, dialled(peer.url + PREVIEW, headers):
        assert "type" not in (await peer.sent.until("session.created"))["session"]


async def test_the_plain_client_talks_to_azures_ga() -> None:
    async with (
        AzureGaPeer.open(Script(replies=(Reply("Hello"),))) as peer,
        AsyncOpenAI(api_key=TOKEN, base_url=peer.base_url) as client,
        client.realtime.connect(model=azure_ga.DEPLOYMENT) as connection,
    ):
        await connection.response.create()
        while (await connection.recv()).type != "response.done":
            pass
    assert peer.faults == []


# ── the preview's words ───────────────────────────────────────────────────────────────────────────────────


async def test_a_whole_call_in_the_old_words() -> None:
    script = Script(
        replies=(
            Reply(calls=(Call("lookup", '{"day": "friday"}', "call_1"),)),
            Reply("Free.", chunk_ms=1000),
        ),
        hears=(Heard("is friday free"),),
    )
    async with AzurePreviewPeer.open(script) as peer:
        endpoint = f"http://127.0.0.1:{peer.port}"
        socket = peer.url.removesuffix("/realtime")
        client = AsyncAzureOpenAI(
            api_key=KEY, azure_endpoint=endpoint, api_version=VERSION, websocket_base_url=socket
        )
        async with client, client.realtime.connect(model=azure_preview.DEPLOYMENT) as connection:
            session: Any = {
                "modalities": ["text", "audio"],
                "voice": "shimmer",
                "input_audio_transcription": {"model": "whisper-1"},
                "turn_detection": {"type": "server_vad", "silence_duration_ms": 300},
                "tools": [{"type": "function", "name": "lookup", "parameters": {"type": "object"}}],
                "temperature": 0.7,
            }
            await connection.session.update(session=session)
            for piece in pieces(tone(500) + bytes(48 * 400), 100):
                await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())
            await peer.sent.until("response.done")
            await connection.conversation.item.create(
                item={"type": "function_call_output", "call_id": "call_1", "output": "yes"}
            )
            await connection.response.create()
            while (await connection.recv()).type != "response.done":
                pass
            await peer.sent.until("response.done", 2)
    assert peer.faults == []
    updated = peer.sent.of("session.updated")[0]["session"]
    assert (updated["voice"], updated["temperature"], updated["modalities"]) == (
        "shimmer",
        0.7,
        ["audio", "text"],
    )
    assert updated["turn_detection"]["silence_duration_ms"] == 300
    kinds = [kind for kind in peer.sent.kinds if "transcription." not in kind]
    talk = kinds.index("input_audio_buffer.speech_started")
    assert kinds[talk : talk + 5] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.created",
        "response.created",
    ]
    assert kinds[-11:] == [
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.created",
        "response.content_part.added",
        "response.audio_transcript.delta",
        "response.audio.delta",
        "response.audio.done",
        "response.audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    said = peer.sent.of("response.done")[1]["response"]["output"][0]["content"]
    assert said == [{"type": "audio", "transcript": "Free."}]
    assert [fault for event in peer.sent for fault in complaints(event)] == []


async def test_text_in_the_old_words() -> None:
    script = Script(replies=(Reply("Written."),))
    async with AzurePreviewPeer.open(script) as peer, dialled(peer.url + PREVIEW, BY_KEY) as socket:
        for part in ({"type": "text", "text": "Hello!"},):
            item = {"type": "message", "role": "assistant", "content": [part]}
            await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
        await socket.send('{"type": "response.create", "response": {"modalities": ["text"]}}')
        done = (await peer.sent.until("response.done"))["response"]
        assert done["output"][0]["content"] == [{"type": "text", "text": "Written."}]
        assert done["modalities"] == ["text"]
        assert "response.text.done" in peer.sent.kinds
        assert peer.sent.of("conversation.item.created")[0]["item"]["content"][0]["type"] == "text"


def update(**session: Any) -> Event:
    return {"type": "session.update", "session": session}


def create(**item: Any) -> Event:
    return {"type": "conversation.item.create", "item": item}


def respond(**response: Any) -> Event:
    return {"type": "response.create", "response": response}


GA_PARTS = {"type": "output_text", "text": "x"}
OLD_PARTS = {"type": "text", "text": "x"}


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        (update(type="realtime"), UNKNOWN, "session.type"),
        (update(audio={"output": {"voice": "alloy"}}), UNKNOWN, "session.audio"),
        (update(output_modalities=["audio"]), UNKNOWN, "session.output_modalities"),
        (update(max_output_tokens=100), UNKNOWN, "session.max_output_tokens"),
        (update(modalities=["audio"]), "invalid_value", "session.modalities"),
        (update(input_audio_format="audio/pcm"), "invalid_value", "session.input_audio_format"),
        (update(output_audio_format={"type": "audio/pcm"}), "invalid_value", "session.output_audio_format"),
        (update(turn_detection={"type": "server_vad", "idle_timeout_ms": 6000}), UNKNOWN, None),
        (update(temperature=0.1), "invalid_value", "session.temperature"),
        (update(tools=[{"type": "mcp", "server_label": "x"}]), "invalid_value", "session.tools[0].type"),
        (respond(output_modalities=["text"]), UNKNOWN, "response.output_modalities"),
        (respond(audio={"output": {"voice": "alloy"}}), UNKNOWN, "response.audio"),
        (
            create(type="message", role="assistant", content=[GA_PARTS]),
            "invalid_value",
            "item.content[0].type",
        ),
        (create(type="message", role="user", content=[OLD_PARTS]), "invalid_value", "item.content[0].type"),
        (create(role="user", content=[]), MISSING, "item.type"),
        (create(type="message", content=[]), MISSING, "item.role"),
        (create(type="function_call_output", call_id="call_1"), MISSING, "item.output"),
        ({"type": "conversation.item.added"}, "invalid_value", "type"),
    ],
)
async def test_a_client_of_ga_is_not_understood(event: Event, code: str, param: str | None) -> None:
    async with AzurePreviewPeer.open() as peer, dialled(peer.url + PREVIEW, BY_KEY) as socket:
        fault, error = await blamed(peer, socket, {"event_id": "mine", **event})
        assert (fault.code, fault.param) == (code, param or fault.param), str(fault)
        assert error["error"]["event_id"] == "mine"
        assert len(peer.faults) == 1
