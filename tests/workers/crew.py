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

from api.surfaces.metrics.routes import SNAPSHOT
from gateway.metrics.snapshot import Snapshot
from tests.e2e.server import Server, running

__all__ = ["Crewed", "called", "crewed", "until"]

T = TypeVar("T")
HANDED = "parley_requests_handed_over"


@dataclass
class Crewed:
    server: Server

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

    async def wrongly(self, home: int, ask: Callable[[aiohttp.ClientSession], Awaitable[T]]) -> T:
        """What `ask` gets when its request comes to the other worker than `home`, which stands still until the other
        has handed it over."""
        pid = self.pid(home)
        before = await self.handed(1 - home)
        os.kill(pid, signal.SIGSTOP)
        try:
            async with aiohttp.ClientSession() as http:
                async with asyncio.TaskGroup() as group:
                    asking = group.create_task(_asked(ask, http))
                    async with asyncio.timeout(20):
                        while await self.own(HANDED) == before:  # noqa: ASYNC110 - it is another process's
                            await asyncio.sleep(0.05)
                    os.kill(pid, signal.SIGCONT)
                return asking.result()
        finally:
            os.kill(pid, signal.SIGCONT)

    async def handed(self, number: int) -> float:
        """How many requests this worker has handed over."""
        pid = self.pid(1 - number)
        os.kill(pid, signal.SIGSTOP)
        try:
            return await self.own(HANDED)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def own(self, name: str) -> float:
        """A figure of whichever worker answers."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.url}/metrics", headers={"Accept": SNAPSHOT}) as response,
        ):
            return Snapshot.from_json(json.loads(await response.read())).value(name)


async def _asked(ask: Callable[[aiohttp.ClientSession], Awaitable[T]], http: aiohttp.ClientSession) -> T:
    return await ask(http)


@contextmanager
def crewed(folder: Path, **settings: str) -> Iterator[Crewed]:
    """Two workers, and a model that answers with a tone."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    model = subprocess.Popen([sys.executable, "-m", "scripts.bench.mock", "--port", str(port)])
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
            "PARLEY_TELEPHONY_OPEN": "1",
        }
        with running(folder, **(wanted | settings)) as server:
            yield Crewed(server)
    finally:
        model.kill()
        model.wait(timeout=20)


@asynccontextmanager
async def called(two: Crewed, token: str | None = None) -> AsyncIterator[tuple[str, Any]]:
    """A call over WebSocket, wherever it lands: its id and its socket."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    place = f"{two.url}/v1/realtime" + ("?model=gpt-realtime" if token is None else "")
    async with aiohttp.ClientSession() as http, http.ws_connect(place, headers=headers) as socket:
        call_id = socket._response.headers["Location"].rpartition("/")[2]
        await until(socket, "session.created")
        yield call_id, socket


async def until(socket: Any, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            event: dict[str, Any] = json.loads(await socket.receive_str())
            if event["type"] == kind:
                return event
