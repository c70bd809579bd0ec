"""A call over TCP: Asterisk's AudioSocket, which has no marks, takes nothing back and wants media all the time."""

from __future__ import annotations

import asyncio
import gc
import struct
import uuid
import weakref

import pytest

from api.switchboard import Switchboard
from gateway.supervisor import CallRequest
from gateway.wire import Started
from tests.carriage.house import STREAMS, House, house

pytestmark = pytest.mark.integration


def message(kind: int, payload: bytes = b"") -> bytes:
    return struct.pack("!BH", kind, len(payload)) + payload


class Everybody:
    def __init__(self, made: House) -> None:
        self._made = made

    async def receive(self, carrier: str, started: Started) -> CallRequest:
        return CallRequest("s-1", "t-1", self._made.who)


async def test_a_call_over_tcp() -> None:
    async with house() as made:
        board = Switchboard(STREAMS, made.supervisor, Everybody(made))

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await board.connection("asterisk_audiosocket", reader, writer)

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            clock = asyncio.get_running_loop().time
            hello = message(0x01, uuid.uuid4().bytes) + message(0x10, bytes(320))
            writer.write(hello[:7])
            await asyncio.sleep(0.01)
            writer.write(hello[7:])
            began, loud, frames = clock(), 0, 0
            while clock() < began + 1.5:
                kind, size = struct.unpack("!BH", await reader.readexactly(3))
                payload = await reader.readexactly(size)
                assert (kind, size) == (0x10, 320)
                frames += 1
                loud += any(payload)
                writer.write(message(0x10, bytes(320)))
            assert frames == pytest.approx(75, abs=5)
            assert loud == pytest.approx(72, abs=8)
            (session,) = made.model.sessions.values()
            writer.write(message(0x03, b"5") + message(0x03, b"#"))
            async with asyncio.timeout(20):
                while session.replies < 2:  # noqa: ASYNC110 - a mock
                    await asyncio.sleep(0.01)
            (_, truncation), *_ = session.truncations()
            assert truncation["audio_end_ms"] == pytest.approx(loud * 20, abs=60)
            writer.write(message(0x00))
            assert await made.ended() == ["caller/hung-up"]
            writer.close()
            await writer.wait_closed()


async def test_nothing_of_a_call_that_is_over_is_kept_for_the_next_one() -> None:
    async with house() as made:
        board = Switchboard(STREAMS, made.supervisor, Everybody(made))

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await board.connection("asterisk_audiosocket", reader, writer)

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(message(0x01, uuid.uuid4().bytes) + message(0x10, bytes(320)))
            await reader.readexactly(3)
            [leg] = (weakref.ref(one) for one in board._legs.values())
            writer.close()
            await made.ended()
            del reader, writer
            async with asyncio.timeout(30):
                while leg() is not None:
                    await asyncio.sleep(0.02)
                    gc.collect()
