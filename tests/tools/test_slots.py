"""Places of a tool: as many wait as may, and the next is told at once that it is busy."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.tools.doors import Counted, Door, asks, trial
from tools.runtime.slots import MOST_WAITING

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


async def test_a_queue_that_is_full_takes_nobody() -> None:
    over = asyncio.Event()

    async def work(_: int) -> dict[str, Any]:
        _ = await over.wait()
        return {}

    door = Door(trial(Counted(work), max_concurrent=1))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(door.runtime.execute(asks())) for _ in range(1 + MOST_WAITING)]
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        refused = await door.runtime.execute(asks())
        assert (refused.status, refused.reason) == ("failed", "busy")
        assert asyncio.get_running_loop().time() - began < 1, "it did not wait for a place"
        over.set()
    assert all(task.result().ok for task in tasks), "who waited had their turn"
    assert (await door.runtime.execute(asks())).ok
