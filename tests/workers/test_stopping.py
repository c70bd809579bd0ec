"""Several workers are stopped: by their parent's signals, by its death, and what becomes of their calls."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from pathlib import Path

import aiohttp
import psutil
import pytest

from gateway.errors import DRAINED
from tests.e2e.server import settles
from tests.workers.crew import Crewed, called, crewed, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def endings(folder: Path) -> dict[str, str | None]:
    with sqlite3.connect(folder / "data" / "parley.db") as database:
        return dict(database.execute("SELECT id, reason FROM calls"))


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


async def test_a_stop_lets_calls_go_on_until_a_second_one(tmp_path: Path) -> None:
    with crewed(tmp_path, PARLEY_DRAIN_S="300") as two:
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
            assert await asyncio.to_thread(settles, lambda: endings(tmp_path)[first] == "hung-up", 30)
            assert endings(tmp_path)[second] is None
            assert parent.poll() is None
            parent.send_signal(signal.SIGTERM)
            await over(other)
            assert await asyncio.to_thread(settles, lambda: parent.poll() is not None, 60)
        assert parent.returncode == 0, two.server.written()[-2000:]
        assert endings(tmp_path)[second] == DRAINED.reason


async def test_workers_end_with_their_parent_and_write_down_their_calls(tmp_path: Path) -> None:
    left: list[psutil.Process] = []
    ended: dict[str, str | None] = {}
    with pytest.raises(AssertionError, match="the server stopped with -9"), crewed(tmp_path) as two:  # noqa: PT012 - what ends it comes first
        async with called(two) as (call, socket):
            left = processes(two)
            assert len(left) >= 2
            os.kill(two.server.process.pid, signal.SIGKILL)
            await over(socket)
            await asyncio.to_thread(settles, lambda: not any(map(alive, left)), 60)
            ended = {call: endings(tmp_path)[call]}
    assert not any(map(alive, left)), "a worker outlived its parent"
    assert list(ended.values()) == [DRAINED.reason]


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
