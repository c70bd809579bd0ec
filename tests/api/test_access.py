"""Who may read a session: its key, and a server key of its tenant, for the sessions of phone calls too."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from gateway.config import Settings
from gateway.ports import CallRecord
from tests.api.house import checked, house

pytestmark = pytest.mark.integration

KEYS = Settings(api_keys=(SecretStr("k-default"), SecretStr("acme:k-acme")))


@pytest.mark.parametrize("what", ["", "/cost", "/state", "/channel-events"])
async def test_a_server_key_reads_the_sessions_of_its_tenant(sqlite_url: str, what: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        ours, key = await api.session()
        theirs, _ = await api.session(tenantId="acme")

        async def read(session_id: str, status: int, **headers: str) -> None:
            response = await api.client.get(f"/api/sessions/{session_id}{what}", headers=headers)
            await checked(response, f"GET /api/sessions/{{id}}{what}", status=status)

        await read(ours, 200, Authorization="Bearer k-default")
        await read(theirs, 200, Authorization="Bearer k-acme")
        await read(theirs, 401, Authorization="Bearer k-default")
        await read(ours, 401, Authorization="Bearer k-acme")
        await read(ours, 401, Authorization="Bearer wrong")
        await read(ours, 401)
        await read(ours, 200, **{"Authorization": "Bearer of a proxy", "X-Session-Access": key})
        await read("00000000-0000-4000-8000-000000000000", 404, Authorization="Bearer k-default")


async def test_a_server_key_finds_the_session_of_a_call(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        session_id, key = await api.session()
        call_id = "rtc_1"
        await api.store.begin_call(
            CallRecord(call_id, session_id, "default-practice", "dental_reception", "twilio", "openai", 0.0)
        )
        path = f"/api/sessions/{call_id}"
        headers = {"Authorization": "Bearer k-default"}
        found = await checked(
            await api.client.get(path, headers=headers), "GET /api/sessions/{id}", status=200
        )
        assert found["id"] == session_id
        async with api.client.get(f"{path}/recording", headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]) == (404, "not_found")
        for refused in (
            {"Authorization": "Bearer k-acme"},
            {"X-Session-Access": key},
            {},
        ):
            async with api.client.get(path, headers=refused) as answer:
                assert answer.status == 404
        async with api.client.get(f"/api/realtime/sessions/{call_id}", headers=headers) as answer:
            assert answer.status == 404, "this one asks for no key"


async def test_a_tenant_with_a_key_of_its_own_is_opened_with_it(sqlite_url: str) -> None:
    """Whoever could open sessions of a tenant would run its tools."""
    runtime = {
        "personaId": "dental_reception", "personaName": "Nora", "locale": "en-US",
        "transportMode": "BROWSER_REALTIME",
    }  # fmt: skip
    async with house(sqlite_url, settings=KEYS) as api:
        for path, body, made in (
            ("/api/sessions", {"scenarioId": "x"}, 201),
            ("/api/realtime/sessions", runtime, 200),
        ):
            for key, status in ((None, 401), ("k-default", 401), ("guessed", 401), ("k-acme", made)):
                headers = {} if key is None else {"Authorization": f"Bearer {key}"}
                answer = await api.client.post(path, json={**body, "tenantId": "acme"}, headers=headers)
                assert answer.status == status, (path, key, await answer.text())


async def test_a_session_belongs_to_whom_it_names_else_to_whose_key_opens_it(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        for named, key, tenant in (
            ({}, None, "default-practice"),
            ({}, "k-acme", "acme"),
            ({}, "k-default", "default-practice"),
            ({}, "guessed", "default-practice"),
            ({"tenantId": "other"}, "k-acme", "other"),
        ):
            headers = {} if key is None else {"Authorization": f"Bearer {key}"}
            response = await api.client.post(
                "/api/sessions", json={"scenarioId": "x", **named}, headers=headers
            )
            made = await checked(response, "POST /api/sessions", status=201)
            path = f"/api/sessions/{made['sessionId']}"
            read = await api.client.get(path, headers={"X-Session-Access": made["accessKey"]})
            assert (await checked(read, "GET /api/sessions/{id}", status=200))["tenantId"] == tenant
