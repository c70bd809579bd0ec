"""Scenarios, packs and voices: what the public sees, what operators see, and that a new catalog is what is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from api.app import create_app
from gateway.config import Settings
from gateway.speech.catalogue import AZURE, EVERY_VOICE, OPENAI, voices_of
from personas.packs import Pack
from personas.persona import Persona
from personas.scenario import Scenario
from tests.api.house import House, checked, house
from tests.personas.test_catalog import PACK, SCENARIO

pytestmark = pytest.mark.contract

KEYS = Settings(api_keys=(SecretStr("acme:key-of-acme"),))
OPERATOR = {"Authorization": "Bearer key-of-acme"}
WHY = {"exception_rationale": "Not for everybody."}


def scenario(slug: str, visibility: str, industry: str = "sales", **more: Any) -> Scenario:
    told = SCENARIO | {"slug": slug, "visibility": visibility, "industry": industry} | more
    return Scenario.model_validate(told)


SCENARIOS = (
    scenario("a-core", "core", tools=["hang_up", {"name": "weather", "description": "Our own words."}]),
    scenario("a-proof", "proof", "legal"),
    scenario("an-exception", "exception", **WHY),
    scenario("a-lab", "hidden-lab", "legal"),
    scenario("a-hidden-core", "core", hidden=True),
)


@asynccontextmanager
async def serving(url: str, settings: Settings | None = None) -> AsyncIterator[House]:
    """With these scenarios and one pack in place of the built-in ones."""
    async with house(url, settings=settings) as api:
        pack = Pack.model_validate(PACK)
        service = pack.model_copy(update={"id": "service"})
        api.deps.catalogs.replace(
            replace(
                api.deps.catalogs.current,
                scenarios={one.slug: one for one in SCENARIOS},
                packs={"legal": pack, "service": service},
            )
        )
        yield api


async def slugs(api: House, path: str, *, operation: str | None = None, **headers: str) -> list[str]:
    response = await api.client.get(path, headers=headers)
    body = await checked(response, operation or f"GET {path.partition('?')[0]}", status=200)
    assert body["count"] == len(body["items"])
    return [one["slug"] for one in body["items"]]


async def test_the_public_sees_what_is_public(sqlite_url: str) -> None:
    async with serving(sqlite_url) as api:
        assert await slugs(api, "/api/scenarios") == ["a-core", "a-proof"]
        assert await slugs(api, "/api/scenarios?visibility=proof") == ["a-proof"]
        assert await slugs(api, "/api/scenarios?industry=sales") == ["a-core"]
        assert await slugs(api, "/api/scenarios?industry=dental") == []
        for wrong in "visibility=exception", "visibility=hidden-lab", "visibility=x", "industry=fishing":
            response = await api.client.get(f"/api/scenarios?{wrong}")
            await checked(response, "GET /api/scenarios", status=400)


async def test_one_public_scenario(sqlite_url: str) -> None:
    operation = "GET /api/scenarios/{slug}"
    async with serving(sqlite_url) as api:
        body = await checked(await api.client.get("/api/scenarios/a-core"), operation, status=200)
        hang_up, weather = body["tools"]
        assert hang_up["description"] == api.deps.tools["hang_up"].definition()["description"]
        assert weather["description"] == "Our own words."
        assert weather["parameters"] == api.deps.tools["weather"].definition()["parameters"]
        for unseen in "an-exception", "a-lab", "a-hidden-core", "nothing", "%2e%2e":
            response = await api.client.get(f"/api/scenarios/{unseen}")
            await checked(response, operation, status=404)


async def test_operators_see_all(sqlite_url: str) -> None:
    async with serving(sqlite_url, KEYS) as api:
        every = [one.slug for one in SCENARIOS]
        assert await slugs(api, "/api/cp/scenarios", **OPERATOR) == every
        assert await slugs(api, "/api/cp/scenarios?visibility=hidden-lab", **OPERATOR) == ["a-lab"]
        assert await slugs(api, "/api/cp/scenarios?industry=legal", **OPERATOR) == ["a-proof", "a-lab"]
        wrong = await api.client.get("/api/cp/scenarios?visibility=secret", headers=OPERATOR)
        await checked(wrong, "GET /api/cp/scenarios", status=400)
        one = "GET /api/cp/scenarios/{slug}"
        for slug in every:
            await checked(
                await api.client.get(f"/api/cp/scenarios/{slug}", headers=OPERATOR), one, status=200
            )
        await checked(await api.client.get("/api/cp/scenarios/no", headers=OPERATOR), one, status=404)


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/api/cp/scenarios", "GET /api/cp/scenarios"),
        ("/api/cp/scenarios/a-lab", "GET /api/cp/scenarios/{slug}"),
        ("/api/cp/verticals/packs", "GET /api/cp/verticals/packs"),
    ],
)
async def test_nobody_else_does(sqlite_url: str, path: str, operation: str) -> None:
    async with serving(sqlite_url, KEYS) as api:
        for headers in {}, {"Authorization": "Bearer guessed"}, {"Authorization": "Basic key-of-acme"}:
            response = await api.client.get(path, headers=headers)
            await checked(response, operation, status=401)
            assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_packs_and_their_workflows(sqlite_url: str) -> None:
    async with serving(sqlite_url, KEYS) as api:
        response = await api.client.get("/api/cp/verticals/packs", headers=OPERATOR)
        packs = await checked(response, "GET /api/cp/verticals/packs", status=200)
        assert [pack["verticalPack"] for pack in packs["packs"]] == ["legal", "service"]
        path = "GET /api/verticals/legal/workflows"
        body = await checked(await api.client.get("/api/verticals/legal/workflows"), path, status=200)
        assert [one["workflowId"] for one in body["workflows"]] == ["intake/new_client"]
        for unknown in "accounting", "service", "fishing":
            response = await api.client.get(f"/api/verticals/{unknown}/workflows")
            await checked(response, path, status=404)


async def test_what_is_answered_is_what_is_in_force(sqlite_url: str) -> None:
    async with serving(sqlite_url) as api:
        first = await checked(await api.client.get("/api/personas"), "GET /api/personas", status=200)
        catalogs = api.deps.catalogs
        changed = catalogs.personas["assistant"].model_copy(update={"display_name": "Another"})
        personas = {**catalogs.personas, "assistant": changed}
        catalogs.replace(replace(catalogs.current, personas=personas, scenarios={}))
        second = await checked(await api.client.get("/api/personas"), "GET /api/personas", status=200)
        assert second["version"] == catalogs.current.version != first["version"]
        assert "Another" in [one["displayName"] for one in second["items"]]
        assert await slugs(api, "/api/scenarios") == []


async def test_who_cannot_be_called_by_voice_is_told(sqlite_url: str) -> None:
    def refused(persona: Persona, written: bool) -> str | None:
        return None if written or persona.language == "English" else "no provider speaks it"

    async with house(sqlite_url) as api:
        assert await (await api.client.get("/api/personas/unspoken")).json() == {"items": [], "count": 0}
        app = create_app(replace(api.deps, unspoken=refused))
        async with TestClient(TestServer(app)) as client:
            told = await (await client.get("/api/personas/unspoken")).json()
    assert set(told["items"]) == {"clinic_reception_pk", "dental_reception_mx", "insurance_claim_mx"}


async def test_what_was_reviewed_and_what_has_no_picture(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        catalogs = api.deps.catalogs
        states = {
            "assistant": {"review_status": "approved", "asset_status": "missing"},
            "bank_dispute": {"review_status": "needs_rerun", "asset_status": "approved"},
        }
        changed = {
            name: catalogs.personas[name].model_copy(update=update) for name, update in states.items()
        }
        catalogs.replace(replace(catalogs.current, personas={**catalogs.personas, **changed}))
        body = await checked(await api.client.get("/api/personas"), "GET /api/personas", status=200)
        told = {one["id"]: one for one in body["items"]}
        for name, state in states.items():
            shown = told[name]["humanVoiceReviewStatus"], told[name]["assetStatus"]
            assert shown == (state["review_status"], state["asset_status"])


def test_azures_voices_are_there_where_they_can_be_heard() -> None:
    assert voices_of(("openai", "embedded")) == OPENAI
    assert voices_of(("voicelive",)) == (*OPENAI, *AZURE)
    assert len(EVERY_VOICE) == len(OPENAI) + len(AZURE)
