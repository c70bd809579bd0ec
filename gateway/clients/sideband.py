"""The socket of a sideband: events of a live call out, client events in, no audio.

::

    socket = SidebandSocket(response)
    sideband = call.attach(socket.send, socket.over)
    try:
        await socket.serve(sideband.receive)
    finally:
        sideband.detach()
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from aiohttp import WSCloseCode, web

from gateway.clients.closing import close_code
from gateway.clients.textsocket import TextSocket
from gateway.errors import Ending
from gateway.ports import Event

__all__ = ["SidebandSocket"]


class SidebandSocket:
    def __init__(self, socket: web.WebSocketResponse) -> None:
        """Over a prepared socket."""
        self._socket = TextSocket(socket, self._unread, self._flooding)
        self._ended = asyncio.Event()
        self._code: int = WSCloseCode.OK

    async def serve(self, receive: Callable[[str], None]) -> None:
        """Carry messages both ways until the socket is over, or the call is."""

        async def take(message: str) -> None:
            if self._socket.admit():
                await self._socket.work(partial(receive, message))

        async with asyncio.TaskGroup() as group:
            closer = group.create_task(self._close_at_end(), name="sideband-closer")
            try:
                await self._socket.serve(take)
            finally:
                if not self._ended.is_set():
                    closer.cancel()

    def send(self, event: Event) -> None:
        """Queue one event. A sideband that lets 16 MiB wait is closed; the call goes on."""
        self._socket.send(event)

    def over(self, ending: Ending) -> None:
        """The call ended: the socket is closed once what is queued was sent."""
        self._end(close_code(ending))

    def _end(self, code: int) -> None:
        if not self._ended.is_set():
            self._code = code
            self._ended.set()

    async def _close_at_end(self) -> None:
        await self._ended.wait()
        await self._socket.close(self._code)

    def _unread(self) -> None:
        self._socket.abort()

    def _flooding(self) -> None:
        self._end(WSCloseCode.POLICY_VIOLATION)
