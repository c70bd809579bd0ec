"""The WebSocket leg over real sockets: what reaches the call, what reaches the client, and how it ends."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer

from gateway.clients import textsocket
from gateway.clients.sideband import SidebandSocket
from gateway.clients.websocket import WebSocketLeg
from gateway.errors import DRAINED, HUNG_UP, LEFT, MODEL_LOST, PROTOCOL, TOO_LONG, Ending, LegError, LegLost
from gateway.realtime.session import default_session, merge_session
from media import g711
from tests.realtime.strict import assert_strict

pytestmark = pytest.mark.integration

WAIT_S = 5.0


@dataclass
class Sink:
    """A call that only listens."""

    messages: list[str] = field(default_factory=list)
    audio: bytearray = field(default_factory=bytearray)
    pieces: list[int] = field(default_factory=list)
    lost: list[Ending] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def on_connected(self) -> None: ...

    def on_channel_open(self) -> None: ...

    def on_audio(self, pcm: bytes) -> None:
        self.audio += pcm
        self.pieces.append(len(pcm))
        self.news.set()

    def on_event(self, message: str) -> None:
        self.messages.append(message)
        self.news.set()

    def on_digit(self, digit: str) -> None: ...

    def on_lost(self, ending: Ending) -> None:
        self.lost.append(ending)
        self.news.set()

    def pull(self, now: float) -> bytes | None:
        return None


@dataclass
class Line:
    """One leg with its client."""

    leg: WebSocketLeg
    sink: Sink
    client: ClientWebSocketResponse
    served: asyncio.Event

    async def say(self, kind: str, **fields: Any) -> None:
        await self.client.send_str(json.dumps({"type": kind, **fields}))

    async def append(self, audio: bytes) -> None:
        await self.say("input_audio_buffer.append", audio=base64.b64encode(audio).decode())

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(WAIT_S):
            event: dict[str, Any] = json.loads(await self.client.receive_str())
        return event

    async def until(self, count: int) -> None:
        """So many events and no less have reached the call."""
        async with asyncio.timeout(WAIT_S):
            while len(self.sink.messages) < count:
                self.sink.news.clear()
                await self.sink.news.wait()

    async def lost(self) -> Ending:
        async with asyncio.timeout(WAIT_S):
            while not self.sink.lost:
                self.sink.news.clear()
                await self.sink.news.wait()
        return self.sink.lost[0]


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    legs: asyncio.Queue[WebSocketLeg] = asyncio.Queue()
    sink, served = Sink(), asyncio.Event()

    async def connect(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=17 * 2**20, autoping=False)
        await socket.prepare(request)
        leg = WebSocketLeg("rtc_1", socket)
        legs.put_nowait(leg)
        await leg.open(sink, sink)
        try:
            await leg.serve()
        finally:
            served.set()
        return socket

    app = web.Application()
    app.router.add_get("/", connect)
    async with TestServer(app) as server, ClientSession() as http:
        async with http.ws_connect(server.make_url("/"), max_msg_size=0, autoping=False) as client:
            leg = await legs.get()
            yield Line(leg, sink, client, served)
            await leg.close(HUNG_UP)
        async with asyncio.timeout(WAIT_S):
            await served.wait()


def session(**formats: str) -> dict[str, Any]:
    update = {"type": "realtime", "audio": {k: {"format": {"type": v}} for k, v in formats.items()}}
    known = frozenset({"audio/pcm", "audio/pcmu", "audio/pcma"})
    return merge_session(default_session(model="m", session_id="s"), update, formats=known).session


def delta(pcm: bytes, response_id: str = "resp_1") -> dict[str, Any]:
    return {
        "type": "response.output_audio.delta",
        "event_id": "event_1",
        "delta": pcm,
        **where(response_id),
    }


def where(response_id: str = "resp_1") -> dict[str, Any]:
    return {"response_id": response_id, "item_id": "item_1", "output_index": 0, "content_index": 0}


def tone(ms: int, rate: int = 24_000) -> bytes:
    at = np.arange(rate * ms // 1000) / rate
    return (np.sin(2 * np.pi * 440 * at) * 12_000).astype("<i2").tobytes()


def level(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(np.float64) ** 2)))


# ── from the client ───────────────────────────────────────────────────────────────────────────────────────


async def test_audio_goes_to_the_call_as_it_is() -> None:
    speech = tone(250)
    async with line() as on:
        await on.append(speech[:1001])
        await on.append(speech[1001:])
        await on.say("input_audio_buffer.commit", event_id="e")
        await on.until(1)
        assert bytes(on.sink.audio) == speech
        assert all(size % 2 == 0 for size in on.sink.pieces)
        assert on.leg.stats()["audio_in_ms"] == 250


@pytest.mark.parametrize("law", ["mu", "a"])
async def test_telephone_audio_is_expanded_whole_before_the_commit(law: g711.Law) -> None:
    async with line() as on:
        on.leg.send(
            {
                "type": "session.updated",
                "event_id": "e",
                "session": session(input=f"audio/pcm{law[0].replace('m', 'u')}"),
            }
        )
        speech = g711.encode(tone(100, 8000), law)
        await on.append(speech[:333])
        await on.append(speech[333:])
        await on.say("input_audio_buffer.commit")
        await on.until(1)
        assert len(on.sink.audio) == 4800, "a commit of 100 ms is one of 100 ms"
        assert level(bytes(on.sink.audio)) == pytest.approx(level(tone(100)), rel=0.05)


async def test_what_is_wrong_is_the_calls_to_judge() -> None:
    wrong = [
        '{"type": "input_audio_buffer.append", "audio": "AAA"}',
        '{"type": "input_audio_buffer.append", "audio": 7}',
        '{"type": "input_audio_buffer.append", "audio": "AAAA", "extra": 1}',
        '{"type": "input_audio_buffer.append"}',
        "{",
        "[]",
        '"text"',
    ]
    async with line() as on:
        for message in wrong:
            await on.client.send_str(message)
        await on.until(len(wrong))
        assert on.sink.messages == wrong
        assert on.sink.audio == b""


async def test_a_binary_frame_is_answered() -> None:
    async with line() as on:
        await on.client.send_bytes(b"\0" * 960)
        event = await on.hear()
        assert event["error"]["code"] == "invalid_event"
        assert_strict(event)
        await on.say("response.create")
        await on.until(1)


async def test_a_minute_at_once_comes_in_slices_and_whole() -> None:
    async with line() as on:
        await on.append(tone(10_000))
        await on.say("input_audio_buffer.commit")
        await on.until(1)
        assert len(on.sink.audio) == 480_000
        assert max(on.sink.pieces) <= 4800


async def test_a_flood_is_told_and_then_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textsocket, "MESSAGES_AT_ONCE", 20.0)
    monkeypatch.setattr(textsocket, "MOST_REFUSED", 20)
    async with line() as on:
        for _ in range(200):
            await on.say("input_audio_buffer.clear")
        assert await on.lost() == PROTOCOL
        event = await on.hear()
        assert event["error"]["code"] == "rate_limit_exceeded"
        assert_strict(event)
        assert 20 <= len(on.sink.messages) < 100


# ── to the client ─────────────────────────────────────────────────────────────────────────────────────────


async def test_events_come_in_order_and_audio_as_base64() -> None:
    async with line() as on:
        on.leg.send({"type": "session.created", "event_id": "e", "session": session()})
        on.leg.send(delta(b"\1\2" * 480))
        on.leg.send({"type": "response.output_audio.done", "event_id": "e", **where()})
        events = [await on.hear() for _ in range(3)]
        assert [event["type"].rpartition(".")[2] for event in events] == ["created", "delta", "done"]
        assert base64.b64decode(events[1]["delta"]) == b"\1\2" * 480
        for event in events:
            assert_strict(event)


@pytest.mark.parametrize("law", ["mu", "a"])
async def test_telephone_audio_comes_whole_before_its_end(law: g711.Law) -> None:
    kind = "audio/pcmu" if law == "mu" else "audio/pcma"
    speech = tone(500)
    async with line() as on:
        on.leg.send({"type": "session.created", "event_id": "e", "session": session()})
        on.leg.send({"type": "session.updated", "event_id": "e", "session": session(output=kind)})
        for start in range(0, len(speech), 5000):
            on.leg.send(delta(speech[start : start + 5000]))
        on.leg.send({"type": "response.output_audio.done", "event_id": "e", **where()})
        heard = b""
        while (event := await on.hear())["type"] != "response.output_audio.done":
            if event["type"] == "response.output_audio.delta":
                assert_strict(event)
                heard += base64.b64decode(event["delta"])
        assert len(heard) == 4000
        assert level(g711.decode(heard, law)) == pytest.approx(level(speech), rel=0.05)


async def test_retrieved_audio_is_in_the_clients_format() -> None:
    speech = tone(500)
    audio = base64.b64encode(speech).decode()
    content = [{"type": "input_audio", "audio": audio, "transcript": "beep"}]
    item = {"id": "item_1", "type": "message", "role": "user", "content": content}
    told = {"type": "conversation.item.retrieved", "event_id": "e", "item": item}
    async with line() as on:
        on.leg.send({"type": "session.created", "event_id": "e", "session": session()})
        on.leg.send(told)
        on.leg.send({"type": "session.updated", "event_id": "e", "session": session(input="audio/pcmu")})
        on.leg.send(told)
        on.leg.send({**told, "item": {"id": "item_2", "type": "function_call"}})
        events = [await on.hear() for _ in range(5)]
    assert events[1]["item"] == item
    (part,) = events[3]["item"]["content"]
    heard = base64.b64decode(part["audio"])
    assert (len(heard), part["transcript"]) == (4000, "beep")
    assert level(g711.decode(heard, "mu")) == pytest.approx(level(speech), rel=0.05)
    assert events[4]["item"] == {"id": "item_2", "type": "function_call"}


async def test_a_response_may_have_a_format_of_its_own() -> None:
    async with line() as on:
        on.leg.send({"type": "session.created", "event_id": "e", "session": session()})
        response = {"id": "resp_1", "audio": {"output": {"format": {"type": "audio/pcmu"}}}}
        on.leg.send({"type": "response.created", "event_id": "e", "response": response})
        on.leg.send(delta(tone(100)))
        await on.hear()
        await on.hear()
        assert len(base64.b64decode((await on.hear())["delta"])) <= 800


async def test_a_client_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textsocket, "MAX_WAITING", 4 * 2**20)
    async with line() as on:
        for _ in range(200):
            on.leg.send(delta(bytes(48_000)))
        assert await on.lost() == LEFT


# ── the end ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ending", "code", "error"),
    [
        (HUNG_UP, 1000, None),
        (DRAINED, 1001, None),
        (TOO_LONG, 1000, "session_expired"),
        (PROTOCOL, 1008, None),
        (MODEL_LOST, 1011, "model_lost"),
    ],
)
async def test_the_close_says_why(ending: Ending, code: int, error: str | None) -> None:
    async with line() as on:
        on.leg.send(delta(bytes(96_000)))
        await on.leg.close(ending)
        assert (await on.hear())["type"] == "response.output_audio.delta", "what is queued is sent first"
        if error is not None:
            event = await on.hear()
            assert event["error"]["code"] == error
            assert_strict(event)
        message = await on.client.receive(WAIT_S)
        assert message.type is WSMsgType.CLOSE
        assert on.client.close_code == code
        assert on.sink.lost == [], "who closes knows"


async def test_a_client_that_hangs_up() -> None:
    async with line() as on:
        await on.client.close()
        assert await on.lost() == HUNG_UP


async def test_a_client_that_breaks_off() -> None:
    async with line() as on:
        transport = on.client.get_extra_info("socket")
        assert transport is not None
        on.client._response.connection.transport.abort()  # type: ignore[union-attr]
        assert await on.lost() == LEFT


async def test_a_leg_is_opened_once_and_not_after_its_end() -> None:
    async with line() as on:
        with pytest.raises(LegError):
            await on.leg.open(on.sink, on.sink)
        await on.leg.close(HUNG_UP)
        await on.leg.close(HUNG_UP)
        with pytest.raises(LegLost):
            await on.leg.open(on.sink, on.sink)


# ── sidebands ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_sideband_carries_events_until_the_call_ends() -> None:
    received: list[str] = []
    peers: list[SidebandSocket] = []
    ended = asyncio.Event()

    async def connect(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        peer = SidebandSocket(socket)
        peer.send({"type": "session.created", "event_id": "e", "session": session()})
        await socket.prepare(request)
        peers.append(peer)
        try:
            await peer.serve(received.append)
        finally:
            ended.set()
        return socket

    app = web.Application()
    app.router.add_get("/", connect)
    async with TestServer(app) as server, ClientSession() as http:
        async with http.ws_connect(server.make_url("/")) as client:
            assert (await client.receive_json())["type"] == "session.created"
            await client.send_str("one")
            peers[0].send({"type": "conversation.item.deleted", "event_id": "e", "item_id": "i"})
            assert (await client.receive_json())["item_id"] == "i"
            peers[0].over(DRAINED)
            assert (await client.receive(WAIT_S)).type is WSMsgType.CLOSE
            assert client.close_code == 1001
        await ended.wait()
    assert received == ["one"]


async def test_a_sideband_that_leaves() -> None:
    served = asyncio.Event()

    async def connect(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        try:
            await SidebandSocket(socket).serve(lambda _: None)
        finally:
            served.set()
        return socket

    app = web.Application()
    app.router.add_get("/", connect)
    async with TestServer(app) as server, ClientSession() as http:
        async with http.ws_connect(server.make_url("/")) as client:
            await client.close()
        async with asyncio.timeout(WAIT_S):
            await served.wait()
