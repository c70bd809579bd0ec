"""Every operation of the core contract that is served, asked for once, and who may ask for it.

`house` holds each answer against the contract (`tests/api/contract.py`), so it is enough to have one of each.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from api.late import complete
from tests.api.contract import CONTRACT
from tests.api.handshakes import KEYS
from tests.api.house import House, checked, house

pytestmark = pytest.mark.contract

OURS, ACME = ({"Authorization": f"Bearer {key.secret.get_secret_value()}"} for key in KEYS.server_keys[:2])
PROMISED = (
    "getApiRoot", "getRootLiveness", "getRootReadiness", "getHealth", "getLiveness", "getReadiness",
    "getHealthRealtime", "getPersonas", "getPersonaRuntime", "getVoices", "createRealtimeCredentials",
    "createRealtimeRuntimeSession", "getRealtimeRuntimeSession", "recordRealtimeRuntimeUtterance",
    "recordRealtimeRuntimeStats", "createSession", "getSession", "getSessionCost", "getSessionState",
    "patchSessionState", "getSessionChannelEvents", "postTelephonyWebhook", "getScenarios", "getScenarioBySlug",
    "getAccountingWorkflows", "getHealthcareWorkflows", "getLegalWorkflows", "getTools", "executeTool",
    "cpListToolPolicy", "cpUpdateToolPolicy", "cpListTenantToolOverrides", "cpSetTenantToolOverride",
    "cpGetToolExecution", "cpListSessionToolExecutions", "cpGetScenarios", "cpGetScenarioBySlug",
    "cpListVerticalPacks", "cpListChannels", "cpCreateOutboundSession", "listFastStartProfiles",
    "createFastStartProfile", "getFastStartProfile", "updateFastStartProfile", "getOpenApiDocument",
    "getApiDocsUi", "redirectApiDocs", "redirectApiDocsUi", "getBuildInfo", "getCsrfToken",
)  # fmt: skip
"""What the documentation says is there."""
NEEDS_A_CARRIER = frozenset({"cpCreateOutboundSession"})
"""Asked for with one in tests/telephony/test_dialler.py."""

PROFILE = {
    "companyName": "Hollis Dental", "businessDescription": "Teeth.", "primaryUseCase": "healthcare",
    "personaId": "dental_reception", "greeting": "Hollis, hello.",
}  # fmt: skip
MEDIA = {
    "personaId": "dental_reception", "personaName": "Nora", "locale": "en-US", "transportMode": "BROWSER_REALTIME",
}  # fmt: skip
STATS = {"transportMode": "BROWSER_REALTIME", "uptime": 1, "utteranceCount": 1, "lastActivity": 1}
BODIES: dict[str, Any] = {
    "postTelephonyWebhook": {"callSid": "CA1", "status": "ringing"},
    "createRealtimeCredentials": {"personaId": "dental_reception"},
    "createRealtimeRuntimeSession": MEDIA,
    "recordRealtimeRuntimeUtterance": {"speaker": "caller", "text": "Hello."},
    "createSession": {"scenarioId": "dental-appointment"},
    "patchSessionState": {"completedStep": "name"},
    "executeTool": {"toolName": "weather", "parameters": {"city": "Oslo"}},
    "cpUpdateToolPolicy": {"category": "sample"},
    "cpSetTenantToolOverride": {"enabled": True},
    "createFastStartProfile": PROFILE,
    "updateFastStartProfile": {"greeting": "Good day."},
}


async def served(api: House) -> dict[str, tuple[str, str]]:
    """Method and path of the contract, by operation."""
    document = await (await api.client.get("/api/openapi.json")).json()
    return {
        operation["operationId"]: (method.upper(), path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


async def test_every_operation_answers_as_the_contract_says(any_database: str) -> None:
    async with house(any_database, settings=KEYS) as api:
        operations = await served(api)
        assert set(operations) == set(PROMISED)
        session_id, key = await api.session(scenarioId="dental-appointment")
        made = await api.client.post("/api/cp/onboarding/fast-start", json=PROFILE, headers=OURS)
        ran = await api.client.post("/api/tools/execute", json=BODIES["executeTool"], headers=OURS)
        values = {
            "personaId": "dental_reception", "sessionId": session_id, "id": session_id,
            "profileId": (await made.json())["item"]["id"], "tenantId": "default-practice",
            "toolId": "weather", "executionId": (await ran.json())["executionId"],
        }  # fmt: skip
        values["slug"] = next(
            slug for slug, one in api.deps.catalogs.current.scenarios.items() if one.public
        )
        queries = {"getTools": {"personaId": "dental_reception"}}
        bodies = BODIES | {"recordRealtimeRuntimeStats": STATS | {"sessionId": session_id}}
        for name, (method, path) in operations.items():
            if name in NEEDS_A_CARRIER:
                continue
            headers = OURS if "/cp/" in path or name == "executeTool" else {"X-Session-Access": key}
            asked = re.sub(r"\{([^}]*)\}", lambda found: values[found[1]], path)
            answer = await api.client.request(
                method, asked, params=queries.get(name), json=bodies.get(name), headers=headers, allow_redirects=False,
            )  # fmt: skip
            declared = CONTRACT["paths"][path][method.lower()]["responses"]
            assert str(answer.status) in declared, (name, answer.status, await answer.text())
            assert answer.status < 400, (name, await answer.text())


async def test_what_is_told_of_a_session_is_for_who_holds_it(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        (mine, key), (_, other) = await api.session(), await api.session()
        operations = {
            name: (method, path)
            for name, (method, path) in (await served(api)).items()
            if path.startswith("/api/sessions/{id}")
        }
        assert len(operations) >= 5
        body = {"completedStep": "name"}

        async def ask(name: str, session: str, status: int, **headers: str) -> None:
            method, path = operations[name]
            named = {header.replace("_", "-"): value for header, value in headers.items()}
            json = body if method == "PATCH" else None
            answer = await api.client.request(
                method, path.replace("{id}", session), json=json, headers=named
            )
            await checked(answer, f"{method} {path}", status=status)

        for name, (method, _path) in operations.items():
            cookie = f"session_access={key}"
            csrf = await (await api.client.get("/api/csrf", headers={"Cookie": cookie})).json()
            for status, headers in (
                (200, {"X_Session_Access": key}),
                (200, {"Cookie": cookie, "X_CSRF_Token": csrf["csrfToken"]}),
                (200, OURS),
                (401, {}),
                (401, {"X_Session_Access": "wrong"}),
                (401, {"X_Session_Access": other}),
                (401, {"Cookie": f"session_access={other}"}),
                (401, ACME),
                (401, {"Authorization": "Bearer wrong"}),
            ):
                await ask(name, mine, status, **headers)
            if method == "GET":
                await ask(name, mine, 200, Cookie=cookie)
            await ask(name, "b6e4d1a0-0000-4000-8000-000000000000", 404, X_Session_Access=key)
        api.clock[0] += 24 * 3600
        for name in operations:
            for headers in ({"X_Session_Access": key}, OURS):
                await ask(name, mine, 404, **headers)


async def test_no_change_goes_by_the_cookie_alone(sqlite_url: str) -> None:
    """Of anything that a session's key opens, whether the contract has it or not."""
    async with house(sqlite_url, settings=KEYS) as api:
        session_id, key = await api.session(scenarioId="dental-appointment")
        cookie = {"Cookie": f"session_access={key}"}
        await complete(api.client.server.app)  # type: ignore[attr-defined]  # of a TestServer
        routes = {
            (route.method, route.resource.canonical)
            for route in api.client.server.app.router.routes()  # type: ignore[attr-defined]  # of a TestServer
            if route.resource is not None
            and route.resource.canonical.startswith("/api/sessions/{id}")
            and route.method not in ("GET", "HEAD", "OPTIONS")
        }
        assert ("PATCH", "/api/sessions/{id}/state") in routes
        for method, path in routes:
            asked = path.replace("{id}", session_id)
            for headers, statuses in ((cookie, {403}), ({"X-Session-Access": key}, {200, 404, 409})):
                answer = await api.client.request(method, asked, json={}, headers=headers)
                assert answer.status in statuses, (method, path)
        run = {"toolName": "find_slots", "parameters": {"service": "cleaning"}, "sessionId": session_id}
        token = await (await api.client.get("/api/csrf", headers=cookie)).json()
        for headers, status in (
            (cookie, 403),
            (cookie | {"X-CSRF-Token": "wrong"}, 403),
            (cookie | {"X-CSRF-Token": token["csrfToken"]}, 200),
            ({"X-Session-Access": key}, 200),
        ):
            answer = await api.client.post("/api/tools/execute", json=run, headers=headers)
            told = await checked(answer, "POST /api/tools/execute", status=status)
            assert status == 200 or "/api/csrf" in told["message"]


async def test_the_control_plane_is_for_operators(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        await complete(api.client.server.app)  # type: ignore[attr-defined]  # of a TestServer
        routes = {
            (route.method, route.resource.canonical)
            for route in api.client.server.app.router.routes()  # type: ignore[attr-defined]  # of a TestServer
            if route.resource is not None and route.resource.canonical.startswith("/api/cp/")
        }
        assert len(routes) >= 20
        _, key = await api.session()
        for method, path in routes:
            asked = re.sub(r"\{[^}]*\}", "x", path)
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-Session-Access": key}):
                answer = await api.client.request(method, asked, json={}, headers=headers)
                assert answer.status == 401, (method, path, answer.status)
                assert (method == "HEAD") or (await answer.json())["error"]
