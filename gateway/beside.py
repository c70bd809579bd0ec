"""Tasks beside a block, whose faults are raised as they are: a TaskGroup wraps what its block raises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["bare_group", "beside"]


@asynccontextmanager
async def bare_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup. What the block raises is raised as it is, once the tasks are over; what a task raises comes in an
    ExceptionGroup, as ever."""
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        try:
            yield group
        except Exception as error:  # noqa: BLE001 - raised again below, outside the group
            failure = error
    if failure is not None:
        raise failure


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """While the block runs, a task does `work`; leaving cancels it and waits for its end."""
    async with bare_group() as group:
        task = group.create_task(work, name=name)
        try:
            yield
        finally:
            task.cancel()
