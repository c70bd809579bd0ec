"""How often one caller may ask: a token bucket per caller and purpose."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.workers.channel import Gone

__all__ = ["TOOL_RUNS", "InProcessLimiter", "Rate", "RateLimiter", "SharedLimiter"]


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_minute`."""

    name: str
    per_minute: float
    burst: int


TOOL_RUNS = Rate("tool-runs", per_minute=120, burst=60)
"""Runs of tools, over REST and MCP together."""


class RateLimiter(Protocol):
    async def take(self, rate: Rate, who: str) -> float:
        """Take one; 0 when there was one to take, else the seconds until there is."""


class SharedLimiter:
    """Counts for several workers, where one process counts for all; by itself while that does not answer."""

    def __init__(
        self, ask: Callable[[tuple[str, float, int], str], Awaitable[float]], own: RateLimiter
    ) -> None:
        """`ask` takes a rate's fields and who it is for, and raises `gateway.workers.channel.Gone`."""
        self._ask = ask
        self._own = own

    async def take(self, rate: Rate, who: str) -> float:
        try:
            return await self._ask((rate.name, rate.per_minute, rate.burst), who)
        except Gone:
            return await self._own.take(rate, who)


class InProcessLimiter:
    """Counts in this process only. Remembers at most 10 000 callers: beyond that the one not seen for longest is
    forgotten, which gives it a full bucket."""

    BOUND = 10_000

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    async def take(self, rate: Rate, who: str) -> float:
        now = self._clock()
        key = (rate.name, who)
        left, then = self._buckets.pop(key, (float(rate.burst), now))
        left = min(float(rate.burst), left + (now - then) * rate.per_minute / 60)
        wait = 0.0 if left >= 1 else (1 - left) * 60 / rate.per_minute
        self._buckets[key] = (left - 1 if wait == 0 else left, now)
        if len(self._buckets) > self.BOUND:
            self._buckets.popitem(last=False)
        return wait
