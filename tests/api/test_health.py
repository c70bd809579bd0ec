"""What the readiness answer tells of the providers of models."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.api.house import checked, house

pytestmark = pytest.mark.contract


@dataclass
class State:
    name: str
    up: bool = True
    failures: int = 0
    next_try_in_s: float = 0.0


DOWN = State("openai", up=False, failures=3, next_try_in_s=7.6)


async def test_each_provider_is_told(sqlite_url: str) -> None:
    states = [DOWN, State("azure", failures=1), State("embedded")]
    async with house(sqlite_url, providers=lambda: states) as api:
        for path in "/readyz", "/api/health/ready":
            body = await checked(await api.client.get(path), f"GET {path}", status=200)
            assert body["checks"]["providers"] is True
            assert "provider:openai" not in body["checks"], "a check that fails makes a monitor ring"
            told = {name: d for name, d in body["details"].items() if name.startswith("provider:")}
            assert [(name, d["ok"], d["status"]) for name, d in told.items()] == [
                ("provider:openai", False, "down"),
                ("provider:azure", True, "up"),
                ("provider:embedded", True, "up"),
            ]
            assert told["provider:openai"]["message"] == "failed 3 times in a row; left alone for 8 s"
        assert (await (await api.client.get("/api/health")).json())["details"]["provider:azure"]["ok"]


async def test_without_any_provider_no_calls_are_taken(sqlite_url: str) -> None:
    states = [DOWN, State("azure", up=False, failures=1, next_try_in_s=3.2)]
    async with house(sqlite_url, providers=lambda: states) as api:
        body = await checked(await api.client.get("/readyz"), "GET /readyz", status=503)
        assert body["failures"] == [
            {
                "check": "providers",
                "status": "down",
                "message": "no provider of models is up; the next try is in 3 s",
            }
        ]


async def test_who_may_be_tried_again_is_given_the_chance(sqlite_url: str) -> None:
    states = [DOWN, State("azure", up=False, failures=1)]
    async with house(sqlite_url, providers=lambda: states) as api:
        body = await checked(await api.client.get("/readyz"), "GET /readyz", status=200)
        assert body["details"]["providers"]["status"] == "unsure"


async def test_an_engine_without_such_states_tells_none(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        body = await checked(await api.client.get("/readyz"), "GET /readyz", status=200)
        assert set(body["checks"]) == {"database", "admission"}
