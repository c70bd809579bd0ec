"""A client over WebSocket: the realtime protocol as text frames. The client plays the audio itself.

The HTTP route makes the socket and the leg, begins the call, and stays in `serve` until the socket is over:
reading and writing happen there, in the route's task.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.errors import Ending
from gateway.ports import Event, LegSink, Speaker

__all__ = ["WebSocketLeg"]


class WebSocketLeg:
    """One client over WebSocket; implements `gateway.ports.Leg`."""

    kind = "websocket"
    plays = False
    downlink_ms = 0

    def __init__(self, call_id: str, socket: web.WebSocketResponse) -> None:
        self.call_id = call_id
        self._socket = socket
        self._sink: LegSink | None = None
        self._opened = asyncio.Event()

    async def serve(self) -> None:
        """Carry the client's messages to the call and the call's events to the client, until the socket is over.
        Called once, by the route, after the call was begun with this leg."""
        await self._opened.wait()

    async def open(self, sink: LegSink, speaker: Speaker) -> None:
        self._sink = sink
        self._opened.set()

    def send(self, event: Event) -> None:
        """Queue one event."""

    def stats(self) -> dict[str, float]:
        return {}

    async def close(self, ending: Ending) -> None:
        """Send what is queued, then close the socket with the code that fits the ending."""
        await self._socket.close()
