"""What the call is told, on its way to the call: ordered, bounded by having the reader of a provider wait."""

from __future__ import annotations

import asyncio
from collections import deque

from gateway.errors import ModelLost
from gateway.ports import Event

__all__ = ["Out"]

ROOM = 500
"""Events that may wait before the provider is read no further."""


class Out:
    """One reader, many writers, one loop."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._fault: ModelLost | None = None

    def put(self, event: Event) -> None:
        self._events.append(event)
        self._ready.set()
        if len(self._events) >= ROOM:
            self._room.clear()

    def end(self, fault: ModelLost) -> None:
        """Nothing follows; the reader gets what waits, and then this."""
        self._fault = self._fault or fault
        self._ready.set()
        self._room.set()

    async def get(self) -> Event:
        """The next event. Raises ModelLost at the end."""
        while not self._events:
            if self._fault is not None:
                raise self._fault
            self._ready.clear()
            await self._ready.wait()
        event = self._events.popleft()
        if len(self._events) < ROOM:
            self._room.set()
        return event

    async def room(self) -> None:
        """Wait until the call has read enough."""
        await self._room.wait()
