"""`GET /v1/realtime`: which handshakes are refused before the upgrade, and how."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import WSServerHandshakeError
from multidict import CIMultiDict

from api.limits import Rate
from tests.api.handshakes import HANDSHAKE, KEYS, MODEL, bearer, connected, ended, turned_away
from tests.api.house import house, refused, secret

pytestmark = pytest.mark.contract


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
            async with asyncio.timeout(20):
                assert (await api.client.get("/healthz")).status == 200


async def test_without_keys_pages_of_others_open_nothing(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        await turned_away(api, 401, "invalid_api_key", key="anything", Origin="https://evil.example")
        await turned_away(api, 401, "invalid_api_key", key=None, Host="evil.example")
        async with connected(api, key=None):
            assert api.supervisor.begun[0][2].persona.id == "assistant"
        await ended(api)


async def test_a_key_on_a_line_of_its_own(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Subprotocols may stand on several lines; only the first counts, and no line is logged or sent back."""
    caplog.set_level(logging.DEBUG)
    async with house(sqlite_url, settings=KEYS) as api:
        key = "openai-insecure-api-key.sk-ours"
        for lines, status in (("other", key), 400), ((key, "realtime"), 400), (("realtime", key), 401):
            headers = CIMultiDict(HANDSHAKE)
            for line in lines:
                headers.add("Sec-WebSocket-Protocol", line)
            async with api.client.get(f"/v1/realtime{MODEL}", headers=headers) as response:
                assert response.status == status
                assert "sk-ours" not in await response.text()
        assert "sk-ours" not in caplog.text
