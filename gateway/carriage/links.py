"""The sockets that carriers' streams come over: WebSockets of the HTTP server, and TCP. Sending returns at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from aiohttp import WSMsgType, web

from gateway.carriage.inbox import CallbackSocket
from gateway.frames import from_server
from gateway.wire import Message

__all__ = ["MAX_MESSAGE", "Link", "TcpLink", "WebSocketLink"]

MAX_MESSAGE = 64 * 1024
"""Bytes of the longest message that a carrier may send; the maker of the socket sees to it."""
MAX_UNSENT = 1024 * 1024
"""Bytes that may wait unsent. A carrier with more does not read: its connection is dropped."""
CLOSE_S = 2.0
"""Patience with the carrier's side of the closing handshake."""
CHUNK = 4096


class Link(Protocol):
    def send(self, messages: Sequence[Message]) -> None:
        """Send them in order, at once; nothing happens when the socket is over."""

    async def read(self) -> Message | None:
        """The next message (of TCP, the next bytes); None when the socket is over."""

    def listen(self, take: Callable[[Message], None]) -> None:
        """Messages go to `take` as they come, which raises nothing; `read` returns no more of them, but at the end
        None. Where a link cannot, or has some that were not read, it goes on as before: ask again after a `read`."""

    def leave(self) -> None:
        """Read no more: `read` returns None, now and from now on."""

    async def close(self) -> None:
        """Within 3 s, whatever the carrier does. Idempotent."""


class WebSocketLink:
    """A prepared WebSocket that was made without compression. Frames are written straight to its transport: a frame
    that leaves now needs no coroutine, and neither does one that came (`gateway.carriage.inbox.CallbackSocket`)."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        """`transport`: the request's."""
        self._socket = socket
        self._inbox = socket.inbox if isinstance(socket, CallbackSocket) else None
        self._transport = transport
        self._closed = False

    def send(self, messages: Sequence[Message]) -> None:
        if self._closed or self._transport.is_closing() or not messages:
            return
        self._transport.write(
            from_server(messages[0]) if len(messages) == 1 else b"".join(map(from_server, messages))
        )
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            self._transport.abort()

    async def read(self) -> Message | None:
        message = await self._socket.receive()
        if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
            data: Message = message.data
            return data
        return None

    def listen(self, take: Callable[[Message], None]) -> None:
        if self._inbox is not None:
            self._inbox.listen(take)

    def leave(self) -> None:
        if self._inbox is not None:
            self._inbox.leave()

    async def close(self) -> None:
        self._closed = True
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(drain=False)
        except TimeoutError:
            # Whoever does not read does not read a close frame either.
            self._transport.abort()


class TcpLink:
    """A TCP connection; its messages are bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, messages: Sequence[Message]) -> None:
        transport = self._writer.transport
        if transport.is_closing():
            return
        transport.write(b"".join(m if isinstance(m, bytes) else m.encode() for m in messages))
        if transport.get_write_buffer_size() > MAX_UNSENT:
            transport.abort()

    async def read(self) -> Message | None:
        try:
            return await self._reader.read(CHUNK) or None
        except ConnectionError:
            return None

    def listen(self, take: Callable[[Message], None]) -> None:
        """It is read in a coroutine: what comes at once is read at once."""

    def leave(self) -> None:
        """Whoever reads knows it himself: nothing comes but what he reads."""

    async def close(self) -> None:
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._writer.wait_closed()
        except (TimeoutError, ConnectionError):
            self._writer.transport.abort()
