"""How long a call lives: its tasks, and the one future that says how it ends. Part of the shell."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from gateway.errors import Ending

__all__ = ["Life"]


class Life:
    """One call's. Whoever asks first how it ends has decided; only `Call.run` closes."""

    def __init__(self, call_id: str) -> None:
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._call_id = call_id
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, group: asyncio.TaskGroup) -> None:
        """From now on tasks run in this group."""
        self._group = group

    def end(self, ending: Ending) -> None:
        if not self.ended.done():
            self.ended.set_result(ending)

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """As a task of the call, which ends with it; not at all where it is over. One that raises ends the call."""
        if self._group is None or self.ended.done():
            work.close()
        else:
            _ = self.begin_task(name, work)

    def begin_task(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """The same, whether the call is over or not: it has begun, and its tasks were not cancelled yet."""
        assert self._group is not None
        task = self._group.create_task(work, name=f"{name}:{self._call_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """No task of the call is wanted any more."""
        for task in self._tasks:
            task.cancel()
