"""An application on a socket of this machine, for the tests of the carriers: it does what the test tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

__all__ = ["Handler", "pace", "served", "sockets"]

Handler = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def served(routes: list[web.RouteDef], port: int = 0) -> AsyncIterator[str]:
    """Serve, at a free port by default; gives `http://127.0.0.1:port`."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=1, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def sockets(
    handler: Handler,
    requests: list[web.BaseRequest] | None = None,
    status: int = 101,
    subprotocols: tuple[str, ...] = (),
) -> AsyncIterator[str]:
    """Serve a WebSocket at any path; gives the base of its URL. Another `status` refuses every upgrade."""

    async def upgrade(request: web.Request) -> web.StreamResponse:
        if requests is not None:
            requests.append(request)
        if status != 101:
            return web.Response(status=status)
        socket = web.WebSocketResponse(protocols=subprotocols)
        await socket.prepare(request)
        await handler(socket)
        return socket

    async with served([web.get("/{path:.*}", upgrade)]) as base:
        yield base


async def pace(
    send: Callable[[bytes], Awaitable[None]],
    wire: bytes,
    frame: int,
    lead_s: float = 0.2,
    step_s: float = 0.02,
) -> None:
    """Send `wire` in frames of `frame` bytes that last `step_s`, in real time with a lead: a good application does."""
    clock = asyncio.get_running_loop().time
    began = clock()
    for nth, at in enumerate(range(0, len(wire), frame)):
        await asyncio.sleep(began + nth * step_s - lead_s - clock())
        await send(wire[at : at + frame])
