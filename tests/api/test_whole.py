"""The realtime front of a running server, with the vendor's own client and a real WebRTC peer."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from openai import AsyncOpenAI, NotFoundError
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import RealtimeServerEvent
from websockets.exceptions import InvalidStatus

from tests.api.handshakes import HANDSHAKE
from tests.clients.peer import Caller
from tests.e2e.server import Server, running
from tests.whole.dial import credentials

pytestmark = pytest.mark.integration

KEY, ACME = "sk-5f0c6a1f8f7d4b6a", "sk-91d07c3e2a4b4c58"
LINES = 6


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("front")
    with running(folder, PARLEY_API_KEYS=f"{KEY},acme:{ACME}", PARLEY_MAX_CALLS=str(LINES)) as server:
        yield server


@asynccontextmanager
async def openai(server: Server, key: str = KEY) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(api_key=key, base_url=f"{server.url}/v1", max_retries=0) as client:
        yield client


async def event(connection: AsyncRealtimeConnection, kind: str) -> RealtimeServerEvent:
    """The next event of this type."""
    async with asyncio.timeout(15):
        while True:
            received = await connection.recv()
            assert received.type != "error" or kind == "error", received
            if received.type == kind:
                return received


async def idle(server: Server) -> None:
    """Until no line is in use."""
    async with asyncio.timeout(10), aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{server.url}/readyz") as response:
                told = (await response.json())["details"]["admission"]["message"]
            if told.startswith("0 of"):
                return
            await asyncio.sleep(0.05)


async def refused(client: AsyncOpenAI, call_id: str) -> int:
    """With which status a sideband of the call is refused."""
    with pytest.raises(InvalidStatus) as refusal:
        await client.realtime.connect(call_id=call_id).enter()
    return int(refusal.value.response.status_code)


@asynccontextmanager
async def dialled(client: AsyncOpenAI, **more: Any) -> AsyncIterator[tuple[str, Caller]]:
    """A call over WebRTC that the vendor's client has made: its id, and the peer."""
    caller = Caller()
    try:
        answer = await client.realtime.calls.create(sdp=await caller.offer(), **more)
        assert answer.response.status_code == 201
        await caller.accept(answer.text)
        yield answer.response.headers["location"].rpartition("/")[2], caller
    finally:
        await caller.close()


async def test_a_conversation_over_websocket(server: Server) -> None:
    async with openai(server) as client, client.realtime.connect(model="gpt-realtime") as connection:
        created = await event(connection, "session.created")
        assert created.type == "session.created"
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        await event(connection, "session.updated")
        said: Any = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Hello"}],
        }
        await connection.conversation.item.create(item=said)
        await connection.response.create()
        done = await event(connection, "response.done")
        assert done.type == "response.done"
        assert done.response.status == "completed"
    await idle(server)


async def test_a_client_secret_carries_its_session(server: Server) -> None:
    session: Any = {
        "type": "realtime",
        "instructions": "Be brief.",
        "audio": {"output": {"voice": "cedar"}},
    }
    async with openai(server) as client:
        made = await client.realtime.client_secrets.create(session=session)
    async with openai(server, made.value) as client, AsyncExitStack() as stack:
        ids = set()
        for _ in range(2):
            connection = await stack.enter_async_context(client.realtime.connect(model="gpt-realtime"))
            created = (await event(connection, "session.created")).to_dict()
            told: Any = created["session"]
            assert told["instructions"] == "Be brief."
            assert told["audio"]["output"]["voice"] == "cedar"
            ids.add(told["id"])
        assert len(ids) == 2
    await idle(server)


async def test_a_call_over_webrtc_with_a_sideband_and_its_end(server: Server) -> None:
    session: Any = {"type": "realtime", "instructions": "Be brief.", "max_output_tokens": 99}
    async with openai(server) as client, dialled(client, session=session) as (call_id, caller):
        async with asyncio.timeout(15):
            first = json.loads(await caller.messages.get())
        assert first["type"] == "session.created"
        assert (first["session"]["instructions"], first["session"]["max_output_tokens"]) == (
            "Be brief.",
            99,
        )
        async with client.realtime.connect(call_id=call_id) as sideband:
            await event(sideband, "session.created")
            await sideband.response.create()
            started = await event(sideband, "output_audio_buffer.started")
            assert started.type == "output_audio_buffer.started"
            await client.realtime.calls.hangup(call_id)
            async with asyncio.timeout(15):
                kinds = [received.type async for received in sideband]
            assert "response.output_audio.delta" not in kinds
    await idle(server)
    async with openai(server) as client:
        with pytest.raises(NotFoundError):
            await client.realtime.calls.hangup(call_id)
        assert await refused(client, call_id) == 404


async def test_a_sideband_of_a_call_over_websocket(server: Server) -> None:
    async with openai(server) as client, client.realtime.connect(model="any") as connection:
        await event(connection, "session.created")
        answer = connection._connection.response
        assert answer is not None
        call_id = answer.headers["Location"].removeprefix("/v1/realtime/calls/")
        async with client.realtime.connect(call_id=call_id) as sideband:
            await event(sideband, "session.created")
            await sideband.session.update(session={"type": "realtime", "output_modalities": ["text"]})
            await sideband.response.create()
            said = await event(connection, "response.done")
            assert await event(sideband, "response.done") == said
            await client.realtime.calls.hangup(call_id)
            async with asyncio.timeout(15):
                assert [received async for received in connection if received.type == "error"] == []
    await idle(server)


async def test_the_offer_alone(server: Server) -> None:
    async with openai(server) as client, dialled(client) as (call_id, caller):
        async with asyncio.timeout(15):
            assert json.loads(await caller.messages.get())["type"] == "session.created"
        await client.realtime.calls.hangup(call_id)
    await idle(server)


async def test_nothing_of_one_tenant_reaches_another(server: Server) -> None:
    async with openai(server) as ours, openai(server, ACME) as acme, dialled(ours) as (call_id, _):
        secret = (await acme.realtime.client_secrets.create()).value
        async with openai(server, secret) as theirs:
            for client in acme, theirs:
                with pytest.raises(NotFoundError):
                    await client.realtime.calls.hangup(call_id)
            assert [await refused(client, call_id) for client in (acme, theirs)] == [404, 403]
        await ours.realtime.calls.hangup(call_id)
    await idle(server)


async def test_a_token_of_a_persona_has_one_call_at_a_time(server: Server) -> None:
    async with aiohttp.ClientSession() as http:
        granted = await credentials(http, server.url, "dental_reception")
        headers = {"Authorization": f"Bearer {granted['token']}"}
        async with http.ws_connect(granted["wsUrl"], headers=headers) as socket:
            created = await socket.receive_json(timeout=10)
            assert created["type"] == "session.created"
            assert created["session"]["tools"] == []
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(granted["wsUrl"], headers=headers)
            assert refused.value.status == 409
        await idle(server)
        protocols = ("realtime", f"openai-insecure-api-key.{granted['token']}")
        async with http.ws_connect(granted["wsUrl"], protocols=protocols) as socket:
            assert socket.protocol == "realtime"
            assert (await socket.receive_json(timeout=10))["type"] == "session.created"
    await idle(server)


async def test_a_flood_of_connections_leaves_nothing(server: Server) -> None:
    url, headers = f"{server.url}/v1/realtime?model=any", {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession() as http:
        opened: list[aiohttp.ClientWebSocketResponse] = []
        full: list[int] = []

        async def connect() -> None:
            try:
                opened.append(await http.ws_connect(url, headers=headers))
            except aiohttp.WSServerHandshakeError as refused:
                full.append(refused.status)

        async with asyncio.TaskGroup() as group:
            for _ in range(5 * LINES):
                group.create_task(connect())
        assert len(opened) == LINES
        assert full == [503] * 4 * LINES
        for number, socket in enumerate(opened):
            if number % 2:
                await socket.close()
            else:
                assert socket._response.connection is not None
                assert socket._response.connection.transport is not None
                socket._response.connection.transport.abort()
        await idle(server)


async def test_a_client_that_does_not_read_is_let_go(server: Server) -> None:
    """It asks for much and takes nothing."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    head = {**HANDSHAKE, "Host": host, "Authorization": f"Bearer {KEY}"}
    handshake = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    handshake = f"GET /v1/realtime?model=any HTTP/1.1\r\n{handshake}\r\n"
    writer.write(handshake.encode())
    assert b"101" in await reader.readline()
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x" * 1_000_000}]}
    text = json.dumps({"type": "conversation.item.create", "item": said}).encode()
    frame = b"\x81\xff" + len(text).to_bytes(8, "big") + bytes(4) + text

    async def send_on() -> None:
        while True:
            writer.write(frame)
            await writer.drain()

    try:
        async with asyncio.timeout(30):
            with pytest.raises(ConnectionError):
                await send_on()
        await idle(server)
    finally:
        writer.close()


async def test_secrets_are_not_in_the_log(server: Server) -> None:
    written = server.written()
    assert "call ended" in written
    for word in KEY, ACME, "ek_", "Traceback":
        assert word not in written


async def test_a_stop_tells_the_clients_to_come_again(tmp_path: Path) -> None:
    with running(tmp_path, PARLEY_API_KEYS=KEY, PARLEY_DRAIN_S="0.5") as server:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"{server.url}/v1/realtime?model=any", headers=headers) as socket,
        ):
            assert (await socket.receive_json(timeout=10))["type"] == "session.created"
            server.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
            assert (message.type, socket.close_code) == (aiohttp.WSMsgType.CLOSE, 1001)
            assert await asyncio.to_thread(server.process.wait, 10) == 0
