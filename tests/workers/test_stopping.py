"""Several workers are stopped: by their parent's signals, by its death, and what becomes of their calls."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import psutil
import pytest
from sqlalchemy import select

from gateway.errors import DRAINED
from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.schema import Call
from tests.e2e.server import settles
from tests.workers.crew import Crewed, called, crewed, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


async def endings(url: str) -> dict[str, str | None]:
    """Call → why it ended; None while it is live."""
    async with Database.open(url) as database, database.reading(EVERY_TENANT) as db:
        return {row.id: row.reason for row in await db.execute(select(Call.id, Call.reason))}


async def comes(true: Callable[[], Awaitable[bool]]) -> bool:
    """Whether it becomes so within half a minute."""
    for _ in range(150):
        if await true():
            return True
        await asyncio.sleep(0.2)
    return False


def processes(two: Crewed) -> list[psutil.Process]:
    return psutil.Process(two.server.process.pid).children(recursive=True)


async def taken(two: Crewed) -> bool:
    """Whether one more call is; it is over at once."""
    async with aiohttp.ClientSession() as http:
        try:
            socket = await http.ws_connect(f"{two.url}/v1/realtime?model=gpt-realtime")
        except aiohttp.WSServerHandshakeError as refusal:
            if refusal.status == 503:
                return False
            raise
        await socket.close()
        return True


async def over(socket: aiohttp.ClientWebSocketResponse) -> None:
    async with asyncio.timeout(60):
        while (await socket.receive()).type not in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.ERROR,
        ):
            pass


async def test_a_stop_lets_calls_go_on_until_a_second_one(tmp_path: Path, any_database: str) -> None:
    with crewed(tmp_path, PARLEY_DRAIN_S="300", PARLEY_DATABASE_URL=any_database) as two:
        parent = two.server.process
        async with called(two) as (first, one), called(two) as (second, other):
            parent.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(
                settles, lambda: "parley stops: 2 live, for 300 s" in two.server.written(), 30
            )
            for socket in (one, other):
                await socket.send_json({"type": "session.update", "session": {"type": "realtime"}})
                await until(socket, "session.updated")
            # The signal may come to the workers a moment later; then they take no more calls.
            async with asyncio.timeout(30):
                while await taken(two):
                    pass
            await one.close()

            async def hung_up() -> bool:
                return (await endings(any_database))[first] == "hung-up"

            assert await comes(hung_up)
            assert (await endings(any_database))[second] is None
            assert parent.poll() is None
            parent.send_signal(signal.SIGTERM)
            await over(other)
            assert await asyncio.to_thread(settles, lambda: parent.poll() is not None, 60)
        assert parent.returncode == 0, two.server.written()[-2000:]
        assert (await endings(any_database))[second] == DRAINED.reason


async def test_workers_end_with_their_parent_and_write_down_their_calls(
    tmp_path: Path, sqlite_url: str
) -> None:
    left: list[psutil.Process] = []
    with pytest.raises(AssertionError, match="the server stopped with -9"):
        await parent_killed(tmp_path, sqlite_url, left)
    assert len(left) >= 2
    assert not any(map(alive, left)), "a worker outlived its parent"
    assert list((await endings(sqlite_url)).values()) == [DRAINED.reason]


async def parent_killed(folder: Path, url: str, left: list[psutil.Process]) -> None:
    """In the midst of a call; `left` gets what it left behind. Raises AssertionError: a server is to stop well."""
    with crewed(folder, PARLEY_DATABASE_URL=url) as two:
        async with called(two) as (_, socket):
            left += processes(two)
            os.kill(two.server.process.pid, signal.SIGKILL)
            await over(socket)
            await asyncio.to_thread(settles, lambda: not any(map(alive, left)), 60)


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
