"""What the call is told, on its way to the call: ordered, bounded by having the reader of a provider wait.

Who is carried to (`gateway.carrying`) takes all at once, so nothing waits: but what they are told must come after all
that is done about what they were told before, and never from within what they do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

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
        self._take: Callable[[Event], None] | None = None
        self._broken: Exception | None = None
        """What `_take` raised."""
        self._handing = False
        self._soon: asyncio.Handle | None = None

    @property
    def carried(self) -> bool:
        return self._take is not None

    def put(self, event: Event) -> None:
        """Followed by `settle`, once all is done that belongs to it."""
        self._events.append(event)
        if self._take is not None:
            return
        self._ready.set()
        if len(self._events) >= ROOM:
            self._room.clear()

    def settle(self, *, now: bool) -> None:
        """Hand on what waits, to who is carried to. `now`: who calls is no part of what they do, nor a task."""
        if self._take is None or not self._events or self._handing:
            return
        if now:
            self._hand_on()
        elif self._soon is None:
            self._soon = asyncio.get_running_loop().call_soon(self._hand_on)

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

    async def carry(self, take: Callable[[Event], None]) -> None:
        """Give all to `take`, instead of `get`. Raises ModelLost at the end, and what `take` raises."""
        self._take = take
        try:
            while True:
                self._hand_on()
                if self._broken is not None:
                    raise self._broken
                if self._fault is not None:
                    raise self._fault
                self._ready.clear()
                await self._ready.wait()
        finally:
            self._take = None

    def _hand_on(self) -> None:
        self._soon = None
        if self._handing:
            return
        self._handing = True
        try:
            while self._events and self._take is not None:
                self._take(self._events.popleft())
        except Exception as fault:  # noqa: BLE001 - raised again by `carry`, to who asked for it
            self._take, self._broken = None, fault
            self._ready.set()
        finally:
            self._handing = False
        if len(self._events) < ROOM:
            self._room.set()

    async def room(self) -> None:
        """Wait until the call has read enough."""
        await self._room.wait()
