"""`kill -9` of the server while it books: after the restart the same request, with the same key, has booked once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import urllib.error
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.databases import fresh_database
from tests.e2e.server import Server, running, settles

pytestmark = pytest.mark.e2e

KEY = "the-caller-said-yes"


def execute(server: Server, tool: str, key: str | None = None, **how: Any) -> Any:
    body = {"toolName": tool, "idempotencyKey": key, **how}
    named = {name: value for name, value in body.items() if value is not None}
    return server.post("/api/tools/execute", json.dumps(named).encode(), Content_Type="application/json")


def one(url: str, query: str) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


class Locked:
    """A table that nobody can write to, until the block is left."""

    def __init__(self, url: str, table: str) -> None:
        self._url, self._table = url, table
        self._held, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._hold()), name="locked")

    async def _hold(self) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            async with connection.transaction():
                await connection.execute(f"LOCK TABLE {self._table} IN SHARE MODE")
                self._held.set()
                await asyncio.to_thread(self._over.wait, 60)
        finally:
            await connection.close()

    def __enter__(self) -> Locked:
        self._thread.start()
        assert self._held.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)


@contextlib.contextmanager
def dies() -> Iterator[None]:
    """The server in this block is killed."""
    with pytest.raises(AssertionError, match="stopped with -9"):
        yield


def begins_to_book(url: str, folder: Path) -> dict[str, Any]:
    """What was asked of a server that was killed in the midst of it."""
    wish: dict[str, Any] = {}

    def book() -> None:
        with contextlib.suppress(urllib.error.URLError, HTTPException, OSError):  # the server is gone
            execute(server, "book_appointment", KEY, **wish)

    def begun() -> bool:
        return bool(one(url, "SELECT count(*) FROM executions WHERE state = 'running'"))

    with dies(), running(folder, PARLEY_DATABASE_URL=url) as server:
        _, session = server.post(
            "/api/sessions", b'{"scenarioId": "dental-appointment"}', Content_Type="application/json"
        )
        wish["sessionId"] = session["sessionId"]
        _, found = execute(server, "find_slots", parameters={"service": "cleaning"}, **wish)
        wish["parameters"] = {
            "service": "cleaning",
            "starts_at": found["result"]["slots"][0]["starts_at"],
            "name": "Jordan Ellis",
            "phone": "555 0100",
        }
        with Locked(url, "appointments"):
            caller = threading.Thread(target=book, name="caller")
            caller.start()
            assert settles(begun, 20), "it has begun, and waits for the table"
            server.process.kill()
            server.process.wait(10)
            caller.join(10)
    return wish


@pytest.mark.timeout(180)
def test_a_server_that_is_killed_while_it_books_has_booked_once(postgres: str, tmp_path: Path) -> None:
    url = fresh_database(postgres)
    wish = begins_to_book(url, tmp_path / "first")
    assert one(url, "SELECT count(*) FROM appointments") == 0
    with running(tmp_path / "second", PARLEY_DATABASE_URL=url) as server:
        status, done = execute(server, "book_appointment", KEY, **wish)
        assert (status, done["success"]) == (200, True), done
        again = execute(server, "book_appointment", KEY, **wish)[1]
        assert (again["idempotentReplay"], again["result"]) == (True, done["result"])
        other = execute(server, "book_appointment", "another key", **wish)[1]
        assert not other["success"], "the time is taken"
    assert one(url, "SELECT count(*) FROM appointments") == 1
