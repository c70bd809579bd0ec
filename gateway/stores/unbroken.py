"""Statements that are not broken off: whoever is cancelled while one runs goes once it is over.

SQLAlchemy closes the connection whose statement is cancelled. SQLite keeps the file of a closed connection open for as
long as the process has another one to the same database (closing it would free the locks of all, fcntl(2)), so files
add up; and what is cancelled while it closes or gives back a connection is told in the log as a fault. So whatever a
session does with its connection is a task of its own, which its caller's end does not reach.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

__all__ = ["ENDS_S", "UnbrokenSession", "to_its_end"]

T = TypeVar("T")

ENDS_S = 6.0
"""How long whoever is cancelled waits at most on SQLite: longer than a statement there waits for another process."""
ENDS_ELSEWHERE_S = 1.0
"""With a server it may be the network that hangs, and a connection that is closed leaves nothing open here."""
STEPS = (
    "close",
    "commit",
    "connection",
    "delete",
    "delete_all",
    "execute",
    "flush",
    "get",
    "get_one",
    "invalidate",
    "merge",
    "merge_all",
    "refresh",
    "reset",
    "rollback",
    "run_sync",
    "scalar",
    "scalars",
    "stream",
    "stream_scalars",
)
"""What a session does with its connection; a test compares."""


async def to_its_end(work: Coroutine[Any, Any, T], within_s: float = ENDS_S) -> T:
    """What `work` gives or raises. Cancelled meanwhile, it raises CancelledError when `work` is over, which is broken
    off after so long."""
    task = asyncio.get_running_loop().create_task(work, name="statement")
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await _over(task, within_s)
        raise
    return task.result()


async def _over(task: asyncio.Task[Any], within_s: float) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    while not task.done():
        if loop.time() >= until:
            task.cancel()
        # Whoever is cancelled once more is cancelled as it is.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([task], timeout=max(0.1, until - loop.time()))
    if not task.cancelled():
        task.exception()  # nobody waits for it any more


class UnbrokenSession(AsyncSession):
    """A session whose statements, and its end, are run to their end."""

    def __init__(self, engine: AsyncEngine, **options: Any) -> None:
        super().__init__(engine, **options)
        self.ends_s = ENDS_S if engine.dialect.name == "sqlite" else ENDS_ELSEWHERE_S

    async def __aexit__(self, *_raised: object) -> None:
        await self.close()


def _unbroken(step: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Coroutine[Any, Any, T]]:
    @functools.wraps(step)
    async def run(self: UnbrokenSession, *args: Any, **kwargs: Any) -> T:
        return await to_its_end(step(self, *args, **kwargs), self.ends_s)

    return run


for _step in STEPS:
    setattr(UnbrokenSession, _step, _unbroken(getattr(AsyncSession, _step)))
