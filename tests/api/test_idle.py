"""Connections that hold on to the server without asking for anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from api import app as served

pytestmark = pytest.mark.integration


@asynccontextmanager
async def listening(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(served, "IDLE_S", 0.3)

    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(0.8)
        return web.Response(text="done")

    app = web.Application()
    app.router.add_get("/", slow)
    runner = served.make_runner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("said", ["", "GET / HTTP/1.1\r\nX: "])
async def test_a_head_that_does_not_end_is_closed(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(monkeypatch) as port, asyncio.timeout(3):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said.encode())
        over = asyncio.ensure_future(reader.read())
        while not over.done():
            if said:
                # A byte now and then is no reason to wait on.
                writer.write(b"a")
            await asyncio.sleep(0.05)
        assert over.exception() is not None or over.result() == b""
        writer.close()


async def test_a_request_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(monkeypatch) as port, asyncio.timeout(3):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.read()).endswith(b"done")
        writer.close()
