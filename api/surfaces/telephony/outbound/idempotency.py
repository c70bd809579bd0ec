"""What is done once however often it is asked for (the `Idempotency-Key` header). Of this process only."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Once", "Otherwise"]

Answer = TypeVar("Answer")


class Otherwise(Exception):
    """The key was used for something else."""


@dataclass(slots=True)
class _Kept(Generic[Answer]):
    asked: bytes
    answer: asyncio.Task[Answer]
    until: float


class Once(Generic[Answer]):
    """Answers by key, for a day. Of more than `BOUND` the oldest is forgotten: asked again, it is done again. What
    failed is not kept, so that it may be tried again."""

    BOUND = 10_000
    LASTING_S = 86_400.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, _Kept[Answer]] = OrderedDict()

    async def run(self, key: Hashable, asked: str, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of `work`, which is done unless it was for this key, or is being done. It goes on when whoever
        waits leaves. Raises Otherwise when `asked` is not what it was then, and what `work` raises."""
        now = self._clock()
        while self._kept and (
            next(iter(self._kept.values())).until <= now or len(self._kept) >= self.BOUND
        ):
            self._kept.popitem(last=False)
        fingerprint = hashlib.sha256(asked.encode("utf-8", "surrogatepass")).digest()
        kept = self._kept.get(key)
        if kept is None:

            async def do() -> Answer:
                return await work()

            task = asyncio.get_running_loop().create_task(do(), name="once")
            kept = self._kept[key] = _Kept(fingerprint, task, now + self.LASTING_S)
            task.add_done_callback(lambda done: self._done(key, done))
        elif kept.asked != fingerprint:
            raise Otherwise
        return await asyncio.shield(kept.answer)

    def _done(self, key: Hashable, task: asyncio.Task[Answer]) -> None:
        failed = task.cancelled() or task.exception() is not None
        kept = self._kept.get(key)
        if failed and kept is not None and kept.answer is task:
            del self._kept[key]
