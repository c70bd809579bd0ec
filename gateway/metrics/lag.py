"""How late the event loop is: what every frame of every call waits at worst."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.metrics.counts import Counts

__all__ = ["EVERY_S", "RECENT_S", "LoopLag"]

EVERY_S = 0.1
RECENT_S = 2.0


class LoopLag:
    """Sleeps for `EVERY_S` over and over, and looks by how much longer it took. Made by `LoopLag.measured`."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._recent: deque[float] = deque(maxlen=round(RECENT_S / EVERY_S))
        counts.read("parley_loop_lag_recent_seconds", lambda: [((), self.recent_s)])

    @classmethod
    @asynccontextmanager
    async def measured(cls, counts: Counts) -> AsyncIterator[LoopLag]:
        """Measures until the block is left. What the block raises is raised as it is."""
        lag = cls(counts)
        loop = asyncio.get_running_loop()
        handle = loop.call_later(EVERY_S, lag._woken, loop, loop.time() + EVERY_S)
        lag._handle = handle
        try:
            yield lag
        finally:
            lag._handle.cancel()

    _handle: asyncio.TimerHandle

    @property
    def recent_s(self) -> float:
        """The longest lag of the last `RECENT_S`: what decides whether one more call would harm the others."""
        return max(self._recent, default=0.0)

    @property
    def usual_s(self) -> float:
        """The median of the last `RECENT_S`: what frames wait as a rule. One long step, of a collection or an import,
        does not move it; a loop that is asked for more than it can do does. 0 until there are so many."""
        full = len(self._recent) == self._recent.maxlen
        return sorted(self._recent)[len(self._recent) // 2] if full else 0.0

    def _woken(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        late = max(0.0, now - due)
        self._recent.append(late)
        self._counts.observe("parley_loop_lag_seconds", late)
        self._handle = loop.call_later(EVERY_S, self._woken, loop, now + EVERY_S)
