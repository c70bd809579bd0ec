"""Opening a session with real servers that refuse, stall and hang up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from gateway import connector
from gateway.connector import Endpoint, open_session
from gateway.errors import ModelError, ModelRefused, ModelUnavailable
from gateway.realtime import server_events as say
from tests.providers.server import serving
from tests.providers.talking import SESSION, fault_of, receive, send, server

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ModelRefused),
        (401, ModelRefused),
        (403, ModelRefused),
        (404, ModelRefused),
        (429, ModelUnavailable),
        (500, ModelUnavailable),
        (503, ModelUnavailable),
    ],
)
async def test_what_a_server_answers_before_the_upgrade(status: int, kind: type[ModelError]) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "sk-secret"}}, status=status)

    app = web.Application()
    app.router.add_get("/v1/realtime", refuse)
    async with serving(app) as address:
        assert type(await fault_of(Endpoint("testing", f"ws://{address}/v1/realtime"))) is kind


async def test_nobody_there(unused_tcp_port: int) -> None:
    assert isinstance(
        await fault_of(Endpoint("testing", f"ws://127.0.0.1:{unused_tcp_port}")), ModelUnavailable
    )
    assert isinstance(await fault_of(Endpoint("testing", "http://127.0.0.1")), ModelRefused)


async def test_an_error_instead_of_the_session_is_a_refusal() -> None:
    async def at_once(socket: web.WebSocketResponse) -> None:
        await send(socket, say.error("Bad key sk-secret", code="invalid_api_key"))
        await socket.receive()

    async def on_update(socket: web.WebSocketResponse) -> None:
        await send(socket, say.session_created(SESSION))
        update = await receive(socket)
        # An error about something else is not about the session.
        await send(socket, say.error("x", event_id="other"))
        await send(
            socket, say.error("x", code="invalid_value", param="session.x", event_id=update["event_id"])
        )
        await socket.receive()

    for talk in (at_once, on_update):
        async with server(talk) as endpoint:
            assert isinstance(await fault_of(endpoint), ModelRefused)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "rate_limit_exceeded"}, ModelUnavailable),
        ({"kind": "server_error"}, ModelUnavailable),
        ({"code": "session_expired"}, ModelUnavailable),
        ({"code": "insufficient_quota"}, ModelRefused),
        ({"code": "unknown_parameter", "param": "session.instructions"}, ModelRefused),
        (
            {"code": "unknown_parameter", "param": "session.audio.input.turn_detection.create_response"},
            ModelRefused,
        ),
    ],
)
async def test_which_errors_are_worth_another_try(error: dict[str, Any], kind: type[ModelError]) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await send(socket, say.session_created(SESSION))
        await receive(socket)
        await send(socket, say.error("x", **error))
        await socket.receive()

    async with server(talk) as endpoint:
        fault = await fault_of(endpoint)
    assert type(fault) is kind
    if "param" in error:
        assert error["param"] in str(fault)


async def test_a_field_that_the_server_does_not_know_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    told: list[dict[str, Any]] = []
    later = asyncio.Event()

    async def talk(socket: web.WebSocketResponse) -> None:
        await send(socket, say.session_created(SESSION))
        for param in ("session.audio.output.speed", "session.tracing", None):
            told.append(await receive(socket))
            if param:
                await send(socket, say.error("x", code="unknown_parameter", param=param))
        await send(socket, say.session_updated(SESSION))
        told.append(await receive(socket))
        later.set()
        await socket.receive()

    session = {"type": "realtime", "tracing": "auto", "audio": {"output": {"voice": "ash", "speed": 1.0}}}
    async with server(talk) as endpoint, open_session(endpoint, session) as wire:
        wire.send({"type": "session.update", "session": {"audio": {"output": {"speed": 1.1}}}})
        async with asyncio.timeout(20):
            await later.wait()
    assert session["tracing"] == "auto"
    assert [update["session"] for update in told[1:]] == [
        {"type": "realtime", "tracing": "auto", "audio": {"output": {"voice": "ash"}}},
        {"type": "realtime", "audio": {"output": {"voice": "ash"}}},
        {"type": "realtime", "audio": {"output": {}}},
    ]
    assert "does not know session.tracing" in caplog.text


async def test_a_server_that_knows_nothing_of_the_session_refuses_it() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await send(socket, say.session_created(SESSION))
        while True:
            await receive(socket)
            await send(socket, say.error("x", code="unknown_parameter", param="session.tracing"))

    async with server(talk) as endpoint:
        assert isinstance(await fault_of(endpoint), ModelRefused)


async def test_a_redirect_is_not_followed() -> None:
    """It could lead the key to another host."""
    asked: list[web.Request] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(status=500)

    other = web.Application()
    other.router.add_get("/v1/realtime", elsewhere)
    async with serving(other) as address:

        async def redirect(_: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(f"ws://{address}/v1/realtime")

        app = web.Application()
        app.router.add_get("/v1/realtime", redirect)
        async with serving(app) as first:
            fault = await fault_of(
                Endpoint("testing", f"ws://{first}/v1/realtime", {"api-key": "sk-secret"})
            )
    assert isinstance(fault, ModelUnavailable)
    assert asked == []


def test_an_endpoint_shows_no_secret() -> None:
    endpoint = Endpoint("testing", "wss://host/?api-key=sk-secret", {"api-key": "sk-secret"}, "m")
    assert "sk-secret" not in repr(endpoint)


async def test_a_server_that_says_nothing_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "CONNECT_S", 0.1)

    async def silent(socket: web.WebSocketResponse) -> None:
        await socket.receive()

    async with server(silent) as endpoint:
        assert isinstance(await fault_of(endpoint), ModelUnavailable)


async def test_a_server_that_hangs_up_at_once_is_unavailable() -> None:
    async def rude(socket: web.WebSocketResponse) -> None:
        await socket.close()

    async with server(rude) as endpoint:
        assert isinstance(await fault_of(endpoint), ModelUnavailable)
