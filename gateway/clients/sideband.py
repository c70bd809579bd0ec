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

from collections.abc import Callable

from aiohttp import web

from gateway.errors import Ending
from gateway.ports import Event

__all__ = ["SidebandSocket"]


class SidebandSocket:
    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def serve(self, receive: Callable[[str], None]) -> None:
        """Carry messages both ways until the socket is over."""

    def send(self, event: Event) -> None:
        """Queue one event; a sideband that does not read is closed."""

    def over(self, ending: Ending) -> None:
        """The call ended: close the socket once what is queued was sent."""
