"""The `openai` package (Python), unmodified, against a running Parley. Every event it is sent must be one that its
types know, whole."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from gateway.clients.companding import Encoder
from media.audio import PCM24
from tests.realtime.strict import assert_strict
from tests.vendors.conftest import Front
from tests.vendors.talk import ORDER, pcm24

pytestmark = pytest.mark.e2e

TOOL = {
    "type": "function",
    "name": "order_status",
    "description": "Look up the status of an order by its number.",
    "parameters": {
        "type": "object",
        "properties": {"order_number": {"type": "string"}},
        "required": ["order_number"],
    },
}


CHUNK = PCM24.to_bytes(100)


class Line:
    """A connection that judges every event."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.send = connection
        self._connection = connection
        self.seen: list[dict[str, Any]] = []

    async def until(self, kind: str, within_s: float = 20.0, **fields: Any) -> dict[str, Any]:
        async with asyncio.timeout(within_s):
            while True:
                event: dict[str, Any] = orjson.loads(await self._connection.recv_bytes())
                assert_strict(event)
                self.seen.append(event)
                if event["type"] == kind and all(event.get(k) == v for k, v in fields.items()):
                    return event
                assert event["type"] != "error", event

    async def update(self, **session: Any) -> dict[str, Any]:
        changes: Any = {"type": "realtime", **session}
        await self._connection.session.update(session=changes)
        return dict((await self.until("session.updated"))["session"])

    async def ask(self, text: str) -> None:
        await self._connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        )

    async def append(self, audio: bytes) -> None:
        for at in range(0, len(audio), CHUNK):
            piece = audio[at : at + CHUNK]
            await self._connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())


@asynccontextmanager
async def line(front: Front) -> AsyncIterator[Line]:
    async with (
        AsyncOpenAI(api_key=front.key, base_url=front.http) as client,
        client.realtime.connect(model="gpt-realtime-2.1") as connection,
    ):
        opened = Line(connection)
        await opened.until("session.created")
        yield opened


async def test_text_in_and_text_out(front: Front) -> None:
    async with line(front) as talk:
        session = await talk.update(output_modalities=["text"], instructions="You are brief.")
        assert session["output_modalities"] == ["text"]
        await talk.ask("Hello there, how are you?")
        await talk.send.response.create()
        done = await talk.until("response.done")
        assert done["response"]["status"] == "completed"
        assert done["response"]["output"][0]["content"][0]["type"] == "output_text"
        assert done["response"]["usage"]["total_tokens"] > 0
        deltas = "".join(e["delta"] for e in talk.seen if e["type"] == "response.output_text.delta")
        assert deltas == done["response"]["output"][0]["content"][0]["text"]
        assert not [e for e in talk.seen if e["type"].startswith("response.output_audio")]


async def test_push_to_talk(front: Front) -> None:
    async with line(front) as talk:
        session = await talk.update(
            audio={"input": {"turn_detection": None, "transcription": {"model": "gpt-4o-mini-transcribe"}}}
        )
        assert session["audio"]["input"]["turn_detection"] is None
        await talk.append(pcm24("common_yes", silence_ms=200))
        await talk.send.input_audio_buffer.commit()
        committed = await talk.until("input_audio_buffer.committed")
        heard = await talk.until("conversation.item.input_audio_transcription.completed")
        assert heard["item_id"] == committed["item_id"]
        assert "yes" in heard["transcript"].lower()
        assert not [e for e in talk.seen if e["type"] == "response.created"]
        await talk.send.conversation.item.retrieve(item_id=committed["item_id"])
        (part,) = (await talk.until("conversation.item.retrieved"))["item"]["content"]
        assert base64.b64decode(part["audio"]) == pcm24("common_yes", silence_ms=200)
        assert part["transcript"] == heard["transcript"]
        await talk.send.response.create()
        done = await talk.until("response.done")
        assert done["response"]["status"] == "completed"


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
async def test_g711_both_ways(front: Front, kind: str) -> None:
    async with line(front) as talk:
        session = await talk.update(
            audio={
                "input": {"format": {"type": kind}, "turn_detection": None},
                "output": {"format": {"type": kind}},
            }
        )
        assert session["audio"]["input"]["format"] == {"type": kind}
        assert session["audio"]["output"]["format"] == {"type": kind}
        speech = Encoder(kind).encode(pcm24("common_yes", silence_ms=200))
        await talk.append(speech)
        await talk.send.input_audio_buffer.commit()
        heard = await talk.until("conversation.item.input_audio_transcription.completed")
        assert "yes" in heard["transcript"].lower()
        await talk.send.conversation.item.retrieve(item_id=heard["item_id"])
        (part,) = (await talk.until("conversation.item.retrieved"))["item"]["content"]
        assert len(base64.b64decode(part["audio"])) == pytest.approx(len(speech), abs=16)
        await talk.send.response.create()
        done = await talk.until("response.done")
        audio = b"".join(
            base64.b64decode(e["delta"]) for e in talk.seen if e["type"] == "response.output_audio.delta"
        )
        # At 8 bytes a millisecond it is a sentence's worth, and it is no PCM.
        assert 300 * 8 < len(audio) < 20_000 * 8
        assert done["response"]["audio"]["output"]["format"] == {"type": kind}


async def test_a_response_beside_the_conversation(front: Front) -> None:
    async with line(front) as talk:
        await talk.ask("Remember the word apple.")
        await talk.until("conversation.item.done")
        await talk.send.response.create(
            response={
                "conversation": "none",
                "output_modalities": ["text"],
                "metadata": {"topic": "side"},
                "input": [
                    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hello."}]}
                ],
            }
        )  # fmt: skip
        done = await talk.until("response.done")
        assert done["response"]["conversation_id"] is None
        assert done["response"]["metadata"] == {"topic": "side"}
        items = [e["item"]["id"] for e in talk.seen if e["type"] == "conversation.item.added"]
        assert not {item["id"] for item in done["response"]["output"]} & set(items)


async def test_a_tool_of_the_clients(front: Front) -> None:
    async with line(front) as talk:
        await talk.update(tools=[TOOL], tool_choice="auto")
        await talk.ask(ORDER)
        await talk.send.response.create()
        done = await talk.until("response.done")
        call = next(item for item in done["response"]["output"] if item["type"] == "function_call")
        assert "42" in orjson.loads(call["arguments"])["order_number"]
        await talk.send.conversation.item.create(
            item={
                "type": "function_call_output",
                "call_id": call["call_id"],
                "output": "It was shipped yesterday.",
            }
        )
        await talk.send.response.create()
        done = await talk.until("response.done")
        assert "shipped yesterday" in done["response"]["output"][-1]["content"][0]["transcript"]


async def test_faults_are_told_and_the_line_goes_on(front: Front) -> None:
    async with line(front) as talk:
        await talk.send.response.create(event_id="evt_first")
        created = await talk.until("response.created")
        await talk.send.response.create(event_id="evt_second")
        fault = await told(talk)
        assert fault["code"] == "conversation_already_has_active_response"
        assert fault["event_id"] == "evt_second"
        assert created["response"]["id"] in fault["message"]
        await talk.until("response.done")
        for bad, code in (
            ("{", "invalid_event"),
            (sent("nonsense"), "invalid_value"),
            (sent("session.update", session={"type": "realtime", "voice": "x"}), "unknown_parameter"),
            (sent("conversation.item.retrieve", item_id="item_no"), "item_retrieve_invalid_item_id"),
            (sent("response.cancel"), "response_cancel_not_active"),
            (sent("input_audio_buffer.commit"), "input_audio_buffer_commit_empty"),
        ):
            await talk.send.send_raw(bad)
            fault = await told(talk)
            assert fault["code"] == code, fault
            assert fault["event_id"] == ("evt_x" if "evt_x" in bad else None)
        await talk.ask("Hello?")
        await talk.send.response.create()
        await talk.until("response.done")


def sent(kind: str, **fields: Any) -> str:
    return orjson.dumps({"type": kind, "event_id": "evt_x", **fields}).decode()


async def told(talk: Line) -> dict[str, Any]:
    """The error that comes next, whatever comes before it."""
    async with asyncio.timeout(10):
        while True:
            event = orjson.loads(await talk.send.recv_bytes())
            assert_strict(event)
            talk.seen.append(event)
            if event["type"] == "error":
                return dict(event["error"])
