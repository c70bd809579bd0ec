"""An event loop whose clock moves only when everything else has been done.

A conversation of thirty seconds takes microseconds, and takes them the same way every time. Marked tests run on
it: `pytestmark = pytest.mark.virtual_time`, or the mark on one test. Not for tests with real sockets, threads or
processes: their answers come in real time, which this loop does not wait for.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar, TypeVarTuple, Unpack

__all__ = ["Deadlock", "VirtualLoop"]


T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Deadlock(AssertionError):
    """Every task waits and no timer is set: nothing would ever happen again."""


class _JumpingSelector(selectors.DefaultSelector):
    """Where a real selector would wait, this one moves the clock on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise Deadlock("every task waits for something that nobody will do")
        self.now += max(timeout, 0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector loop on virtual time; `loop.time()` begins at 0."""

    def __init__(self) -> None:
        self._virtual = _JumpingSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        raise AssertionError("virtual time does not wait for threads; test this on the real clock")
