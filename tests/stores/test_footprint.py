"""What an open database takes is taken at once, and stays."""

from __future__ import annotations

import os
import threading
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text

from gateway.stores.engine import EVERY_TENANT, Database

pytestmark = pytest.mark.integration


async def test_every_sqlite_connection_keeps_few_pages(sqlite_url: str) -> None:
    async with Database.open(sqlite_url) as database, AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(database.reading(EVERY_TENANT)) for _ in range(4)]
        sessions.append(await stack.enter_async_context(database.writing(EVERY_TENANT)))
        assert [await each.scalar(text("PRAGMA cache_size")) for each in sessions] == [-256] * 5


async def test_sqlite_opens_no_thread_and_no_file_later(sqlite_url: str) -> None:
    def held() -> tuple[int, int]:
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    async with Database.open(sqlite_url) as database:
        before = held()
        async with AsyncExitStack() as stack:
            for _ in range(4):
                session = await stack.enter_async_context(database.reading(EVERY_TENANT))
                assert await session.scalar(text("SELECT count(*) FROM sessions")) == 0
            writing = await stack.enter_async_context(database.writing(EVERY_TENANT))
            await writing.execute(text("UPDATE sessions SET scenario = scenario"))
            assert held() == before
        assert held() == before
