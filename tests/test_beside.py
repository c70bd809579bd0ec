"""A task beside a block: ended with it, and no fault is wrapped that is the block's own."""

from __future__ import annotations

import asyncio

import pytest

from gateway.beside import bare_group, beside

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


class Work:
    ended = False

    async def run(self) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(1)
            self.ended = True


async def test_what_the_block_raises_is_raised_as_it_is_once_the_task_is_over() -> None:
    work = Work()

    async def block() -> None:
        async with beside(work.run(), "work"):
            await asyncio.sleep(0)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await block()
    assert work.ended


async def test_a_block_that_is_cancelled_or_out_of_time_is_just_that() -> None:
    work = Work()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5), beside(work.run(), "work"):
            await asyncio.sleep(60)
    assert work.ended


async def test_what_a_task_raises_ends_the_block() -> None:
    async def fails() -> None:
        raise ValueError("its own")

    async def block() -> None:
        async with bare_group() as group:
            group.create_task(fails())
            await asyncio.sleep(60)

    with pytest.raises(ExceptionGroup) as fault:
        await block()
    assert fault.group_contains(ValueError, match="its own")
