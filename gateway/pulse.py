"""The clock of all calls of a process, for what they do every so many milliseconds: one timer for all of them.

A timer of its own for each call and purpose wakes the process thousands of times a second with fifty calls, and every
waking costs more than what is done then. Those who beat together share one; they are spread over the moments within
their period, so that nobody waits for the work of all the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import Context, copy_context
from math import ceil
from typing import ClassVar
from weakref import WeakKeyDictionary

from gateway.log import where

__all__ = ["STEP_MS", "Pulse"]

logger = logging.getLogger(__name__)

STEP_MS = 10
"""Every period is a multiple of it."""
STEP_S = STEP_MS / 1000

Member = Callable[[], None]
Lane = dict[Member, Context]
"""Who beats at the same steps."""


class Pulse:
    """One per event loop: `Pulse.of_loop()`. A member that raises is logged, and called again the next time. Beats that
    the loop was too busy for are not made up for."""

    _pulses: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, Pulse]] = WeakKeyDictionary()

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lanes: dict[int, list[Lane]] = {}
        """By period in steps: one for each step of it."""
        self._start = loop.time()
        self._step = 0
        """Counted from the start: the one that was made last, or passed over."""
        self._members = 0
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def of_loop(cls) -> Pulse:
        """That of the running loop."""
        loop = asyncio.get_running_loop()
        pulse = cls._pulses.get(loop)
        if pulse is None:
            pulse = cls._pulses[loop] = cls(loop)
        return pulse

    def join(self, every_ms: int, member: Member) -> None:
        """From now on the member is called every `every_ms`, in the context of this call, the first time within so
        long (the first member of all: up to a step later). Raises ValueError for what is no multiple of `STEP_MS`."""
        steps, rest = divmod(every_ms, STEP_MS)
        if rest or steps < 1:
            raise ValueError(f"{every_ms} ms is no multiple of {STEP_MS}")
        if not self._members:
            # Nobody is kept waiting by who beats when: begin with the first, at the next step of the loop's time, as
            # other clocks do that wake the process.
            self._start, self._step = ceil(self._loop.time() / STEP_S - 1e-6) * STEP_S, 0
        lanes = self._lanes.setdefault(steps, [{} for _ in range(steps)])
        # Of the lanes with the fewest the one that comes last: a whole period from now, should nobody beat yet.
        ahead = [(self._step + 1 + n) % steps for n in range(steps)]
        fewest = min(len(lane) for lane in lanes)
        lane = next(lane for lane in reversed(ahead) if len(lanes[lane]) == fewest)
        lanes[lane][member] = copy_context()
        self._members += 1
        self._wait()

    def leave(self, member: Member) -> None:
        """It is called no longer. Idempotent."""
        for lanes in self._lanes.values():
            for lane in lanes:
                if lane.pop(member, None) is not None:
                    self._members -= 1
        if not self._members and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        """Set the timer for the next step at which anybody beats."""
        if self._timer is not None:
            self._timer.cancel()
        step = self._step + 1
        while not any(lanes[step % steps] for steps, lanes in self._lanes.items()):
            step += 1
        self._timer = self._loop.call_at(self._start + step * STEP_S, self._run)

    def _run(self) -> None:
        self._timer = None
        # Timers may come a moment early: their clock is coarser than ours.
        until = int((self._loop.time() - self._start) / STEP_S + 0.25)
        longest = max(self._lanes)
        first, self._step = max(self._step + 1, until - longest + 1), until
        called: set[Member] = set()
        for step in range(first, until + 1):
            for steps, lanes in self._lanes.items():
                lane = lanes[step % steps]
                for member in tuple(lane):
                    context = lane.get(member)
                    if context is not None and member not in called:
                        called.add(member)
                        self._beat(member, context)
        if self._members:
            self._wait()

    def _beat(self, member: Member, context: Context) -> None:
        try:
            context.run(member)
        except Exception as error:  # noqa: BLE001 - one call's failure must not stop the others' clock
            logger.error("a beat failed: %s", where(error))
