"""What the readiness answer tells of the providers of models."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.config import from_env
from gateway.continuity.health import Health, ProviderState
from tests.api.house import checked, house

pytestmark = pytest.mark.contract


UP = ProviderState("embedded", up=True, failures=0, last_failure=None, next_try_in_s=0.0)
DOWN = ProviderState("openai", up=False, failures=3, last_failure="stalled", next_try_in_s=7.6)
AGAIN = ProviderState("azure", up=False, failures=1, last_failure="refused", next_try_in_s=0.0)


async def test_each_provider_is_told(sqlite_url: str) -> None:
    states = [DOWN, AGAIN, UP]
    async with house(sqlite_url, providers=lambda: states) as api:
        for path in "/readyz", "/api/health/ready":
            body = await checked(await api.client.get(path), f"GET {path}", status=200)
            assert body["checks"]["providers"] is True
            assert "provider:openai" not in body["checks"], "a check that fails makes a monitor ring"
            told = {name: d for name, d in body["details"].items() if name.startswith("provider:")}
            assert [(name, d["ok"], d["status"]) for name, d in told.items()] == [
                ("provider:openai", False, "down"),
                ("provider:azure", False, "down"),
                ("provider:embedded", True, "up"),
            ]
            assert [d["message"] for d in told.values()] == [
                "failed 3 times in a row, last: stalled; left alone for 8 s",
                "failed once, last: refused; the next call tries it",
                "nothing has failed since it last did its work",
            ]
        whole = await checked(await api.client.get("/api/health"), "GET /api/health", status=200)
        assert whole["services"]["provider:openai"] == {
            "configured": True,
            "healthy": False,
            "status": "down",
            "error": "failed 3 times in a row, last: stalled; left alone for 8 s",
        }


async def test_without_any_provider_no_calls_are_taken(sqlite_url: str) -> None:
    states = [DOWN, replace(DOWN, name="azure", next_try_in_s=3.2)]
    async with house(sqlite_url, providers=lambda: states) as api:
        whole = await checked(await api.client.get("/api/health"), "GET /api/health", status=503)
        assert whole["ok"] is False
        assert whole["services"]["providers"]["healthy"] is False
        body = await checked(await api.client.get("/readyz"), "GET /readyz", status=503)
        assert body["failures"] == [
            {
                "check": "providers",
                "status": "down",
                "message": "no provider of models is up; the next try is in 3 s",
            }
        ]


async def test_who_may_be_tried_again_is_given_the_chance(sqlite_url: str) -> None:
    states = [DOWN, AGAIN]
    async with house(sqlite_url, providers=lambda: states) as api:
        body = await checked(await api.client.get("/readyz"), "GET /readyz", status=200)
        assert body["details"]["providers"]["status"] == "unsure"


async def test_what_the_registry_knows_is_what_is_told(sqlite_url: str) -> None:
    health = Health(["openai", "embedded"])
    async with house(sqlite_url, providers=lambda: health.snapshot(100.0)) as api:
        health.failed("openai", "refused", 99.0)
        body = await checked(await api.client.get("/readyz"), "GET /readyz", status=200)
        assert (
            body["details"]["provider:openai"]["message"]
            == "failed once, last: refused; left alone for 29 s"
        )
        assert body["details"]["provider:embedded"]["status"] == "up"


async def test_an_engine_without_such_states_tells_none(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        body = await checked(await api.client.get("/readyz"), "GET /readyz", status=200)
        assert set(body["checks"]) == {"database", "admission"}


async def test_files_of_the_catalog_with_faults_are_told_and_no_failure(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        body = await checked(await api.client.get("/readyz"), "GET /readyz", status=200)
        assert body["details"]["catalog"]["status"] == "current"
        api.deps.catalogs.refuse(["/srv/agents/a.yaml:1: wrong; mend it", "/srv/agents/b.yaml:2: too"])
        body = await checked(await api.client.get("/readyz"), "GET /readyz", status=200)
        told = body["details"]["catalog"]
        assert (body["ok"], told["ok"], told["status"]) == (True, False, "stale")
        assert "faults (2;" in told["message"]
        assert "/srv" not in str(body)
        api.deps.catalogs.replace(api.deps.catalogs.current)
        body = await checked(await api.client.get("/readyz"), "GET /readyz", status=200)
        assert body["details"]["catalog"]["ok"] is True


async def test_health_tells_what_is_set_and_no_secret(sqlite_url: str) -> None:
    given = {
        "AZURE_OPENAI_ENDPOINT": "https://voice.example.com",
        "AZURE_OPENAI_API_KEY": "b7f1c0",
        "AZURE_OPENAI_DEPLOYMENT_REALTIME": "rt",
        "FRONTEND_URLS": "https://www.example.com",
        "PARLEY_PUBLIC_URL": "https://api.example.com",
        "PARLEY_BUILD_ID": "4f2c",
        "PARLEY_API_KEYS": "sk-2f6a",
    }
    async with house(sqlite_url, settings=from_env(given)) as api:
        api.clock[0] += 12.5
        told = await api.client.get("/api/health")
        body = await checked(told, "GET /api/health", status=200)
        assert (body["uptime"], body["environment"], body["commit"]) == (12.5, "prod", "4f2c")
        assert body["surface"]["corsAllowedOrigins"] == ["https://www.example.com"]
        assert body["surface"]["realtime"]["endpointConfigured"] is True
        assert body["surface"]["temporalEnabled"] is False
        text = await told.text()
        assert not any(secret in text for secret in ("b7f1c0", "sk-2f6a"))
        alive = await checked(
            await api.client.get("/api/health/realtime"), "GET /api/health/realtime", status=200
        )
        assert alive["uptime"] == 12.5
