"""Asterisk's AudioSocket on a real TCP connection (reference 10.1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.carrier_peers.audiosocket_stream import AudioSocketStream, Splitter
from tests.carrier_peers.call import Call
from tests.carrier_peers.dialling import calling
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.sockets import CLOSE_S, Gone, Refused

__all__ = ["dialling_tcp"]

CONNECT_S = 2.0
STALL_S = 0.05
"""Between the parts of one packet. Asterisk waits 5 ms; here what this machine itself delays must not count."""


class _Tcp:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stalled: Callable[[float], None]
    ) -> None:
        self.close_code: int | None = None
        self.subprotocol: str | None = None
        self._reader = reader
        self._writer = writer
        self._stalled = stalled
        self._splitter = Splitter()
        self._whole: list[Frame] = []

    @property
    def waiting(self) -> int:
        return self._writer.transport.get_write_buffer_size()

    async def send(self, frame: Frame) -> None:
        if self._writer.is_closing():
            raise Gone
        self._writer.write(frame if isinstance(frame, bytes) else frame.encode())
        try:
            await self._writer.drain()
        except ConnectionError:
            raise Gone from None

    async def receive(self) -> Frame | None:
        clock = asyncio.get_running_loop().time
        while not self._whole:
            began, partly = clock(), self._splitter.waiting > 0
            try:
                data = await self._reader.read(2**16)
            except ConnectionError:
                data = b""
            if not data:
                return None
            if partly and clock() - began > STALL_S:
                self._stalled(clock() - began)
            self._whole += self._splitter.push(data)
        return self._whole.pop(0)

    async def close(self) -> None:
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._writer.wait_closed()
        except (ConnectionError, TimeoutError):
            self.abort()

    def abort(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def dialling_tcp(
    carrier: AudioSocketStream, host: str, port: int, manners: Manners = GOOD
) -> AsyncIterator[Call[AudioSocketStream]]:
    """Connect as the channel does. Raises sockets.Refused, with status 0."""

    def stalled(seconds: float) -> None:
        told = f"{seconds * 1000:.0f} ms within one packet: write header and payload in one send"
        carrier.blame(Broken("stall", told, "telephony 10.1"), b"", asyncio.get_running_loop().time())

    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        raise Refused(0, str(error)) from error
    socket = _Tcp(reader, writer, stalled)
    try:
        async with calling(Call(carrier, socket, manners)) as call:
            yield call
    finally:
        await socket.close()
