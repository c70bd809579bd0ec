"""Callers of every kind, well- and ill-behaved. Each is a coroutine that returns when its caller is gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import struct
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from scripts.soak.server import KEY, SETUP_S, Server
from tests.carrier_peers.asterisk_websocket_stream import AsteriskWebSocketStream
from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.exotel_stream import ExotelStream
from tests.carrier_peers.freeswitch_stream import FreeSwitchStream
from tests.carrier_peers.garbage import TEXTS
from tests.carrier_peers.plivo_stream import PlivoStream
from tests.carrier_peers.sockets import Gone, Refused
from tests.carrier_peers.telnyx_stream import TelnyxStream
from tests.carrier_peers.twilio_stream import TwilioStream
from tests.carrier_peers.vonage_stream import VonageStream
from tests.clients.peer import Caller
from tests.whole.dial import credentials, dial, place

__all__ = ["GIVEN_UP", "KINDS", "Kind"]

CARRIERS: dict[str, Callable[[], Carrier[Any]]] = {
    "twilio": TwilioStream,
    "telnyx": TelnyxStream,
    "vonage": VonageStream,
    "plivo": PlivoStream,
    "exotel": ExotelStream,
    "freeswitch": FreeSwitchStream,
    "asterisk_websocket": AsteriskWebSocketStream,
}
JUNK = (
    "",
    "{",
    "[]",
    "null",
    '{"type": 7}',
    '{"type": "session.update", "session": []}',
    "x" * 5000,
    "\x00" * 40,
)
MODEL = "v1/realtime?model=parley-embedded"


# ── browsers ──


async def browser(server: Server, dice: random.Random) -> None:
    """Greeted, hung up at any moment."""
    async with dial(server.url, bytes(48 * 500)) as call:
        await call.event("session.created")
        if dice.random() < 0.6:
            await call.event("output_audio_buffer.started")
        await asyncio.sleep(dice.uniform(0, 1.0))


async def rude_browser(server: Server, dice: random.Random) -> None:
    """Garbage on the event channel."""
    async with dial(server.url) as call:
        await call.event("session.created")
        for junk in dice.sample(JUNK, 4):
            call.caller.channel.send(junk)
        call.send(type="response.cancel")
        call.send(type="session.update", session={"type": "realtime", "instructions": "Be brief."})
        await asyncio.sleep(dice.uniform(0, 0.5))


async def lost_browser(server: Server, dice: random.Random) -> None:
    """It was there, and sends no packet any more."""
    async with dial(server.url) as call:
        await call.event("session.created")
        for transceiver in call.caller.pc.getTransceivers():
            for connection in _ice(transceiver):
                for protocol in getattr(connection, "_protocols", ()):
                    protocol.transport.close()
        await asyncio.sleep(dice.uniform(0, 0.5))


def _ice(transceiver: Any) -> list[Any]:
    # aiortc offers no way to lose a network: close the sockets below it.
    return [transceiver.receiver.transport.transport._connection]  # noqa: SLF001


async def never_came(server: Server, _dice: random.Random) -> None:
    """An offer whose answer nobody takes: the call ends when its set-up has taken too long."""
    async with aiohttp.ClientSession() as http:
        granted = await credentials(http, server.url, "dental_reception")
        caller = Caller()
        try:
            status, _, _ = await place(http, server.url, granted["token"], await caller.offer())
            assert status == 201
        finally:
            await caller.close()
    await asyncio.sleep(SETUP_S)


async def bad_offer(server: Server, dice: random.Random) -> None:
    async with aiohttp.ClientSession() as http:
        granted = await credentials(http, server.url, "dental_reception")
        offer = dice.choice(["", "garbage", "v=0\r\n", "v=0\r\nm=audio 9 X 0\r\n" * 30])
        status, _, _ = await place(http, server.url, granted["token"], offer)
        assert status >= 400


# ── telephones ──


@asynccontextmanager
async def rung(server: Server, dice: random.Random) -> AsyncIterator[Any]:
    name = dice.choice(list(CARRIERS))
    url = f"ws://{server.host}/telephony/{name}/stream"
    with contextlib.suppress(Gone, Refused):
        async with dialling(CARRIERS[name](), url) as call:
            yield call
        return
    yield None


async def telephone(server: Server, dice: random.Random) -> None:
    async with rung(server, dice) as call:
        if dice.random() < 0.5:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await call.played(200)
        if dice.random() < 0.3:
            with contextlib.suppress(Exception):
                await call.press("12#")
        await asyncio.sleep(dice.uniform(0, 1.0))


async def cut_telephone(server: Server, dice: random.Random) -> None:
    """The connection breaks without a word."""
    async with rung(server, dice) as call:
        await asyncio.sleep(dice.uniform(0, 0.8))
        _socket(call).abort()


async def rude_telephone(server: Server, dice: random.Random) -> None:
    async with rung(server, dice) as call:
        await asyncio.sleep(dice.uniform(0, 0.3))
        with contextlib.suppress(Gone):
            for junk in (*dice.sample(TEXTS, 3), dice.randbytes(dice.randrange(2000))):
                await _socket(call).send(junk)
        await asyncio.sleep(dice.uniform(0, 0.3))


def _socket(call: Any) -> Any:
    return call._socket  # noqa: SLF001 - garbage and cut lines are no part of a carrier's ways


async def mute_telephone(server: Server, dice: random.Random) -> None:
    """A media socket on which nothing comes."""
    async with aiohttp.ClientSession() as http:
        url = f"ws://{server.host}/telephony/{dice.choice(list(CARRIERS))}/stream"
        with contextlib.suppress(aiohttp.ClientError):
            async with http.ws_connect(url) as socket:
                await asyncio.sleep(dice.uniform(0, SETUP_S + 1))
                if dice.random() < 0.5:
                    _cut(socket)


# ── clients on a WebSocket, and sidebands ──


@asynccontextmanager
async def client(server: Server, path: str = MODEL) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"ws://{server.host}/{path}", headers={"Authorization": f"Bearer {KEY}"}) as socket,
    ):
        yield socket


def _cut(socket: aiohttp.ClientWebSocketResponse) -> None:
    below = socket.get_extra_info("socket")
    if below is not None:
        with contextlib.suppress(OSError):
            below.shutdown(2)


async def _until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            event: dict[str, Any] = await socket.receive_json()
            if event["type"] == kind:
                return event


async def socket_client(server: Server, dice: random.Random) -> None:
    async with client(server) as socket:
        await _until(socket, "session.created")
        audio = b64encode(bytes(48 * 200)).decode()
        for _ in range(dice.randrange(5)):
            await socket.send_json({"type": "input_audio_buffer.append", "audio": audio})
        if dice.random() < 0.6:
            await socket.send_json({"type": "response.create"})
            await _until(socket, "response.created")
        await asyncio.sleep(dice.uniform(0, 0.5))
        if dice.random() < 0.4:
            _cut(socket)


async def slow_reader(server: Server, dice: random.Random) -> None:
    """Asks, and does not read the answer."""
    async with client(server) as socket:
        await _until(socket, "session.created")
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            for _ in range(20):
                await socket.send_json({"type": "session.update", "session": {"type": "realtime"}})
                await socket.send_json({"type": "response.create"})
        await asyncio.sleep(dice.uniform(0.2, 1.5))
        _cut(socket)


async def rude_client(server: Server, dice: random.Random) -> None:
    async with client(server) as socket:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            for junk in dice.sample(JUNK, 4):
                await socket.send_str(junk)
            await socket.send_bytes(dice.randbytes(100))
        await asyncio.sleep(dice.uniform(0, 0.3))


async def sideband(server: Server, dice: random.Random) -> None:
    """A call, and beside it one or two who look on."""
    async with dial(server.url) as call:
        await call.event("session.created")
        call_id = call.location.rpartition("/")[2]
        for _ in range(dice.randint(1, 2)):
            async with client(server, f"v1/realtime?call_id={call_id}") as beside:
                await _until(beside, "session.created")
                await beside.send_str(dice.choice([*JUNK[1:], json.dumps({"type": "response.cancel"})]))
                await asyncio.sleep(dice.uniform(0, 0.3))
                if dice.random() < 0.5:
                    _cut(beside)


# ── sockets that never become a call ──


async def half_open(server: Server, dice: random.Random) -> None:
    """Half a request, and then nothing, or a reset."""
    host, _, port = server.host.partition(":")
    head = (
        f"GET /{MODEL} HTTP/1.1",
        f"Host: {server.host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "",
        "",
    )
    whole = "\r\n".join(head).encode()
    _reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(dice.choice([b"", whole[: dice.randrange(len(whole))], dice.randbytes(300)]))
    await asyncio.sleep(dice.uniform(0, 1.5))
    if dice.random() < 0.5:
        # Linger 0: the connection is reset.
        writer.get_extra_info("socket").setsockopt(1, 13, struct.pack("ii", 1, 0))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


Kind = Callable[[Server, random.Random], Awaitable[None]]

KINDS: dict[Kind, int] = {
    browser: 16, rude_browser: 6, lost_browser: 4, never_came: 4, bad_offer: 3,
    telephone: 24, cut_telephone: 8, rude_telephone: 8, mute_telephone: 4,
    socket_client: 10, slow_reader: 4, rude_client: 4, sideband: 6, half_open: 4,
}  # fmt: skip
"""How many of a hundred callers are of a kind."""
GIVEN_UP = (lost_browser, never_came, mute_telephone)
"""Who does not say that they are gone."""
