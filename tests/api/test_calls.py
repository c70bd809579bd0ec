"""`POST /v1/realtime/calls`: who may call, what is answered, and what is left when it fails."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import replace

import pytest

from gateway.config import Settings
from gateway.errors import NEVER_CONNECTED, LegError
from tests.api.house import ANSWER, OFFER, FakeLeg, House, checked, house, refused

pytestmark = pytest.mark.contract

SDP = {"Content-Type": "application/sdp"}


async def call(api: House, token: str | None, offer: str | bytes = OFFER, **headers: str):  # type: ignore[no-untyped-def]
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return await api.client.post("/v1/realtime/calls", data=offer, headers={**SDP, **headers})


async def test_a_call_is_answered(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        token = await api.token(personaId="dental_reception")
        response = await call(api, token, Origin="https://anywhere.example")
        assert response.status == 201
        assert response.content_type == "application/sdp"
        assert await response.text() == ANSWER
        assert re.fullmatch(r"/v1/realtime/calls/rtc_[0-9a-f]+", response.headers["Location"])
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers
        exposed = response.headers["Access-Control-Expose-Headers"]
        assert all(name in exposed for name in ("Location", "X-Session-Id", "X-Session-Access"))

        [(call_id, leg, request)] = api.supervisor.begun
        assert response.headers["Location"].endswith(call_id)
        assert leg is api.legs[0]
        assert request.persona.id == "dental_reception"
        assert request.tenant == "default-practice"
        session = response.headers["X-Session-Id"]
        assert request.session_id == session
        key = {"X-Session-Access": response.headers["X-Session-Access"]}
        await checked(
            await api.client.get(f"/api/sessions/{session}", headers=key),
            "GET /api/sessions/{id}",
            status=200,
        )


async def test_a_session_that_was_opened_before(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        session, key = await api.session()
        response = await call(api, await api.token(sessionId=session))
        assert response.headers["X-Session-Id"] == session
        assert "X-Session-Access" not in response.headers, "knowing the id is not knowing the key"
        api.supervisor.reserved.clear()
        minted = await api.client.post(
            "/api/realtime/credentials", json={"sessionId": session}, headers={"X-Session-Access": key}
        )
        response = await call(api, (await minted.json())["token"])
        assert response.headers["X-Session-Access"] == key


async def test_a_server_key_gets_the_assistant(sqlite_url: str) -> None:
    settings = Settings.model_validate({"api_keys": ("sk-first", "sk-second")})
    async with house(sqlite_url, settings=settings) as api:
        response = await call(api, "sk-second")
        assert response.status == 201
        assert "X-Session-Access" in response.headers
        assert api.supervisor.begun[0][2].persona.id == "assistant"


async def test_who_may_not_call(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.model_validate({"api_keys": ("sk-right",)})
    caplog.set_level(logging.INFO)
    async with house(sqlite_url, settings=settings) as api:
        token = await api.token()
        for credential in None, "sk-wrong", "ek_", "ek_" + "A" * 300, token[:-2], token + "A", "x" * 5000:
            await refused(api, await call(api, credential), 401, "invalid_api_key")
        response = await call(api, token, **{"X-Session-Id": "another"})
        await refused(api, response, 401, "invalid_api_key")
        api.clock[0] += 600
        response = await call(api, token)
        await refused(api, response, 401, "invalid_api_key")
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert [r.message for r in caplog.records if "token" in r.message][-2:] == [
            "refused: token other-session",
            "refused: token expired",
        ]
        assert token not in caplog.text
        assert api.legs == []


async def test_a_token_outlives_no_session(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        session, _ = await api.session()
        api.clock[0] += 24 * 3600 - 60
        token = await api.token(sessionId=session)
        api.clock[0] += 61
        await refused(api, await call(api, token), 401, "invalid_api_key")


async def test_offers_that_cannot_be_taken(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        token = await api.token()
        for offer in "", "nonsense", b"\xff\xfe\x00", '{"sdp": "v=0"}':
            await refused(api, await call(api, token, offer), 400, "invalid_offer")
        assert api.legs == []
        sentence = await refused(api, await call(api, token, OFFER + "a=refuse\r\n"), 400, "invalid_offer")
        assert sentence == "The offer has no audio."
        assert [leg.closed for leg in api.legs] == [NEVER_CONNECTED]
        await refused(api, await call(api, token, "v=0" + " " * 65_536), 413, "payload_too_large")
        for kind in "application/json", "text/plain":
            response = await call(api, token, **{"Content-Type": kind})
            await refused(api, response, 415, "unsupported_media_type")


async def test_a_fault_in_the_leg_leaves_nothing(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    def broken(call_id: str) -> FakeLeg:
        return FakeLeg(call_id, fault=RuntimeError("our bug"))

    async with house(sqlite_url, make_leg=broken) as api:
        message = await refused(api, await call(api, await api.token()), 500, "internal_error")
        assert "our bug" not in message
        assert api.legs[0].closed == NEVER_CONNECTED
    assert "RuntimeError at api/house.py" in caplog.text
    assert "our bug" not in caplog.text


async def test_a_server_without_an_address_says_so(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    sentence = "no address could be offered; check PARLEY_ICE_ADDRESSES"

    def nowhere(call_id: str) -> FakeLeg:
        return FakeLeg(call_id, fault=LegError(sentence))

    async with house(sqlite_url, make_leg=nowhere) as api:
        response = await call(api, await api.token())
        assert await refused(api, response, 503, "service_unavailable") == sentence
        assert (await response.json())["error"]["type"] == "server_error"
        assert api.legs[0].closed == NEVER_CONNECTED
        assert api.supervisor.begun == []
    assert sentence in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_client_that_goes_away_leaves_nothing(sqlite_url: str) -> None:
    waiting, closed = asyncio.Event(), asyncio.Event()

    class SlowLeg(FakeLeg):
        async def answer(self, offer: str) -> str:
            waiting.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def close(self, ending: object) -> None:
            closed.set()

    async with house(sqlite_url, make_leg=SlowLeg) as api:
        token = await api.token()
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(call(api, token))
            await waiting.wait()
            asking.cancel()
        async with asyncio.timeout(20):
            await closed.wait()
            while api.supervisor.reserved:  # noqa: ASYNC110 - given back a step after the leg is closed
                await asyncio.sleep(0)


async def test_one_call_at_a_time_and_a_full_house(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        token = await api.token()
        assert (await call(api, token)).status == 201
        response = await call(api, token)
        assert response.status == 409
        assert (await response.json())["error"]["code"] == "session_busy"
        assert (await call(api, await api.token())).status == 201
        response = await call(api, await api.token())
        assert response.status == 503
        assert (await response.json())["error"]["code"] == "server_busy"
        assert int(response.headers["Retry-After"]) > 0
        assert len(api.legs) == 2


async def test_unknown_paths_and_methods_in_this_fronts_envelope(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        await refused(api, await api.client.get("/v1/realtime/nothing"), 404, "not_found")
        await refused(api, await api.client.put("/v1/realtime/calls"), 405, "method_not_allowed")


async def test_calls_are_rate_limited_in_the_open(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=Settings(host="0.0.0.0")) as api:
        statuses = [(await call(api, "wrong")).status for _ in range(65)]
        assert statuses[:60] == [401] * 60
        response = await call(api, "wrong")
        await refused(api, response, 429, "rate_limited")


async def test_a_call_keeps_its_persona_when_the_catalog_changes(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        token = await api.token(personaId="dental_reception")
        await call(api, token)
        catalogs = api.deps.catalogs
        begun = catalogs.personas["dental_reception"]
        changed = begun.model_copy(update={"greeting": "Good evening."})
        catalogs.replace(replace(catalogs.current, personas={**catalogs.personas, changed.id: changed}))
        api.supervisor.reserved.clear()
        assert (await call(api, token)).status == 201
        first, second = [request.persona for _id, _leg, request in api.supervisor.begun]
        assert first.greeting == begun.greeting
        assert second.greeting == "Good evening."
        [live, later] = api.supervisor.calls.values()
        assert (live.plan.persona, later.plan.persona) == (first, second)


async def test_a_persona_that_is_gone_takes_no_more_calls(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        token = await api.token(personaId="dental_reception")
        catalogs = api.deps.catalogs
        left = {name: one for name, one in catalogs.personas.items() if name != "dental_reception"}
        catalogs.replace(replace(catalogs.current, personas=left))
        await refused(api, await call(api, token), 401, "invalid_api_key")
