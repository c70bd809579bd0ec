"""The core contract: every answer is held against its schema."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from aiohttp import web

from api.app import create_app, make_runner
from api.deps import Verdict
from gateway.config import Settings
from tests.api.house import checked, house

pytestmark = pytest.mark.contract

CREDENTIALS = "POST /api/realtime/credentials"
SESSION = "GET /api/sessions/{id}"
RUNTIME = "GET /api/realtime/sessions/{sessionId}"


async def test_the_root_for_programs(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        for accept in "*/*", "application/json":
            body = await checked(await api.client.get("/", headers={"Accept": accept}), "GET /", status=200)
            assert body["name"] == "Parley"
            assert {"health", "readiness", "docs", "openapi"} <= set(body["links"])
            for link in ("health", "readiness", "docs", "openapi", "personas", "voices"):
                assert (await api.client.get(body["links"][link])).status == 200, link


async def test_health(sqlite_url: str) -> None:
    async def speech() -> Verdict:
        return Verdict(True, "ready", "ears and voice")

    async with house(sqlite_url, probes={"speech": speech}) as api:
        for path in "/healthz", "/api/health/live":
            await checked(await api.client.get(path), f"GET {path}", status=200)
        for path in "/readyz", "/api/health/ready":
            body = await checked(await api.client.get(path), f"GET {path}", status=200)
            assert body["checks"] == {"database": True, "admission": True, "speech": True}


async def test_not_ready(sqlite_url: str) -> None:
    async def slow() -> Verdict:
        await asyncio.Event().wait()
        raise AssertionError

    async def broken() -> Verdict:
        raise OSError("secret detail")

    async with house(sqlite_url, probes={"speech": slow, "model": broken}) as api:
        api.supervisor.draining = True
        body = await checked(await api.client.get("/readyz"), "GET /readyz", status=503)
        assert [(fault["check"], fault["status"]) for fault in body["failures"]] == [
            ("admission", "draining"),
            ("speech", "timeout"),
            ("model", "failed"),
        ]
        assert "secret" not in str(body)


async def test_who_is_alive_says_so_whatever_it_depends_on_does(sqlite_url: str) -> None:
    async def broken() -> Verdict:
        return Verdict(False, "unreachable", "it does not answer")

    async with house(sqlite_url, probes={"speech": broken}) as api:
        for path in "/healthz", "/api/health/live", "/api/health/realtime":
            await checked(await api.client.get(path), f"GET {path}", status=200)
        for path in "/readyz", "/api/health/ready":
            body = await checked(await api.client.get(path), f"GET {path}", status=503)
            assert [fault["check"] for fault in body["failures"]] == ["speech"]
            assert body["checks"] == {"database": True, "admission": True, "speech": False}
        whole = await checked(await api.client.get("/api/health"), "GET /api/health", status=503)
        assert (whole["ok"], whole["services"]["speech"]["healthy"]) == (False, False)


async def test_the_catalogues(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        personas = await checked(await api.client.get("/api/personas"), "GET /api/personas", status=200)
        voices = await checked(await api.client.get("/api/voices"), "GET /api/voices", status=200)
        assert personas["count"] == len(personas["items"]) == len(api.deps.personas)
        known = {voice["id"] for voice in voices["items"]}
        assert {"marin", "cedar"} <= known
        for persona in personas["items"]:
            assert {persona["defaultVoice"], *persona["allowedVoices"]} <= known
            assert "instructions" not in persona


# ── credentials ───────────────────────────────────────────────────────────────────────────────────────────


async def test_credentials(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        response = await api.client.post(
            "/api/realtime/credentials", json={"personaId": "dental_reception"}
        )
        body = await checked(response, CREDENTIALS, status=200)
        assert re.fullmatch(r"ek_[A-Za-z0-9_-]+", body["token"])
        assert datetime.fromisoformat(body["expiresAt"]).timestamp() == api.clock[0] + 600
        here = f"{api.client.host}:{api.client.port}"
        assert body["webrtcUrl"] == f"http://{here}/v1/realtime/calls"
        assert body["wsUrl"] == f"ws://{here}/v1/realtime"
        assert body["selectedPersonaId"] == "dental_reception"
        assert body["personaSelectionReason"] == "preferred-persona"
        assert body["effectiveLanguage"] == "en"
        assert response.headers["Cache-Control"] == "no-store"


async def test_credentials_behind_a_public_address(sqlite_url: str) -> None:
    settings = Settings.model_validate({"public_url": "https://voice.example.com/"})
    async with house(sqlite_url, settings=settings) as api:
        body = await checked(
            await api.client.post("/api/realtime/credentials", json={}), CREDENTIALS, status=200
        )
        assert body["webrtcUrl"] == "https://voice.example.com/v1/realtime/calls"
        assert body["wsUrl"] == "wss://voice.example.com/v1/realtime"


async def test_a_session_decides_the_persona(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        for persona in api.deps.personas.values():
            players = api.deps.catalogs.current.players(persona.scenario)
            session, _ = await api.session(scenarioId=persona.scenario, requestedLocale="en-GB")
            asked = {"sessionId": session}
            for locale, reason in ((None, "language-only"), ("en-US", "exact-locale")):
                if locale is not None:
                    asked["requestedLocale"] = locale
                body = await checked(
                    await api.client.post("/api/realtime/credentials", json=asked), CREDENTIALS, status=200
                )
                assert body["selectedPersonaId"] in {player.id for player in players}
                english = any(player.languages.primary == "en" for player in players)
                assert body["personaSelectionReason"] == (reason if english else "catalog-fallback")


async def test_a_session_keeps_its_scenario(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        catalog = api.deps.catalogs.current
        ids = list(catalog.personas)
        for persona in catalog.personas.values():
            players = {player.id for player in catalog.players(persona.scenario)}
            session, _ = await api.session(scenarioId=persona.scenario)
            strangers = [name for name in ids if name not in players]
            for wish in (*players, *strangers[:2]):
                response = await api.client.post(
                    "/api/realtime/credentials", json={"sessionId": session, "personaId": wish}
                )
                body = await checked(response, CREDENTIALS, status=200 if wish in players else 400)
                if wish in players:
                    assert body["selectedPersonaId"] == wish
                else:
                    assert "scenario decides its persona" in body["message"]


async def test_a_session_of_an_unknown_scenario_keeps_who_stands_in(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        session, _ = await api.session(scenarioId="no-such-scenario")
        for wish, status in (("assistant", 200), ("bank_dispute", 400), ("nobody", 404)):
            response = await api.client.post(
                "/api/realtime/credentials", json={"sessionId": session, "personaId": wish}
            )
            await checked(response, CREDENTIALS, status=status)


@pytest.mark.parametrize("host", ["[::1", "a]b"])
async def test_a_host_that_is_no_address(sqlite_url: str, host: str) -> None:
    for settings in (
        Settings(),
        Settings(host="0.0.0.0"),
        Settings.model_validate({"api_key_for_realtime": "right"}),
    ):
        async with house(sqlite_url, settings=settings) as api:
            response = await api.client.post(
                "/api/realtime/credentials", json={}, headers={"Host": host, "X-Api-Key": "right"}
            )
            await checked(response, CREDENTIALS, status=400)


async def test_nobody_asked_for_gets_the_assistant(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        for asked in ({}, {"scenarioId": "no-such-scenario"}):
            response = await api.client.post("/api/realtime/credentials", json=asked)
            body = await checked(response, CREDENTIALS, status=200)
            assert body["selectedPersonaId"] == "assistant"
            assert body["personaSelectionReason"] == "en-us-fallback"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"personaId": "nobody"}, 404),
        ({"sessionId": "b6e4d1a0-0000-4000-8000-000000000000"}, 404),
        ({"sessionId": "\x00"}, 400),
        ({"personaId": 7}, 400),
        ({"personaId": "x" * 1000}, 400),
        ([], 400),
        ("text", 400),
    ],
)
async def test_credentials_that_cannot_be_given(sqlite_url: str, body: object, status: int) -> None:
    async with house(sqlite_url) as api:
        await checked(
            await api.client.post("/api/realtime/credentials", json=body), CREDENTIALS, status=status
        )


async def test_the_api_key(sqlite_url: str) -> None:
    settings = Settings.model_validate({"api_key_for_realtime": "right", "host": "0.0.0.0"})
    async with house(sqlite_url, settings=settings) as api:
        wrong: tuple[dict[str, str], ...] = (
            {},
            {"X-Api-Key": "wrong"},
            {"Authorization": "ApiKey wrong"},
            {"Authorization": "Bearer right"},
        )
        for headers in wrong:
            response = await api.client.post("/api/realtime/credentials", json={}, headers=headers)
            await checked(response, CREDENTIALS, status=401)
        for headers in ({"X-Api-Key": "right"}, {"Authorization": "ApiKey right"}):
            response = await api.client.post("/api/realtime/credentials", json={}, headers=headers)
            await checked(response, CREDENTIALS, status=200)


async def test_the_api_key_is_not_guessed_for_ever(sqlite_url: str) -> None:
    settings = Settings.model_validate({"api_key_for_realtime": "right", "host": "0.0.0.0"})
    async with house(sqlite_url, settings=settings) as api:

        async def mint(key: str) -> int:
            headers = {"X-Api-Key": key}
            return (await api.client.post("/api/realtime/credentials", json={}, headers=headers)).status

        assert [await mint(f"guess {number}") for number in range(61)] == [401] * 60 + [429]
        assert await mint("right") == 200


async def test_in_the_open_without_a_key(sqlite_url: str) -> None:
    settings = Settings.model_validate({"host": "0.0.0.0", "frontend_urls": ("https://app.example.com",)})
    async with house(sqlite_url, settings=settings) as api:
        ours = f"http://{api.client.host}:{api.client.port}"
        for origin, status in (
            ("https://evil.example", 401),
            ("null", 401),
            (ours, 200),
            ("https://app.example.com", 200),
        ):
            response = await api.client.post(
                "/api/realtime/credentials", json={}, headers={"Origin": origin}
            )
            await checked(response, CREDENTIALS, status=status)
        statuses = [(await api.client.post("/api/realtime/credentials", json={})).status for _ in range(70)]
        assert statuses.count(429) >= 8
        response = await api.client.post("/api/realtime/credentials", json={})
        await checked(response, CREDENTIALS, status=429)
        assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        (None, None, 200),
        ("localhost:8080", "http://localhost:8080", 200),
        ("127.0.0.1:8080", "https://127.0.0.1:8080", 200),
        ("voice.example.com", "https://voice.example.com", 200),
        ("localhost:8080", "http://localhost:3000", 401),
        ("rebound.example", "http://rebound.example", 401),
        ("localhost:8080", "null", 401),
        (None, "http://[::1", 401),
        ("localhost:8080", "http://[::1]", 401),
        ("[::1]:8080", "http://[::1]:8080", 200),
        ("[::1", "http://[::1", 401),
        ("[::1", "http://localhost:8080", 401),
    ],
)
async def test_on_this_machine_only(
    sqlite_url: str, host: str | None, origin: str | None, status: int
) -> None:
    settings = Settings.model_validate({"public_url": "https://voice.example.com"})
    headers = {name: value for name, value in (("Host", host), ("Origin", origin)) if value is not None}
    async with house(sqlite_url, settings=settings) as api:
        response = await api.client.post("/api/realtime/credentials", json={}, headers=headers)
        await checked(response, CREDENTIALS, status=status)


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_session_is_opened_and_read(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        asked = {
            "scenarioId": "dental-booking",
            "companyName": "Elm Dental",
            "requestedLocale": "en-US",
            "extra": 1,
        }
        response = await api.client.post("/api/sessions", json=asked)
        body = await checked(response, "POST /api/sessions", status=201)
        cookie = response.cookies["session_access"]
        assert cookie.value == body["accessKey"]
        assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
        api.client.session.cookie_jar.clear()

        path, key = f"/api/sessions/{body['sessionId']}", body["accessKey"]
        for wrong in ({}, {"X-Session-Access": "wrong"}, {"Cookie": "session_access=wrong"}):
            await checked(await api.client.get(path, headers=wrong), SESSION, status=401)
        for right in ({"X-Session-Access": key}, {"Cookie": f"session_access={key}"}):
            read = await checked(await api.client.get(path, headers=right), SESSION, status=200)
            assert read["companyName"] == "Elm Dental"
            assert read["requestedLocale"] == "en-US"
            assert read["tenantId"] == "default-practice"
            assert read["transcript"] == []
        runtime = await checked(await api.client.get(f"/api/realtime{path[4:]}"), RUNTIME, status=200)
        assert runtime["session"]["state"] == "initializing"

        api.clock[0] += 24 * 3600
        await checked(await api.client.get(path, headers={"X-Session-Access": key}), SESSION, status=404)
        await checked(await api.client.get(f"/api/realtime{path[4:]}"), RUNTIME, status=404)


async def test_the_locale_by_its_sources(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        hint, tongue = {"X-Tellgence-Locale-Hint": "es-MX"}, {"navigatorLanguage": "fr-FR"}
        for body, headers, locale in (
            ({"requestedLocale": "de-DE", **tongue}, hint, "de-DE"),
            (tongue, hint, "es-MX"),
            (tongue, {}, "fr-FR"),
            ({}, {}, None),
        ):
            response = await api.client.post(
                "/api/sessions", json={"scenarioId": "x", **body}, headers=headers
            )
            answer = await checked(response, "POST /api/sessions", status=201)
            assert answer.get("requestedLocale") == locale


async def test_the_cookie_is_secure_when_the_world_comes_over_https(sqlite_url: str) -> None:
    settings = Settings.model_validate({"public_url": "https://voice.example.com"})
    async with house(sqlite_url, settings=settings) as api:
        response = await api.client.post("/api/sessions", json={"scenarioId": "x"})
        assert response.cookies["session_access"]["secure"] is True


async def test_the_key_of_one_session_does_not_open_another(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        (_, mine), (theirs, _) = await api.session(), await api.session()
        response = await api.client.get(f"/api/sessions/{theirs}", headers={"X-Session-Access": mine})
        await checked(response, SESSION, status=401)


@pytest.mark.parametrize(
    "body", [{}, {"scenarioId": ""}, {"scenarioId": 5}, {"scenarioId": "x", "tenantId": "a b"}]
)
async def test_a_session_needs_its_scenario(sqlite_url: str, body: dict[str, object]) -> None:
    async with house(sqlite_url) as api:
        response = await api.client.post("/api/sessions", json=body)
        answer = await checked(response, "POST /api/sessions", status=400)
        assert answer["error"] == "validation_error"


async def test_the_key_is_not_stored(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        _, key = await api.session()
        database = sqlite_url.removeprefix("sqlite:///")
        for suffix in ("", "-wal"):
            with open(database + suffix, "rb") as file:  # noqa: ASYNC230 - a test may wait for its disk
                assert key.encode() not in file.read()


# ── refusals that no handler sees ─────────────────────────────────────────────────────────────────────────


async def test_every_refusal_is_in_the_envelope(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        client = api.client
        json = {"Content-Type": "application/json"}
        for response, status in (
            (await client.get("/api/nothing"), 404),
            (await client.get("/nothing"), 404),
            (await client.get("/static/../../pyproject.toml"), 404),
            (await client.get("/static/%2e%2e/app.py"), 404),
            (await client.get("/static/nothing.js"), 404),
            (await client.delete("/api/personas"), 405),
            (await client.post("/api/sessions", data="scenarioId=x"), 415),
            (await client.post("/api/sessions", data="{", headers=json), 400),
            (await client.post("/api/sessions", data=b"\xff\xfe", headers=json), 400),
            (await client.post("/api/sessions", data="[" * 30_000, headers=json), 400),
            (await client.post("/api/sessions", data=b"x" * 70_000, headers=json), 413),
        ):
            body = await response.json()
            assert (response.status, set(body)) == (status, {"error", "message"}), body
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "GET" in (await client.delete("/api/personas")).headers["Allow"]


async def test_what_is_no_http_is_refused_without_being_quoted(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(sqlite_url) as api:
        runner = make_runner(create_app(api.deps))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        head = b"POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        for rest in (
            b"Authorization: Bearer " + b"ek_secret" * 2000 + b"\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\nek_secret\r\n",
            b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nek_secret",
        ):
            reader, writer = await asyncio.open_connection(*runner.addresses[0])
            writer.write(head + rest)
            async with asyncio.timeout(20):
                assert b" 400 " in await reader.readline()
            writer.close()
            await writer.wait_closed()
        await runner.cleanup()
    assert "request refused: " in caplog.text
    assert "secret" not in caplog.text


async def test_a_body_of_unknown_length_is_bounded(sqlite_url: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 8192

    async with house(sqlite_url) as api:
        response = await api.client.post(
            "/api/sessions", data=endless(), headers={"Content-Type": "application/json"}
        )
        assert response.status == 413


# ── cross-origin ──────────────────────────────────────────────────────────────────────────────────────────


async def test_other_origins(sqlite_url: str) -> None:
    settings = Settings.model_validate({"frontend_urls": ("https://app.example.com/",)})
    async with house(sqlite_url, settings=settings) as api:
        for origin, allowed in (("https://app.example.com", True), ("https://evil.example", False)):
            response = await api.client.get("/api/personas", headers={"Origin": origin})
            assert ("Access-Control-Allow-Origin" in response.headers) is allowed
            ask = {
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type",
            }
            response = await api.client.options("/api/sessions", headers=ask)
            assert response.status == 204
            assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
            assert ("Access-Control-Allow-Credentials" in response.headers) is allowed
            assert response.headers["Vary"] == "Origin"
