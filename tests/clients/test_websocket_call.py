"""Whole calls in this process: the `openai` package at one end of a real socket, the embedded engine at the other.
Every event is judged by the package's own types."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import ConnectionClosed

from gateway.call.plan import CallDeps
from gateway.clients.sideband import SidebandSocket
from gateway.clients.websocket import WebSocketLeg
from gateway.engine.lessons import Lessons
from gateway.providers.embedded.provider import EmbeddedModel
from gateway.supervisor import CallRequest, Supervisor
from media.resample import Resampler
from personas.persona import Persona
from tests.call.harness import persona
from tests.call.test_run import HANG_UP, no_records
from tests.caller_audio import pcm
from tests.fakes import FakeStore
from tests.providers.bench import EchoMind, silence, sound
from tests.providers.speech import QuickEars, QuickVoice
from tests.realtime.strict import assert_strict

pytestmark = pytest.mark.integration

WAIT_S = 10.0


class SlowVoice(QuickVoice):
    """Four seconds of sound, at once."""

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        for _ in range(4):
            yield sound(1000)


class House:
    def __init__(self, supervisor: Supervisor, store: FakeStore, url: str) -> None:
        self.supervisor = supervisor
        self.store = store
        self.url = url

    @asynccontextmanager
    async def line(self, **query: str) -> AsyncIterator[Line]:
        async with (
            AsyncOpenAI(api_key="sk-x", base_url=self.url) as client,
            client.realtime.connect(model="gpt-realtime", extra_query=query) as connection,
        ):
            line = Line(connection)
            line.session = (await line.until("session.created"))["session"]
            yield line


class Line:
    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.send = connection
        self.session: dict[str, Any] = {}
        self.seen: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        event: dict[str, Any] = orjson.loads(await self.send.recv_bytes())
        assert_strict(event)
        self.seen.append(event)
        return event

    async def until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(WAIT_S):
            while True:
                event = await self.next()
                if event["type"] == kind:
                    return event
                assert event["type"] != "error", event

    async def closed(self) -> int | None:
        """The close code, once it comes."""
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    await self.next()
                except ConnectionClosed as closed:
                    return closed.rcvd.code if closed.rcvd is not None else None

    async def raw(self, kind: str, **fields: Any) -> None:
        await self.send.send_raw(orjson.dumps({"type": kind, **fields}).decode())

    async def write(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        await self.raw(
            "conversation.item.create", item={"type": "message", "role": "user", "content": content}
        )

    async def append(self, pcm: bytes) -> None:
        await self.send.input_audio_buffer.append(audio=base64.b64encode(pcm).decode())

    def audio(self) -> bytes:
        deltas = (e["delta"] for e in self.seen if e["type"] == "response.output_audio.delta")
        return b"".join(base64.b64decode(delta) for delta in deltas)


@asynccontextmanager
async def house(voice: QuickVoice | None = None, who: Persona | None = None) -> AsyncIterator[House]:
    store = FakeStore()
    model = EmbeddedModel(
        Lessons(QuickEars("stop it"), lambda _: ("stop it",)), voice or QuickVoice(), EchoMind()
    )
    deps = CallDeps((model,), "parley-embedded", store, no_records, {"hang_up": HANG_UP})
    asked = who or persona(policy="open", greeting="", tools=("hang_up",))
    async with Supervisor.open(deps, max_calls=5, drain_s=0) as supervisor:

        async def connect(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(heartbeat=20, max_msg_size=17 * 2**20)
            call = supervisor.find(request.query.get("call_id", ""))
            await socket.prepare(request)
            if call is not None:
                peer = SidebandSocket(socket)
                sideband = call.attach(peer.send, peer.over)
                try:
                    await peer.serve(sideband.receive)
                finally:
                    sideband.detach()
                return socket
            call_id = supervisor.reserve(f"s-{supervisor.live}")
            leg = WebSocketLeg(call_id, socket)
            supervisor.begin(call_id, leg, CallRequest(f"s-{supervisor.live}", "t-1", asked))
            socket.headers["X-Call-Id"] = call_id
            await leg.serve()
            return socket

        app = web.Application()
        app.router.add_get("/v1/realtime", connect)
        async with TestServer(app) as server:
            yield House(supervisor, store, str(server.make_url("/v1")))


async def test_a_turn_as_the_reference_orders_it() -> None:
    async with house() as home, home.line() as line:
        await line.write("hello")
        await line.raw("response.create", event_id="mine")
        await line.until("response.done")
        kinds = [e["type"] for e in line.seen if not e["type"].startswith("mcp_")]
        order = [
            "response.created", "response.output_item.added", "response.content_part.added",
            "response.output_audio.delta", "response.output_audio.done", "response.output_audio_transcript.done",
            "response.content_part.done", "response.output_item.done", "response.done",
        ]  # fmt: skip
        places = [kinds.index(kind) for kind in order]
        assert places == sorted(places)
        done = line.seen[-1]["response"]
        said = "".join(
            e["delta"] for e in line.seen if e["type"] == "response.output_audio_transcript.delta"
        )
        assert said == done["output"][0]["content"][0]["transcript"] == "You said: hello."
        assert line.audio() == sound(200)


async def test_speech_is_answered_and_interrupted_where_it_was_heard() -> None:
    async with house(SlowVoice()) as home, home.line() as line:
        speech = Resampler(16_000, 24_000).process(pcm("bargein_stop"))
        await line.append(speech + silence(1500))
        await line.until("response.output_audio.done")
        item_id = line.seen[-1]["item_id"]
        await line.append(speech)
        await line.until("input_audio_buffer.speech_started")
        await line.raw("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=9999)
        fault = await line.next()
        while fault["type"] != "error":
            fault = await line.next()
        assert fault["error"]["code"] == "invalid_value"
        await line.raw("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1500)
        assert (await line.until("conversation.item.truncated"))["audio_end_ms"] == 1500
    entry = [e for e in home.store.entries if e.item_id == item_id][-1]
    assert (entry.heard_ms, entry.estimated, entry.interrupted, entry.final) == (1500, False, True, True)


async def test_everything_at_once_before_the_model_is_open() -> None:
    async with house() as home, home.line() as line:
        vad = {"audio": {"input": {"turn_detection": None}}}
        await line.raw("session.update", session={"type": "realtime", **vad})
        await line.append(sound(500))
        await line.raw("input_audio_buffer.commit")
        await line.raw("response.create")
        done = (await line.until("response.done"))["response"]
        assert done["status"] == "completed"
        assert done["output"][0]["content"][0]["transcript"] == "You said: stop it."


async def test_a_sideband_acts_on_the_call_of_another() -> None:
    async with house() as home, home.line() as line:
        (call_id,) = home.supervisor._calls
        async with home.line(call_id=call_id) as side:
            assert side.session["id"] == line.session["id"]
            await side.raw("session.update", session={"type": "realtime", "instructions": "Whisper."})
            assert (await line.until("session.updated"))["session"]["instructions"] == "Whisper."
            await side.raw("conversation.item.retrieve", event_id="s1", item_id="item_no")
            await side.until("session.updated")
            fault = await side.next()
            assert fault["error"]["event_id"] == "s1"
            await side.write("hello")
            await side.raw("response.create")
            await line.until("response.done")
            await side.until("response.done")
            assert line.audio() == sound(200)
            assert side.audio() == b""
            home.supervisor.hang_up(call_id)
            assert await side.closed() == 1000


async def test_a_tool_of_the_servers_between_two_replies() -> None:
    who = persona(policy="open", greeting="", tools=("hang_up",))
    async with house(who=who) as home, home.line() as line:
        await line.write("say and call hang_up")
        await line.raw("response.create")
        await line.until("response.done")
        call = line.seen[-1]["response"]["output"][-1]
        assert call["type"] == "mcp_call"
        assert not any("function_call" in e["type"] for e in line.seen)
        assert await line.closed() == 1000
    assert str(home.store.ended[0][1]) == "agent/hung-up"
