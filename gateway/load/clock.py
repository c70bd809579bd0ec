"""One clock for all callers: it wakes those of a phase together, so many calls are ten timers."""

from __future__ import annotations

import asyncio
import random
from array import array

__all__ = ["Clock", "Pace"]

FRAME_S = 0.02
PHASES = 10
"""Calls are spread over the 20 ms, as those of real callers are."""


class Clock:
    """`run` it in a task for as long as there are callers."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._turns: list[asyncio.Future[float]] = [self._loop.create_future() for _ in range(PHASES)]

    async def run(self) -> None:
        due, phase = self._loop.time(), 0
        while True:
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            turn, self._turns[phase] = self._turns[phase], self._loop.create_future()
            turn.set_result(due)
            phase = (phase + 1) % PHASES
            due += FRAME_S / PHASES

    async def turn(self, phase: int) -> float:
        """When the next turn of the phase was due."""
        return await asyncio.shield(self._turns[phase % PHASES])


class Pace:
    """One caller's frames: each 20 ms after the last, up to `jitter_ms` later, never out of order."""

    def __init__(self, clock: Clock, phase: int, jitter_ms: float, chance: random.Random) -> None:
        self._clock = clock
        self._phase = phase
        self._jitter_s = jitter_ms / 1000
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._due: float | None = None
        self._free = 0.0
        self.late = array("f")
        """Of each frame, in milliseconds: the tool's own fault."""

    async def next(self) -> float:
        """The time at which the next frame may leave."""
        if self._due is None:
            self._due = await self._clock.turn(self._phase)
        else:
            self._due += FRAME_S
            while self._loop.time() < self._due - FRAME_S / 40:
                if await self._clock.turn(self._phase) >= self._due - FRAME_S / 40:
                    break
        leaves = self._due
        if self._jitter_s:
            leaves = max(self._free, self._due + self._chance.uniform(0, self._jitter_s))
            await asyncio.sleep(max(0.0, leaves - self._loop.time()))
        self._free = leaves
        now = self._loop.time()
        self.late.append(max(0.0, now - leaves) * 1000)
        return now
