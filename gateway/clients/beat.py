"""The clock of all WebRTC legs of a process: one timer, every 20 ms for each leg, on an absolute schedule.

A timer of its own for every leg wakes the process once per leg and 20 ms, which costs more than what is done then.
Legs that beat together share a wake-up. Once there are more than a few they are spread over two moments, then over
four, so that nobody waits for the work of all the others. The moments are those of `gateway.pulse`, where it has one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import ClassVar
from weakref import WeakKeyDictionary

from gateway.log import where
from media.sending import Outgoing, encode

__all__ = ["BEHIND", "PERIOD_S", "Beat"]

logger = logging.getLogger(__name__)

PERIOD_S = 0.02
PHASES = 4
STEP_S = PERIOD_S / PHASES
FEW = 6
"""Members of one moment before another one is made use of: the last of them is encoded some 2 ms after the first."""
ORDER = (0, 2, 1, 3)
"""In which moments are made use of."""
BEHIND = 10
"""Beats that are made up for when the loop was held up; time beyond is skipped."""

Member = Callable[[float, float], Outgoing | None]
"""Called with the moment that was due and the moment that it is, in the loop's time. Gives what is to be encoded, if
anything."""
Deliver = Callable[[Outgoing], None]
"""Called with the same, encoded, or with why it could not be."""


class Beat:
    """One per event loop: `Beat.of_loop()`. A member that raises is logged, and called again the next time."""

    _beats: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, Beat]] = WeakKeyDictionary()

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._phases: list[list[tuple[Member, Deliver, Context]]] = [[] for _ in range(PHASES)]
        self._step = 0
        """Counted in the loop's time: the next one to be made."""
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def of_loop(cls) -> Beat:
        """That of the running loop."""
        loop = asyncio.get_running_loop()
        beat = cls._beats.get(loop)
        if beat is None:
            beat = cls._beats[loop] = cls(loop)
        return beat

    def join(self, member: Member, deliver: Deliver) -> None:
        """From now on the member is called every 20 ms, in the context of this call, and after it `deliver`."""
        if not any(self._phases):
            self._step = int(self._loop.time() / STEP_S) + 1
        used = sum(map(len, self._phases)) // FEW + 1
        min((self._phases[at] for at in ORDER[:used]), key=len).append((member, deliver, copy_context()))
        self._wait()

    def leave(self, member: Member) -> None:
        """It is called no longer. Idempotent."""
        for phase in self._phases:
            phase[:] = [entry for entry in phase if entry[0] != member]
        if not any(self._phases) and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        """Set the timer for the next moment at which anybody beats."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for ahead in range(PHASES):
            if self._phases[(self._step + ahead) % PHASES]:
                due = (self._step + ahead) * STEP_S
                self._timer = self._loop.call_at(due, self._run)
                return

    def _run(self) -> None:
        self._timer = None
        now = self._loop.time()
        # Timers may come a moment early: their clock is coarser than ours.
        until = int(now / STEP_S + 0.25)
        self._step = max(self._step, until - BEHIND * PHASES + 1)
        while self._step <= until:
            due = self._step * STEP_S
            self._beat(tuple(self._phases[self._step % PHASES]), due, now)
            self._step += 1
        self._wait()

    def _beat(self, members: tuple[tuple[Member, Deliver, Context], ...], due: float, now: float) -> None:
        for member, deliver, context in members:
            try:
                packet = context.run(member, due, now)
                if packet is not None:
                    # One by one: in a batch the first would wait for the last.
                    encode(packet)
                    context.run(deliver, packet)
            except Exception as error:  # noqa: BLE001 - one leg's failure must not stop the others' clock
                logger.error("a beat failed: %s", where(error))
