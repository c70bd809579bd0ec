"""Workers whose parent is killed, on a server of their own."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from gateway.errors import DRAINED
from tests.e2e.server import settles
from tests.workers.crew import Crewed, called, crewed, over

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


async def test_workers_end_with_their_parent_and_write_down_their_calls(
    tmp_path: Path, sqlite_url: str
) -> None:
    left: list[psutil.Process] = []
    found: list[Crewed] = []
    with pytest.raises(AssertionError, match="the server stopped with -9"):
        await parent_killed(tmp_path, sqlite_url, left, found)
    assert len(left) >= 2
    assert not any(map(alive, left)), "a worker outlived its parent"
    assert list((await found[0].endings()).values()) == [DRAINED.reason]


async def parent_killed(folder: Path, url: str, left: list[psutil.Process], found: list[Crewed]) -> None:
    """In the midst of a call; `left` gets what it left behind, and `found` the server. Raises AssertionError: a server
    is to stop well."""
    with crewed(folder, PARLEY_DATABASE_URL=url) as two:
        found.append(two)
        async with called(two) as (_, socket):
            left += psutil.Process(two.server.process.pid).children(recursive=True)
            os.kill(two.server.process.pid, signal.SIGKILL)
            await over(socket)
            await asyncio.to_thread(settles, lambda: not any(map(alive, left)), 60)


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
