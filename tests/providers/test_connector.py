"""The connector against real servers that misbehave in every way a network has."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web
from pydantic import SecretStr

from gateway import connector
from gateway.config import Settings
from gateway.connector import Endpoint, open_session, realtime_url
from gateway.errors import ConfigError, ModelError, ModelLost, ModelRefused, ModelUnavailable
from gateway.ports import ModelSpec
from gateway.providers import openai, upstream
from gateway.realtime import server_events as say
from gateway.realtime.session import default_session
from tests.providers.bench import PERSONA, sound
from tests.providers.server import serving

pytestmark = pytest.mark.integration

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


async def test_the_session_is_put_in_force_before_anything_else() -> None:
    told: list[dict[str, Any]] = []
    seen: list[web.Request] = []
    answered = asyncio.Event()

    async def talk(socket: web.WebSocketResponse) -> None:
        told.append(await greet(socket))
        await send(socket, say.response_audio_delta("r", "i", 0, base64.b64encode(b"pcm!").decode()))
        told.append(await receive(socket))
        told.append(await receive(socket))
        answered.set()
        await socket.receive()

    async with server(talk, seen) as endpoint, open_session(endpoint, {"type": "realtime"}) as session:
        event = await anext(aiter(session))
        assert (event["type"], event["delta"]) == ("response.output_audio.delta", b"pcm!")
        session.audio(sound(20))
        session.audio(sound(20))
        session.send({"type": "input_audio_buffer.commit"})
        async with asyncio.timeout(5):
            await answered.wait()
    assert (told[0]["type"], told[0]["session"]) == ("session.update", {"type": "realtime"})
    assert base64.b64decode(told[1]["audio"]) == sound(40)
    assert told[2] == {"type": "input_audio_buffer.commit"}
    assert seen[0].headers["Authorization"] == "Bearer sk-secret"
    assert session.dropped_ms == 0


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


async def lost(talk: Talk) -> str:
    async def meet(socket: web.WebSocketResponse) -> None:
        await greet(socket)
        await talk(socket)

    async def use(endpoint: Endpoint) -> None:
        async with open_session(endpoint, {"type": "realtime"}) as session:
            async for _ in session:
                pass

    async with asyncio.timeout(10), server(meet) as endpoint:
        with pytest.raises(ModelLost) as caught:
            await use(endpoint)
    return str(caught.value)


async def test_a_session_that_breaks_is_lost() -> None:
    async def close(socket: web.WebSocketResponse) -> None:
        await socket.close(code=1001)

    async def reset(socket: web.WebSocketResponse) -> None:
        transport = socket._req.transport if socket._req is not None else None
        assert transport is not None
        transport.abort()

    assert "1001" in await lost(close)
    assert "1006" in await lost(reset)


@pytest.mark.parametrize(
    "message",
    ["{", "[]", "{}", '{"type":5}', '{"type":"response.output_audio.delta"}',
     '{"type":"response.output_audio.delta","delta":5}', '{"type":"response.output_audio.delta","delta":"A"}'],
)  # fmt: skip
async def test_a_server_that_speaks_something_else_is_lost(message: str) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str(message)
        await socket.receive()

    assert "no event" in await lost(talk)


async def test_a_server_that_does_not_read_is_lost() -> None:
    release = asyncio.Event()

    async def deaf(socket: web.WebSocketResponse) -> None:
        await greet(socket)
        await release.wait()

    async def use(endpoint: Endpoint) -> None:
        async with open_session(endpoint, {"type": "realtime"}) as session:
            for _ in range(40):
                session.send({"type": "session.update", "session": {"instructions": "x" * 500_000}})
                session.audio(sound(1000))
                await asyncio.sleep(0)
            async for _ in session:
                pass

    async with asyncio.timeout(10), server(deaf) as endpoint:
        with pytest.raises(ModelLost, match="does not read"):
            await use(endpoint)
        release.set()


async def test_later_errors_are_events_like_any_other() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await greet(socket)
        await send(socket, say.error("later"))
        await socket.receive()

    async with server(talk) as endpoint, open_session(endpoint, {"type": "realtime"}) as session:
        assert (await anext(aiter(session)))["error"]["message"] == "later"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("wss://host", "wss://host/v1/realtime?model=m"),
        ("ws://host:1/", "ws://host:1/v1/realtime?model=m"),
        ("ws://host/v1", "ws://host/v1/realtime?model=m"),
        ("wss://host/openai/v1/realtime", "wss://host/openai/v1/realtime?model=m"),
        ("wss://host/v1/realtime?model=own&persona=x", "wss://host/v1/realtime?model=own&persona=x"),
    ],
)
def test_urls(base: str, url: str) -> None:
    assert realtime_url(base, "m") == url


async def test_the_providers_ask_for_the_model_of_the_settings() -> None:
    seen: list[web.Request] = []

    async def talk(socket: web.WebSocketResponse) -> None:
        await greet(socket)
        await socket.receive()

    async with server(talk, seen) as endpoint:
        base = endpoint.url.partition("/v1")[0]
        settings = Settings(upstream_url=base, openai_model="gpt-x", upstream_api_key=SecretStr("sk-up"))
        vendor = openai.OpenAIModel(url=base, model="gpt-y", api_key="sk-open")
        for model in (upstream.model(settings), vendor):
            async with model.open(ModelSpec("rtc_1", PERSONA, {"type": "realtime"})):
                pass
    assert [(r.query["model"], r.headers["Authorization"]) for r in seen] == [
        ("gpt-x", "Bearer sk-up"),
        ("gpt-y", "Bearer sk-open"),
    ]


def test_a_provider_without_its_setting_says_so() -> None:
    for make in (openai.model, upstream.model):
        with pytest.raises(ConfigError):
            make(Settings())
    keyed = Settings(openai_api_key=SecretStr("sk"), upstream_url="ws://host")
    assert (openai.model(keyed).name, upstream.model(keyed).name) == ("openai", "upstream")
