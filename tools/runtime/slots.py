"""How many runs of one tool there are at a time, and for whom it is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tools.contract import CALL, Tool, ToolUnavailable
from tools.runtime.fuse import Fuse, State

__all__ = ["MOST_WAITING", "Busy", "Slots", "Verdict"]

MOST_WAITING = 32
"""Runs that may wait for one tool; the next is refused at once."""


class Busy(ToolUnavailable):
    """As many runs of the tool as it takes are under way."""


class Verdict:
    """How a run went, told by who ran it; None: nobody knows."""

    failed: bool | None = None


class Slots:
    """Of one process."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now`: seconds of a clock that only goes forward."""
        self._now = now
        self._fuses: dict[str, Fuse] = {}
        self._places: dict[str, asyncio.Semaphore] = {}
        self._waiting: dict[str, int] = {}

    def breakers(self) -> dict[str, State]:
        """How it stands with each tool that has run, by name."""
        return {name: fuse.state(self._now()) for name, fuse in self._fuses.items()}

    @asynccontextmanager
    async def taken(self, tool: Tool) -> AsyncIterator[Verdict]:
        """A place for one run, within the tool's `timeout_s`. Raises ToolUnavailable: `Busy`, or the tool is left alone
        after it failed time and again."""
        async with self._place(tool):
            # What acts on the call is never left alone: each run has a fuse of its own, which nothing has blown.
            fuse = Fuse() if tool.category == CALL else self._fuses.setdefault(tool.name, Fuse())
            if (wait := fuse.opens_in(self._now())) > 0:
                raise ToolUnavailable(
                    f"{tool.name} is out of order for the moment. Say so; it may work again in {wait:.0f} s."
                )
            verdict = Verdict()
            try:
                yield verdict
            finally:
                fuse.ended(self._now(), failed=verdict.failed)

    @asynccontextmanager
    async def _place(self, tool: Tool) -> AsyncIterator[None]:
        if tool.max_concurrent is None:
            yield
            return
        places = self._places.setdefault(tool.name, asyncio.Semaphore(tool.max_concurrent))
        waiting = self._waiting.get(tool.name, 0)
        if waiting >= MOST_WAITING:
            raise Busy(_BUSY.format(tool.name))
        self._waiting[tool.name] = waiting + 1
        try:
            async with asyncio.timeout(tool.timeout_s):
                _ = await places.acquire()
        except TimeoutError:
            raise Busy(_BUSY.format(tool.name)) from None
        finally:
            self._waiting[tool.name] -= 1
        try:
            yield
        finally:
            places.release()


_BUSY = "{} is busy with others at the moment. Say so, and offer to try again."
