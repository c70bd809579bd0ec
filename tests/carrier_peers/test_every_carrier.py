"""On a real socket a good application has no faults with any carrier."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from tests.carrier_peers.application import pace, sockets
from tests.carrier_peers.audiosocket_call import dialling_tcp
from tests.carrier_peers.audiosocket_stream import AudioSocketStream
from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import Codec
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.plugins import named, names
from tests.carrier_peers.sockets import Refused
from tests.carrier_peers.wires import Words

pytestmark = pytest.mark.integration

URL = "wss://voice.example.test/stream"
WEBSOCKETS = [name for name in names() if name != "asterisk_audiosocket"]
LEAD_S = 0.2
SECOND = 1000


def words(carrier: str) -> Words:
    found: Words = named(carrier).WORDS
    return found


async def talk(words: Words, carrier: Carrier[Any], send: Callable[[Frame], Awaitable[None]]) -> None:
    """What a good application does: greets with a second of sound, in real time with a lead, and marks its end."""

    async def play(audio: bytes) -> None:
        await send(words.play(audio))

    codec: Codec = carrier.hears
    for answer in words.after:
        await send(answer(carrier))
    size = codec.frame_bytes(words.chunk_ms)
    await pace(play, codec.tone(SECOND), size, lead_s=LEAD_S, step_s=words.chunk_ms / 1000)
    if words.mark is not None:
        await send(words.mark("greeted"))


@asynccontextmanager
async def application(words: Words, stream: Carrier[Any]) -> AsyncIterator[str]:
    """Greets as soon as the stream has started."""

    async def handle(socket: web.WebSocketResponse) -> None:
        async def send(frame: Frame) -> None:
            await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))

        async with asyncio.TaskGroup() as group:
            greeting: asyncio.Task[None] | None = None
            async for received in socket:
                assert received.type in (WSMsgType.TEXT, WSMsgType.BINARY)
                if greeting is None and stream.began is not None and started(stream, received.data):
                    greeting = group.create_task(talk(words, stream, send))
                if stream.kind(received.data) == "close" and words.goodbye is not None:
                    await send(words.goodbye(stream))
            if greeting is not None:
                greeting.cancel()

    async with sockets(handle, subprotocols=stream.subprotocols()) as base:
        yield base


def started(stream: Carrier[Any], frame: Frame) -> bool:
    kinds = ("start", "open", "metadata", "websocket:connected", "AudioMetadata", "MEDIA_START")
    return stream.kind(frame) in kinds


@pytest.mark.parametrize("carrier", WEBSOCKETS)
async def test_a_good_application_has_no_faults(carrier: str) -> None:
    spoken, stream = words(carrier), words(carrier).make()
    async with application(spoken, stream) as base, dialling(stream, URL, via=base) as call:
        await call.say("common_yes")
        await call.played(SECOND - 1)
        await call.quiet(50)
    assert [str(fault) for fault in call.faults] == []
    assert call.underruns == 0
    assert call.lead_ms_max < (LEAD_S + 0.25) * 1000
    assert call.heard.played_ms == pytest.approx(SECOND)
    if spoken.mark is not None:
        assert {"mark", "playedStream", "websocket:notify", "MEDIA_MARK_PROCESSED"} & set(call.sent.kinds)
    sound = [one for one in call.sent if stream.kind(one.frame) in ("media", "binary", "AudioData")]
    assert len(sound) > 5


@pytest.mark.parametrize("carrier", WEBSOCKETS)
async def test_a_refused_socket_is_told(carrier: str) -> None:
    async def never(_: web.WebSocketResponse) -> None:
        raise AssertionError("refused")

    async with sockets(never, status=503) as base:
        with pytest.raises(Refused, match="503"):
            async with dialling(words(carrier).make(), URL, via=base):
                pass


@pytest.mark.parametrize("carrier", WEBSOCKETS)
async def test_an_application_that_hangs_up_is_noticed(carrier: str) -> None:
    async def rude(socket: web.WebSocketResponse) -> None:
        await socket.close(code=1001)

    stream = words(carrier).make()
    async with (
        sockets(rude, subprotocols=stream.subprotocols()) as base,
        dialling(stream, URL, via=base, manners=Manners(opens=False)) as call,
    ):
        ended = await call.over()
    assert (ended.by, ended.code) == ("application", 1001)


@pytest.mark.parametrize("carrier", [name for name in WEBSOCKETS if words(name).make().subprotocols()])
async def test_a_subprotocol_that_is_not_chosen_is_a_fault(carrier: str) -> None:
    async def listening(socket: web.WebSocketResponse) -> None:
        async for _ in socket:
            pass

    stream = words(carrier).make()
    async with sockets(listening) as base, dialling(stream, URL, via=base, manners=GOOD):
        pass
    assert [fault.code for fault in stream.faults] == ["subprotocol"]


# ── TCP ───────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def tcp(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_audiosocket_plays_what_comes_in_real_time() -> None:
    spoken = words("asterisk_audiosocket")
    stream = AudioSocketStream(8000)
    got = asyncio.Event()

    async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send(frame: Frame) -> None:
            assert isinstance(frame, bytes)
            writer.write(frame)
            await writer.drain()

        assert (await reader.readexactly(19))[3:] == stream.channel.bytes
        await talk(spoken, stream, send)
        while await reader.read(2**16):
            pass
        got.set()

    async with tcp(good) as port:
        async with dialling_tcp(stream, "127.0.0.1", port) as call:
            await call.played(SECOND - 1)
            await call.press("5")
        await got.wait()
    assert [str(fault) for fault in call.faults] == []
    assert call.underruns == 0
    assert call.sent.kinds[0] == "uuid"
    assert call.sent.kinds[-1] == "hangup"
    assert "dtmf" in call.sent.kinds


async def test_audiosocket_catches_a_stalled_packet_and_silence() -> None:
    async def bad(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x10\x01\x40")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(bytes(320))
        while await reader.read(2**16):
            pass

    stream = AudioSocketStream(8000)
    async with tcp(bad) as port, dialling_tcp(stream, "127.0.0.1", port) as call:
        assert (await call.over()).by == "carrier"
    assert [fault.code for fault in call.faults] == ["stall", "idle"]


async def test_nobody_listens() -> None:
    with pytest.raises(Refused):
        async with dialling_tcp(AudioSocketStream(), "127.0.0.1", 9):
            pass
