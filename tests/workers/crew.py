"""A server of two workers, and how to bring a request to the one that it is not for."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import psutil
from sqlalchemy import Select, select

from api.surfaces.metrics.routes import SNAPSHOT
from gateway.crew import Crew
from gateway.metrics.snapshot import Snapshot
from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.schema import Call
from gateway.stores.telephone import PhoneCall
from tests.e2e.server import Server, running
from tests.workers.carriers import KEY

__all__ = ["READER", "Crewed", "called", "comes", "crewed", "got", "over", "until"]

T = TypeVar("T")
READER = Crew(0, 2)
"""Reads the home in an id."""
HANDED = "parley_requests_handed_over"


@dataclass
class Crewed:
    server: Server
    database: str
    """Its URL."""

    @property
    def url(self) -> str:
        return self.server.url

    def pid(self, number: int) -> int:
        """Of the worker's process that lives now."""
        for child in psutil.Process(self.server.process.pid).children():
            line = child.cmdline()
            if "--seat" in line and json.loads(line[line.index("--seat") + 1])["number"] == number:
                return child.pid
        raise LookupError(number)

    async def session_of(self, carrier_call: str) -> str:
        """Of a carrier's call, once it is written down."""
        return await self._session(
            select(PhoneCall.session_id).where(PhoneCall.carrier_call == carrier_call)
        )

    async def session_of_call(self, call_id: str) -> str:
        return await self._session(select(Call.session_id).where(Call.id == call_id))

    async def _session(self, query: Select[str]) -> str:
        found: list[str] = []

        async def written() -> bool:
            async with Database.open(self.database) as database, database.reading(EVERY_TENANT) as db:
                found[:] = await db.scalars(query)
            return bool(found)

        assert await comes(written)
        [session_id] = found
        return session_id

    async def endings(self) -> dict[str, str | None]:
        """Call → why it ended; None while it is live."""
        async with Database.open(self.database) as database, database.reading(EVERY_TENANT) as db:
            return {row.id: row.reason for row in await db.execute(select(Call.id, Call.reason))}

    async def calls_in(self, session_id: str) -> list[str]:
        """The ids of a session's calls."""
        return [call_id for call_id, _ in await self._calls_in(session_id)]

    async def reasons_in(self, session_id: str) -> list[str | None]:
        """Why each of a session's calls ended; None: it has not."""
        return [reason for _, reason in await self._calls_in(session_id)]

    async def _calls_in(self, session_id: str) -> list[tuple[str, str | None]]:
        query = select(Call.id, Call.reason).where(Call.session_id == session_id)
        async with Database.open(self.database) as database, database.reading(EVERY_TENANT) as db:
            return [(row.id, row.reason) for row in await db.execute(query)]

    @asynccontextmanager
    async def away(self, home: int) -> AsyncIterator[None]:
        """The first request of the block comes to the other worker than `home`, which stands still until the other has
        handed it over. Raises TimeoutError when it does not."""
        before = await self.handed(1 - home)
        with self.only(1 - home):
            coming = asyncio.create_task(self._handed_over(home, before))
            try:
                yield
                await coming
            except BaseException:
                # What the block raises is raised as it is.
                coming.cancel()
                raise

    async def _handed_over(self, home: int, before: float) -> None:
        async with asyncio.timeout(30):
            while await self.own(HANDED) == before:  # noqa: ASYNC110 - it is another process's
                await asyncio.sleep(0.05)
        os.kill(self.pid(home), signal.SIGCONT)

    async def wrongly(self, home: int, ask: Callable[[aiohttp.ClientSession], Awaitable[T]]) -> T:
        """What `ask` gets when its request comes to the other worker than `home` first."""
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http,
            self.away(home),
        ):
            return await ask(http)

    @contextmanager
    def only(self, number: int) -> Iterator[None]:
        """Whatever comes is accepted by this worker: the other one stands still."""
        pid = self.pid(1 - number)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    async def handed(self, number: int) -> float:
        """How many requests this worker has handed over."""
        with self.only(number):
            return await self.own(HANDED)

    async def own(self, name: str) -> float:
        """A figure of whichever worker answers."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.url}/metrics", headers={"Accept": SNAPSHOT}) as response,
        ):
            return Snapshot.from_json(json.loads(await response.read())).value(name)


@contextmanager
def crewed(folder: Path, **settings: str) -> Iterator[Crewed]:
    """Two workers, and a model that answers with a tone and calls tools (`tests.workers.model`)."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    model = subprocess.Popen([sys.executable, "-m", "tests.workers.model", "--port", str(port)])
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        wanted = {
            "PARLEY_WORKERS": "2",
            "PARLEY_PROVIDERS": "upstream",
            "PARLEY_UPSTREAM_URL": f"ws://127.0.0.1:{port}/v1/realtime",
            "PARLEY_UPSTREAM_API_KEY": "mock",
            "PARLEY_API_KEYS": KEY,
        }
        with running(folder, **(wanted | settings)) as server:
            database = settings.get("PARLEY_DATABASE_URL", f"sqlite:///{folder}/data/parley.db")
            yield Crewed(server, database)
    finally:
        model.kill()
        model.wait(timeout=20)


@asynccontextmanager
async def called(two: Crewed, token: str | None = None) -> AsyncIterator[tuple[str, Any]]:
    """A call over WebSocket, wherever it lands: its id and its socket."""
    headers = {"Authorization": f"Bearer {token or KEY}"}
    place = f"{two.url}/v1/realtime" + ("?model=gpt-realtime" if token is None else "")
    async with aiohttp.ClientSession() as http, http.ws_connect(place, headers=headers) as socket:
        call_id = socket._response.headers["Location"].rpartition("/")[2]
        await until(socket, "session.created")
        yield call_id, socket


async def got(http: aiohttp.ClientSession, url: str) -> Any:
    async with http.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def until(socket: Any, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            event: dict[str, Any] = json.loads(await socket.receive_str())
            if event["type"] == kind:
                return event


async def comes(true: Callable[[], Awaitable[bool]]) -> bool:
    """Whether it becomes so within half a minute."""
    for _ in range(300):
        if await true():
            return True
        await asyncio.sleep(0.1)
    return False


async def over(socket: aiohttp.ClientWebSocketResponse) -> None:
    async with asyncio.timeout(60):
        while (await socket.receive()).type not in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.ERROR,
        ):
            pass
