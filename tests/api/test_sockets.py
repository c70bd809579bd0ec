"""`GET /v1/realtime`: which handshakes become a call or a sideband, and how these end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging

import pytest
from aiohttp import WSMsgType

from gateway.errors import LEFT
from tests.api.handshakes import KEYS, MODEL, bearer, connected, ended, turned_away
from tests.api.house import house, secret

pytestmark = pytest.mark.contract

# ── calls ──


async def test_a_server_key_opens_a_call(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        async with connected(api) as socket:
            await socket.send_str("hello")
            assert await socket.receive_str(timeout=20) == "hello"
            assert socket.protocol is None
            (call_id, leg, request) = api.supervisor.begun[0]
            assert leg is api.sockets[0]
            assert (request.persona.id, request.tenant, request.session) == (
                "assistant",
                "default-practice",
                None,
            )
            assert api.supervisor.reserved == {call_id: request.session_id}
        await ended(api)
        assert api.supervisor.ended == [(call_id, LEFT)]


async def test_a_persona_and_a_tenant_of_the_key(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        async with connected(api, f"{MODEL}&persona=dental_reception&unknown=1", key="sk-acme"):
            request = api.supervisor.begun[0][2]
            assert (request.persona.id, request.tenant) == ("dental_reception", "acme")
        await ended(api)


async def test_the_tokens_of_personas(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        session, _ = await api.session(scenarioId="bank-dispute")
        token = await api.token(sessionId=session)
        async with connected(api, "", key=token):
            request = api.supervisor.begun[0][2]
            assert (request.session_id, request.session) == (session, None)
            assert await turned_away(api, 409, "session_busy", "", key=token)
            assert await turned_away(api, 409, "session_busy", MODEL, key=token)
        await ended(api)
        async with connected(api, MODEL, key=token):
            pass
        await ended(api, 2)


async def test_where_the_credentials_say_a_token_connects(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        response = await api.client.post(
            "/api/realtime/credentials", json={"personaId": "dental_reception"}
        )
        granted = await response.json()
        headers = bearer(granted["token"])
        async with api.client.session.ws_connect(granted["wsUrl"], headers=headers) as socket:
            await socket.send_str("hello")
            assert await socket.receive_str(timeout=20) == "hello"
            assert api.supervisor.begun[0][2].persona.id == "dental_reception"


async def test_a_client_secret_opens_a_session_for_each_connection(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        wanted = {"type": "realtime", "instructions": "Be brief."}
        token = await secret(api, "sk-ours", session=wanted)
        async with connected(api, "", key=token), connected(api, MODEL, key=token):
            requests = [begun[2] for begun in api.supervisor.begun]
            assert [request.session for request in requests] == [wanted, wanted]
            assert len({request.session_id for request in requests}) == 2
        await ended(api, 2)


@pytest.mark.parametrize(
    "more", [(), ("openai-agents-sdk.0.20.0",), ("openai-organization.org-1", "openai-project.proj_1")]
)
@pytest.mark.parametrize("first", [True, False])
async def test_a_browser_sends_its_key_as_a_subprotocol(
    sqlite_url: str, first: bool, more: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with house(sqlite_url, settings=KEYS) as api:
        token = await secret(api, "sk-ours")
        key = f"openai-insecure-api-key.{token}"
        protocols = ("realtime", key, *more) if first else (key, *more, "realtime")
        async with connected(api, key=None, protocols=protocols) as socket:
            assert socket.protocol == "realtime"
            echoed = socket._response.raw_headers
            assert not any(token.encode() in value for _, value in echoed)
        await ended(api)
        assert token not in caplog.text


async def test_a_server_key_may_come_as_a_subprotocol_too(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        protocols = ("realtime", "openai-insecure-api-key.sk-acme")
        async with connected(api, key=None, protocols=protocols):
            assert api.supervisor.begun[0][2].tenant == "acme"
        await ended(api)


async def test_compression_may_be_offered(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        path = f"/v1/realtime{MODEL}"
        async with api.client.ws_connect(path, headers=bearer("sk-ours"), compress=15) as socket:
            await socket.send_str("hello")
            assert await socket.receive_str(timeout=20) == "hello"
        await ended(api)


async def test_the_longest_message(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        path = f"/v1/realtime{MODEL}"
        async with api.client.ws_connect(path, headers=bearer("sk-ours"), max_msg_size=0) as socket:
            await socket.send_str("x" * (16 * 1024 * 1024 + 1))
            assert len(await socket.receive_str(timeout=10)) == 16 * 1024 * 1024 + 1
            with contextlib.suppress(ConnectionError):  # the server has hung up before all was sent
                await socket.send_str("x" * (17 * 1024 * 1024))
            message = await socket.receive(timeout=10)
            assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR)
            assert socket.close_code in (1009, 1006)
        await ended(api)


# ── sidebands ──


async def test_a_sideband_of_a_live_call(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        async with connected(api):
            call_id = api.supervisor.begun[0][0]
            call = api.supervisor.calls[call_id]
            async with connected(api, f"?call_id={call_id}") as sideband:
                assert json.loads(await sideband.receive_str(timeout=20)) == {"type": "hello"}
                await sideband.send_str("to the call")
                assert call.attached == 1
            async with asyncio.timeout(20):
                while call.attached:  # noqa: ASYNC110 - detaching tells no event
                    await asyncio.sleep(0.01)
            assert call.received == ["to the call"]
            assert len(api.supervisor.begun) == 1
            assert api.supervisor.ended == []
        await ended(api)


async def test_who_may_not_join_a_call(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        api.supervisor.max_calls = 9
        token = await api.token()
        async with connected(api), connected(api, key=token):
            ours, tokens = (begun[0] for begun in api.supervisor.begun)
            await turned_away(api, 404, "call_id_not_found", "?call_id=rtc_unknown")
            await turned_away(api, 404, "call_id_not_found", f"?call_id={ours}", key="sk-acme")
            for key in token, await secret(api, "sk-ours"), await secret(api, "sk-acme"):
                for call_id in ours, tokens, "rtc_unknown":
                    await turned_away(api, 403, "server_key_needed", f"?call_id={call_id}", key=key)
            api.supervisor.calls[ours].full = True
            await turned_away(api, 503, "server_busy", f"?call_id={ours}")
            assert [call.attached for call in api.supervisor.calls.values()] == [0, 0]
        await ended(api, 2)


# ── the end ──


async def test_the_server_stops(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        async with connected(api) as one, connected(api) as other:
            sideband_of = f"?call_id={api.supervisor.begun[0][0]}"
            async with connected(api, sideband_of) as sideband:
                await sideband.receive_str(timeout=20)
                async with asyncio.timeout(20), asyncio.TaskGroup() as group:
                    closing = [group.create_task(socket.receive()) for socket in (one, other, sideband)]
                    await api.client.server.close()
                assert [task.result().data for task in closing] == [1001, 1001, 1001]
        assert len(api.supervisor.ended) == 2


async def test_a_client_that_vanishes(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        async with connected(api) as socket:
            assert socket._response.connection is not None
            assert socket._response.connection.transport is not None
            socket._response.connection.transport.abort()
            await ended(api)
        assert api.supervisor.reserved == {}
