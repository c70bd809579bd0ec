"""Statements whose caller is cancelled: they end first, so that no connection is closed and no fault is told of."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.stores import schema
from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.unbroken import ENDS_S, STEPS, to_its_end
from gateway.stores.urls import parse_url
from tests.stores.calls import add_session

pytestmark = pytest.mark.integration

TIMES = 240


def files_of(url: str) -> Counter[str]:
    """Open files of this process that belong to the database: the name of each, and how often."""
    name = Path(parse_url(url).database or "").name
    found: Counter[str] = Counter()
    for one in Path("/proc/self/fd").iterdir():
        try:
            at = Path(os.readlink(one)).name
        except OSError:
            continue
        found[at] += at.startswith(name)
    return +found


async def read(database: Database) -> None:
    async with database.reading("us") as db:
        await db.execute(select(func.count()).select_from(schema.Session))
        await db.execute(select(schema.Session.id).limit(1))


async def write(database: Database) -> None:
    await add_session(database, "us")


async def test_who_is_cancelled_at_any_point_costs_no_connection_and_no_line_in_the_log(
    any_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(5)
    caplog.set_level(logging.WARNING)
    async with Database.open(any_database) as database:
        await asyncio.gather(*(read(database) for _ in range(8)), *(write(database) for _ in range(8)))
        before = files_of(any_database)
        cancelled = 0
        for _ in range(TIMES // 8):
            tasks = [asyncio.create_task(chance.choice((read, write))(database)) for _ in range(8)]
            for task in tasks:
                for _ in range(chance.randrange(12)):
                    await asyncio.sleep(0)
                await asyncio.sleep(chance.choice((0, 0, 0.0005)))
                task.cancel()
            await asyncio.wait(tasks)
            cancelled += sum(task.cancelled() for task in tasks)
        assert cancelled > TIMES / 4
        assert files_of(any_database) == before
        assert [record.getMessage() for record in caplog.records] == []
        # And all is at work as before.
        await asyncio.gather(*(read(database) for _ in range(8)), *(write(database) for _ in range(8)))
        async with database.reading(EVERY_TENANT) as db:
            assert (await db.scalar(select(func.count()).select_from(schema.Session)) or 0) >= 16


async def test_who_is_cancelled_waits_for_what_runs_and_no_longer_than_is_patient() -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def statement() -> str:
        begun.set()
        await over.wait()
        return "done"

    waiting = asyncio.create_task(to_its_end(statement()))
    await begun.wait()
    for _ in range(3):
        waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()
    over.set()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert await to_its_end(statement()) == "done"


async def test_who_only_waits_for_a_connection_goes_at_once(sqlite_url: str) -> None:
    """Of which SQLite has one that writes."""
    async with Database.open(sqlite_url) as database:
        async with database.writing(EVERY_TENANT) as first:
            await first.execute(text("SELECT 1"))
            second = asyncio.create_task(write(database))
            while not any(task.get_name() == "statement" for task in asyncio.all_tasks()):  # noqa: ASYNC110
                await asyncio.sleep(0)
            for _ in range(20):
                await asyncio.sleep(0)
            second.cancel()
            for _ in range(50):
                await asyncio.sleep(0)
            assert second.done(), "though the first has not ended"
        await write(database)


@pytest.mark.virtual_time
async def test_what_does_not_end_is_broken_off_once() -> None:
    broken = False

    async def statement() -> None:
        nonlocal broken
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(2)  # what it does about that
            broken = True
            raise

    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await to_its_end(statement())
    assert broken
    assert loop.time() - began == pytest.approx(1 + ENDS_S + 2)


async def test_a_fault_of_a_statement_is_its_callers() -> None:
    async def statement() -> None:
        raise ValueError("no such table")

    with pytest.raises(ValueError, match="no such table"):
        await to_its_end(statement())


def test_every_step_of_a_session_is_one_of_these() -> None:
    steps = {
        name
        for name, method in inspect.getmembers(AsyncSession, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    # `aclose` closes, and `close_all` is of no session.
    assert steps - {"aclose", "close_all"} == set(STEPS)
