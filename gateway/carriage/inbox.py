"""A WebSocket of the HTTP server whose messages come by callback: a call's audio needs no coroutine to be woken for it.

aiohttp parses a socket's frames in compiled code and puts the messages into a queue, from which a coroutine takes
them. Here the queue hands text and binary messages on itself; what is left to the coroutine are pings, the closing
handshake and the end, so that all of that stays aiohttp's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.http_websocket import WS_CLOSING_MESSAGE, WebSocketReader

from gateway.wire import Message

__all__ = ["CallbackSocket", "Inbox"]

LIMIT = 2**16
"""Bytes that may wait for the coroutine before the connection is read no further."""
SIGN_S = 1.0
"""How often the heartbeat is told that the peer lives."""


class Inbox(WebSocketDataQueue):
    """What aiohttp's parser fills. Until `listen`, and for what is no data, as ever."""

    _take: Callable[[Message], None] | None = None

    def listen(self, take: Callable[[Message], None]) -> None:
        """Nothing happens while something waits to be read: that comes first."""
        if not self._buffer:
            self._take = take

    def leave(self) -> None:
        """The coroutine reads no more."""
        super().feed_data(WS_CLOSING_MESSAGE, 0)

    def feed_data(self, data: Any, size: int) -> None:
        if self._take is not None and data.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            self._take(data.data)
        else:
            super().feed_data(data, size)


class CallbackSocket(web.WebSocketResponse):
    """Not for compressed sockets."""

    inbox: Inbox | None = None
    """There once it is prepared."""

    def _post_start(self, request: web.BaseRequest, protocol: str | None, writer: Any) -> None:
        """Where aiohttp (3.14) makes queue and parser: the same with ours, since a parser cannot be replaced."""
        self._ws_protocol, self._writer = protocol, writer
        self._reset_heartbeat()
        loop = asyncio.get_running_loop()
        self._reader = self.inbox = Inbox(request.protocol, LIMIT, loop=loop)
        self._parser = WebSocketReader(self.inbox, self._max_msg_size, compress=False, decode_text=True)
        signs = 0.0

        def sign() -> None:
            nonlocal signs
            now = loop.time()
            if now - signs >= SIGN_S:
                signs = now
                self._on_data_received()

        request.protocol.set_parser(self._parser, data_received_cb=sign)
        request.protocol.keep_alive(False)
