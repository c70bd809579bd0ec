"""A WebSocket that carries realtime events as text: what the client's leg and a sideband have in common.

Writing never waits: events are encoded at once, queued up to a bound, and written by a task that lives in `serve`.
"""

from __future__ import annotations

import asyncio
import binascii
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

import orjson
from aiohttp import WSMsgType, web

from gateway.clients.bucket import Bucket
from gateway.ports import Event
from gateway.realtime import server_events as say

__all__ = ["MAX_WAITING", "Received", "TextSocket"]

CLOSE_S = 2.0
"""Patience with the client's side of the closing handshake."""

FLUSH_S = 2.0
"""Patience with a client that is to read its last events before the close."""

MAX_WAITING = 16 * 1024 * 1024
"""Bytes that may wait unsent. A client with more does not read: it is given up, and its socket closed."""

LONG = 1024 * 1024
"""Bytes that an event counts at most: longer ones repeat what the client itself sent, an image or its session, and
while one of them waits nothing more is read of the client."""

MESSAGES = 100.0
"""Messages without audio that a client may send a second."""

MESSAGES_AT_ONCE = 1000.0
"""The same in a burst: a long history is put into the conversation item by item."""

MOST_REFUSED = 1000
"""Messages above that rate that are refused before the client is given up."""

SHARE = 0.25
"""Of the loop's time, for the messages of one client: who asks for more waits, and so do its messages in the socket."""

WORK_AT_ONCE_S = 0.5
"""The same in a burst."""

T = TypeVar("T")
Received = Callable[[str], Awaitable[None]]


class TextSocket:
    """Over a prepared socket, whose maker decides on pings and on the longest message."""

    def __init__(
        self, socket: web.WebSocketResponse, on_full: Callable[[], None], on_flood: Callable[[], None]
    ) -> None:
        """`on_full` is called once, when the client does not read; `on_flood`, when it goes on and on above the rate
        of messages."""
        self._socket = socket
        self._on_full = on_full
        self._on_flood = on_flood
        self._queue: deque[bytes] = deque()
        self._waiting = 0
        self._full = False
        self._long = 0
        """Long events that wait."""
        self._read_on = asyncio.Event()
        self._read_on.set()
        self._wake = asyncio.Event()
        self._finishing = False
        self._serving = False
        self._written = asyncio.Event()
        """Nothing waits any more, and nothing will."""
        self._messages = Bucket(rate=MESSAGES, burst=MESSAGES_AT_ONCE)
        self._work = Bucket(rate=SHARE, burst=WORK_AT_ONCE_S)
        self._refused = 0
        self._warned_at = float("-inf")

    def send(self, event: Event) -> None:
        """Queue one event; audio bytes in its `delta` are written as base64."""
        if self._full or self._finishing:
            return
        delta = event.get("delta")
        if isinstance(delta, bytes):
            event = {**event, "delta": binascii.b2a_base64(delta, newline=False).decode()}
        message = orjson.dumps(event)
        if self._waiting + min(len(message), LONG) > MAX_WAITING:
            self._full = True
            self._queue.clear()
            self._on_full()
            return
        self._count(message, 1)
        self._queue.append(message)
        self._wake.set()

    @property
    def close_code(self) -> int | None:
        """The client's, once it has closed; None when the connection just broke."""
        return self._socket.close_code

    async def serve(self, receive: Received) -> None:
        """Carry messages both ways until the socket is over."""
        self._serving = True
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write(), name="client-writer")
                try:
                    await self._read(receive)
                finally:
                    writer.cancel()
        finally:
            self._serving = False
            self._written.set()

    async def close(self, code: int) -> None:
        """Write what waits, then close. Ends within 5 s whatever the client does."""
        self._finishing = True
        self._read_on.set()
        self._wake.set()
        if self._serving and not self._full:
            try:
                async with asyncio.timeout(FLUSH_S):
                    await self._written.wait()
            except TimeoutError:
                self._full = True
        if self._full:
            self.abort()
            return
        try:
            async with asyncio.timeout(CLOSE_S + 0.5):
                await self._socket.close(code=code, drain=False)
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Drop the connection: whoever does not read does not read a close frame either."""
        self._read_on.set()
        transport = self._socket._req.transport if self._socket._req is not None else None  # noqa: SLF001 - the response has no public way to its transport
        if transport is not None:
            transport.abort()

    def admit(self) -> bool:
        """Whether a message without audio is taken; a flood is told so, once a second, and given up in the end."""
        now = asyncio.get_running_loop().time()
        if self._messages.take(1.0, now):
            return True
        self._refused += 1
        if self._refused > MOST_REFUSED:
            self._on_flood()
        elif now - self._warned_at >= 1.0:
            self._warned_at = now
            told = f"Too many messages: at most {MESSAGES:.0f} a second are taken. Some were not."
            self.send(say.error(told, code="rate_limit_exceeded", kind="rate_limit_error"))
        return False

    async def work(self, act: Callable[[], T]) -> T:
        """Act upon a message, then let the others have the loop, for as long as this client's share of it asks."""
        began = time.thread_time()
        done = act()
        worked_s = time.thread_time() - began
        await asyncio.sleep(self._work.wait(worked_s, asyncio.get_running_loop().time()))
        await self._read_on.wait()
        return done

    def _count(self, message: bytes, by: int) -> None:
        """One event more, or less, waits."""
        self._waiting += by * min(len(message), LONG)
        if len(message) > LONG:
            self._long += by
        if self._long and not self._finishing:
            self._read_on.clear()
        else:
            self._read_on.set()

    async def _read(self, receive: Received) -> None:
        while True:
            message = await self._socket.receive()
            match message.type:
                case WSMsgType.TEXT:
                    await receive(message.data)
                case WSMsgType.BINARY:
                    if self.admit():
                        told = "Binary frames carry no events: send JSON text, with audio as base64."
                        self.send(say.error(told, code="invalid_event"))
                case WSMsgType.PING:
                    if self.admit():
                        await self._socket.pong(message.data)
                case WSMsgType.PONG:
                    self.admit()
                case _:
                    return

    async def _write(self) -> None:
        try:
            while not self._finishing or self._queue:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    message = self._queue.popleft()
                    await self._socket.send_frame(message, WSMsgType.TEXT)
                    self._count(message, -1)
        except ConnectionError:
            # The reader notices too, and tells.
            self._read_on.set()
        self._written.set()
