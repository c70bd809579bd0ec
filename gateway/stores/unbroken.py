"""Statements that are not broken off: whoever is cancelled while one runs goes once it is over.

SQLAlchemy closes the connection whose statement is cancelled. SQLite keeps the file of a closed connection open for as
long as the process has another one to the same database (closing it would free the locks of all, fcntl(2)), so files
add up; and what is cancelled while it closes or gives back a connection is told in the log as a fault. So what a
session does with its connection is a task of its own, which its caller's end does not reach. Who only waits in line
for a connection goes at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

__all__ = ["ENDS_S", "UnbrokenSession", "to_its_end", "watch"]

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


async def to_its_end(
    work: Coroutine[Any, Any, T], within_s: float = ENDS_S, begun: Callable[[], bool] = lambda: True
) -> T:
    """What `work` gives or raises. Cancelled meanwhile, it raises CancelledError when `work` is over, which is broken
    off after so long; at once as long as it has not `begun`."""
    task = asyncio.get_running_loop().create_task(work, name="statement")
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await _over(task, within_s if begun() else 0.0)
        raise
    return task.result()


async def _over(task: asyncio.Task[Any], within_s: float) -> None:
    loop = asyncio.get_running_loop()
    until: float | None = loop.time() + within_s
    while not task.done():
        left_s = None if until is None else until - loop.time()
        if left_s is not None and left_s <= 0:
            # Once: what it does about that is not broken off as well.
            task.cancel()
            left_s = until = None
        # Whoever is cancelled once more is cancelled as it is.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([task], timeout=left_s)
    if not task.cancelled():
        task.exception()  # nobody waits for it any more


_session: ContextVar[UnbrokenSession | None] = ContextVar("session", default=None)
"""Whose step this task takes."""


def watch(engine: AsyncEngine) -> None:
    """Once, of an engine for such sessions: they are told when they have a connection, or one is made for them."""
    for happening in ("do_connect", "checkout"):
        event.listen(engine.sync_engine, happening, _connected)


def _connected(*_connection: object) -> None:
    session = _session.get()
    if session is not None:
        session.connected = True


class UnbrokenSession(AsyncSession):
    """A session whose statements, and its end, are run to their end."""

    def __init__(self, engine: AsyncEngine, **options: Any) -> None:
        super().__init__(engine, **options)
        self.ends_s = ENDS_S if engine.dialect.name == "sqlite" else ENDS_ELSEWHERE_S
        self.connected = False
        """It has, or had, a connection: no longer waits for its first."""

    async def __aexit__(self, *_raised: object) -> None:
        await self.close()


def _unbroken(step: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Coroutine[Any, Any, T]]:
    @functools.wraps(step)
    async def run(self: UnbrokenSession, *args: Any, **kwargs: Any) -> T:
        here = _session.set(self)
        try:
            return await to_its_end(step(self, *args, **kwargs), self.ends_s, lambda: self.connected)
        finally:
            _session.reset(here)

    return run


for _step in STEPS:
    setattr(UnbrokenSession, _step, _unbroken(getattr(AsyncSession, _step)))
