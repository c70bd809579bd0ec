"""`GET /v1/realtime`: which handshakes become a call or a sideband, and which are refused, and how."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from api.limits import Rate
from gateway.config import Settings
from gateway.errors import LEFT
from tests.api.house import House, house, refused, secret

pytestmark = pytest.mark.contract

KEYS = Settings.model_validate({"api_keys": ("sk-ours", "acme:sk-acme")})
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
MODEL = "?model=gpt-realtime"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@asynccontextmanager
async def connected(
    api: House, query: str = MODEL, *, key: str | None = "sk-ours", protocols: tuple[str, ...] = ()
) -> AsyncIterator[ClientWebSocketResponse]:
    headers = bearer(key) if key is not None else {}
    path = f"/v1/realtime{query}"
    async with api.client.ws_connect(path, headers=headers, protocols=protocols) as socket:
        yield socket


async def turned_away(
    api: House, status: int, code: str, query: str = MODEL, *, key: str | None = "sk-ours", **headers: str
) -> str:
    """The sentence of a handshake that is refused before the upgrade."""
    sent = {**HANDSHAKE, **(bearer(key) if key is not None else {}), **headers}
    async with api.client.get(f"/v1/realtime{query}", headers=sent) as response:
        assert ("Access-Control-Allow-Origin" in response.headers) == ("Origin" in headers)
        return await refused(api, response, status, code)


async def ended(api: House, count: int = 1) -> None:
    """Until so many calls are over."""
    async with asyncio.timeout(5):
        while len(api.supervisor.ended) < count:  # noqa: ASYNC110 - the server's side of a close tells no event
            await asyncio.sleep(0.01)


# ── calls ──


async def test_a_server_key_opens_a_call(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        async with connected(api) as socket:
            await socket.send_str("hello")
            assert await socket.receive_str(timeout=5) == "hello"
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
            assert await socket.receive_str(timeout=5) == "hello"
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
            assert await socket.receive_str(timeout=5) == "hello"
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


# ── refusals ──


async def test_who_is_turned_away(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with house(sqlite_url, settings=KEYS) as api:
        token = await secret(api, "sk-ours", expires_after={"anchor": "created_at", "seconds": 10})
        for key in None, "sk-wrong", "ek_", "ek_" + "A" * 300, token + "A", token[:-1] + "-", "e" * 5000:
            await turned_away(api, 401, "invalid_api_key", key=key)
            if key is not None and "," not in key:
                offered = {"Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{key}"}
                await turned_away(api, 401, "invalid_api_key", key=None, **offered)
        protocols = {"Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{token}"}
        await turned_away(api, 401, "invalid_api_key", key="sk-wrong", **protocols)
        await turned_away(api, 401, "invalid_api_key", key=token, **{"X-Session-Id": "another"})
        api.clock[0] += 10
        await turned_away(api, 401, "invalid_api_key", key=token, Origin="https://anywhere.example")
        await turned_away(api, 401, "invalid_api_key", key=None, **protocols)
        assert token not in caplog.text
        assert "sk-wrong" not in caplog.text
        assert api.sockets == []


async def test_subprotocols_that_this_server_does_not_speak(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with house(sqlite_url, settings=KEYS) as api:
        for offered in "openai-insecure-api-key.sk-ours", "graphql-ws", "realtimes", "Realtime":
            told = await turned_away(
                api, 400, "no_common_subprotocol", key=None, **{"Sec-WebSocket-Protocol": offered}
            )
            assert "'realtime'" in told
        with pytest.raises(WSServerHandshakeError):
            async with connected(api, key=None, protocols=("openai-insecure-api-key.sk-ours",)):
                pass
        assert "sk-ours" not in caplog.text


async def test_the_beta_is_named(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        assert "GA" in await turned_away(api, 400, "beta_not_supported", **{"OpenAI-Beta": "realtime=v1"})
        offered = {"Sec-WebSocket-Protocol": "realtime, openai-beta.realtime-v1"}
        await turned_away(api, 400, "beta_not_supported", **offered)


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("", "missing_required_parameter", "model"),
        ("?model=", "missing_required_parameter", "model"),
        ("?model=gpt-realtime&call_id=rtc_1", "invalid_value", "call_id"),
        ("?intent=transcription", "unsupported_intent", "intent"),
        ("?intent=transcription&model=whisper-1", "unsupported_intent", "intent"),
    ],
)
async def test_queries_that_cannot_be(sqlite_url: str, query: str, code: str, param: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        sent = {**HANDSHAKE, **bearer("sk-ours")}
        async with api.client.get(f"/v1/realtime{query}", headers=sent) as response:
            await refused(api, response, 400, code)
            assert (await response.json())["error"]["param"] == param


async def test_personas_are_for_server_keys_to_choose(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        await turned_away(api, 404, "not_found", f"{MODEL}&persona=nobody")
        for token in await secret(api, "sk-ours"), await api.token():
            await turned_away(api, 403, "server_key_needed", f"{MODEL}&persona=assistant", key=token)


async def test_what_is_no_handshake(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        for method in "GET", "HEAD":
            async with api.client.request(
                method, f"/v1/realtime{MODEL}", headers=bearer("sk-ours")
            ) as response:
                assert response.status == 426
                assert response.headers["Upgrade"] == "websocket"
        response = await api.client.get(f"/v1/realtime{MODEL}")
        assert "WebSocket" in await refused(api, response, 426, "upgrade_required")
        await turned_away(api, 400, "invalid_handshake", **{"Sec-WebSocket-Version": "12"})
        for key in "", "short", "\u00e9" * 24:
            await turned_away(api, 400, "invalid_handshake", **{"Sec-WebSocket-Key": key})
        response = await api.client.post("/v1/realtime", headers=bearer("sk-ours"))
        await refused(api, response, 405, "method_not_allowed")
        assert api.supervisor.begun == []


async def test_a_full_house(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        async with connected(api), connected(api):
            assert "lines" in await turned_away(api, 503, "server_busy")
            async with api.client.get(
                f"/v1/realtime{MODEL}", headers={**HANDSHAKE, **bearer("sk-ours")}
            ) as full:
                assert int(full.headers["Retry-After"]) > 0
        await ended(api, 2)
        api.supervisor.draining = True
        await turned_away(api, 503, "server_busy")


async def test_a_flood_of_handshakes(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS.model_copy(update={"host": "0.0.0.0"})) as api:
        for _ in range(60):
            await turned_away(api, 401, "invalid_api_key", key="sk-wrong")
        await turned_away(api, 429, "rate_limited")
        assert await api.deps.limiter.take(Rate("calls", per_minute=60, burst=60), "127.0.0.1") > 0


async def test_what_follows_a_refusal_on_the_same_connection(sqlite_url: str) -> None:
    """A handshake that was refused leaves no half-upgraded connection behind."""
    async with house(sqlite_url, settings=KEYS) as api:
        for _ in range(3):
            await turned_away(api, 401, "invalid_api_key", key="sk-wrong")
            async with asyncio.timeout(5):
                assert (await api.client.get("/healthz")).status == 200


async def test_without_keys_pages_of_others_open_nothing(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        await turned_away(api, 401, "invalid_api_key", key="anything", Origin="https://evil.example")
        await turned_away(api, 401, "invalid_api_key", key=None, Host="evil.example")
        async with connected(api, key=None):
            assert api.supervisor.begun[0][2].persona.id == "assistant"
        await ended(api)


# ── sidebands ──


async def test_a_sideband_of_a_live_call(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        async with connected(api):
            call_id = api.supervisor.begun[0][0]
            call = api.supervisor.calls[call_id]
            async with connected(api, f"?call_id={call_id}") as sideband:
                assert json.loads(await sideband.receive_str(timeout=5)) == {"type": "hello"}
                await sideband.send_str("to the call")
                assert call.attached == 1
            async with asyncio.timeout(5):
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
                await sideband.receive_str(timeout=5)
                async with asyncio.timeout(5), asyncio.TaskGroup() as group:
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
