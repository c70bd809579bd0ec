"""The sockets on which carriers call: WebSocket and TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp

from tests.carrier_peers.faults import Frame

__all__ = ["Gone", "Refused", "Socket", "websocket"]

HANDSHAKE_S = 10.0
CLOSE_S = 2.0


class Gone(Exception):
    """The socket is closed; nothing can be sent."""


class Refused(Exception):
    """The application did not take the socket."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        """Of the HTTP answer; 0 when nobody answered."""


class Socket(Protocol):
    close_code: int | None
    """How the other side closed a WebSocket; 1006 for a broken one."""
    subprotocol: str | None

    @property
    def waiting(self) -> int:
        """Bytes that were sent, and that the other side has not made room for."""

    async def send(self, frame: Frame) -> None:
        """Raises Gone."""

    async def receive(self) -> Frame | None:
        """None when the other side has closed."""

    async def close(self) -> None: ...

    def abort(self) -> None:
        """Cut the connection without a word."""


class _WebSocket:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.close_code: int | None = None
        self.subprotocol = socket.protocol

    @property
    def waiting(self) -> int:
        # aiohttp waits for room only after 64 KiB, and tells nobody how much waits.
        return self._socket._writer.transport.get_write_buffer_size()

    async def send(self, frame: Frame) -> None:
        try:
            if isinstance(frame, str):
                await self._socket.send_str(frame)
            else:
                await self._socket.send_bytes(frame)
        except (aiohttp.ClientConnectionResetError, ConnectionError):
            raise Gone from None

    async def receive(self) -> Frame | None:
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data)
        if message.type is aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        self.close_code = self._socket.close_code
        return None

    async def close(self) -> None:
        await self._socket.close()

    def abort(self) -> None:
        transport = self._socket.get_extra_info("socket")
        # aiohttp offers no way to drop a connection: shut the TCP socket below it.
        if transport is not None:
            transport.shutdown(2)


@asynccontextmanager
async def websocket(
    url: str, headers: Mapping[str, str], subprotocols: Sequence[str] = (), via: str | None = None
) -> AsyncIterator[Socket]:
    """Dial `url`; `via` (scheme and host) is where that host really listens, as behind a tunnel. Raises Refused."""
    parts = urlsplit(url)
    target = url if via is None else f"{via}{parts.path}{f'?{parts.query}' if parts.query else ''}"
    timeout = aiohttp.ClientWSTimeout(ws_close=CLOSE_S)
    async with aiohttp.ClientSession() as session:
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                socket = await session.ws_connect(
                    target,
                    headers={"Host": parts.netloc.rpartition("@")[2], **headers},
                    protocols=subprotocols,
                    timeout=timeout,
                    compress=0,
                    max_msg_size=0,
                )
        except aiohttp.WSServerHandshakeError as error:
            raise Refused(error.status, error.message) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Refused(0, str(error)) from error
        try:
            yield _WebSocket(socket)
        finally:
            await socket.close()
