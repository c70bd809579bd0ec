"""Servers that say what a test tells them, and misbehave in every way a network has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web

from gateway.connector import Endpoint, open_session
from gateway.errors import ModelError
from gateway.realtime import server_events as say
from gateway.realtime.session import default_session
from tests.providers.server import serving

__all__ = ["SESSION", "Talk", "fault_of", "greet", "receive", "send", "server"]

SESSION = default_session(model="m", session_id="sess_1")
Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


async def send(socket: web.WebSocketResponse, *events: dict[str, Any]) -> None:
    for event in events:
        await socket.send_str(orjson.dumps(event).decode())


async def receive(socket: web.WebSocketResponse) -> dict[str, Any]:
    event = orjson.loads(await socket.receive_str())
    assert isinstance(event, dict)
    return event


async def greet(socket: web.WebSocketResponse) -> dict[str, Any]:
    """As a good server does; returns the client's update."""
    await send(socket, say.session_created(SESSION))
    update = await receive(socket)
    await send(socket, say.conversation_created("conv_1"), say.session_updated(SESSION))
    return update


@asynccontextmanager
async def server(talk: Talk, seen: list[web.Request] | None = None) -> AsyncIterator[Endpoint]:
    async def connect(request: web.Request) -> web.StreamResponse:
        if seen is not None:
            seen.append(request)
        socket = web.WebSocketResponse(timeout=0.5)
        await socket.prepare(request)
        await talk(socket)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/v1/realtime", connect)
    async with serving(app) as address:
        yield Endpoint(
            "testing", f"ws://{address}/v1/realtime?model=m", {"Authorization": "Bearer sk-secret"}
        )


async def fault_of(endpoint: Endpoint) -> ModelError:
    with pytest.raises(ModelError) as caught:
        async with open_session(endpoint, {"type": "realtime"}):
            pass
    assert "sk-secret" not in str(caught.value)
    return caught.value
