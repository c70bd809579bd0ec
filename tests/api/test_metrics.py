"""What `/metrics` tells a scraper, and whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

from api.surfaces.metrics.routes import SNAPSHOT, exposition
from gateway.config import Settings
from gateway.continuity.health import ProviderState
from gateway.metrics.families import FAMILIES, SECONDS
from gateway.metrics.snapshot import Snapshot, merged
from tests.api.house import House, house
from tests.tools.doors import Counted, asks, trial
from tools.contract import CALL
from tools.runtime import fuse

pytestmark = pytest.mark.contract

TOKEN = "0123456789abcdef"
STATES = (
    ProviderState("openai", up=False, failures=3, last_failure="stalled", next_try_in_s=7.5),
    ProviderState("embedded", up=True, failures=0, last_failure=None, next_try_in_s=0.0),
)
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


async def figures(api: House, accept: str = "text/plain") -> dict[tuple[str, ...], float]:
    """Every sample: name and label values, in the order of the labels' names → value."""
    response = await api.client.get("/metrics", headers={"Accept": accept})
    assert response.status == 200, await response.text()
    assert response.content_type == accept.partition(";")[0]
    families = (openmetrics if "openmetrics" in accept else text)(await response.text())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.startswith("process_") and sample.labels.get("queue") is None
    }


async def told(response: ClientResponse) -> str:
    """The sentence of a refusal."""
    assert response.status == 401
    body = await response.json()
    assert body["error"] == "unauthorized"
    sentence: str = body["message"]
    return sentence


@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
async def test_what_is_told(sqlite_url: str, accept: str) -> None:
    async with house(sqlite_url, providers=lambda: STATES) as api:
        api.supervisor.reserve("s-1")
        api.supervisor.draining = True
        counts = api.deps.counts
        for leg in ("webrtc", "webrtc", "webrtc", "webrtc", "websocket"):
            counts.call_started(leg)
        for ending in ("caller/hung-up", "caller/hung-up", "model/lost"):
            counts.call_ended("webrtc", ending)
        counts.call_ended("websocket", "caller/left")
        counts.failed_over("openai", "embedded")
        counts.observe("parley_bargein_seconds", 0.06, "webrtc")
        assert (await api.client.get("/nowhere")).status == 404
        expected: dict[tuple[str, ...], float] = {
            ("parley_calls_live",): 1,
            ("parley_calls_max",): 2,
            ("parley_draining",): 1,
            ("parley_calls_ended_total", "webrtc", "hung-up", "caller"): 2,
            ("parley_calls_ended_total", "webrtc", "lost", "model"): 1,
            ("parley_calls_ended_total", "websocket", "left", "caller"): 1,
            ("parley_calls_started_total", "webrtc"): 4,
            ("parley_calls_started_total", "websocket"): 1,
            ("parley_calls_running", "webrtc"): 1,
            ("parley_calls_running", "websocket"): 0,
            ("parley_requests_refused_total", "404"): 1,
            **{
                ("parley_bargein_seconds_bucket", str(bound), "webrtc"): float(bound >= 0.06)
                for bound in SECONDS
            },
            ("parley_bargein_seconds_bucket", "+Inf", "webrtc"): 1,
            ("parley_bargein_seconds_count", "webrtc"): 1,
            ("parley_bargein_seconds_sum", "webrtc"): 0.06,
            ("parley_failovers_total", "embedded", "openai"): 1,
            ("parley_provider_up", "openai"): 0,
            ("parley_provider_up", "embedded"): 1,
            ("parley_provider_failures", "openai"): 3,
            ("parley_provider_failures", "embedded"): 0,
            ("parley_provider_next_try_seconds", "openai"): 7.5,
            ("parley_provider_next_try_seconds", "embedded"): 0,
            ("parley_approvals_waiting",): 0,
        }
        assert await figures(api, accept) == expected


async def test_what_tools_were_asked_for_and_who_waits(sqlite_url: str) -> None:
    async def fails(*_: object) -> dict[str, Any]:
        raise RuntimeError("no")

    tools = {
        tool.name: tool
        for tool in (
            trial(Counted(), "books", effect="write", approval=True),
            trial(fails, "fails"),
            trial(Counted(), "reads"),
            trial(fails, "hangs_up", category=CALL),
        )
    }
    async with house(sqlite_url, tools=tools) as api:
        runtime = api.deps.runtime
        for _ in range(fuse.FAILURES):
            await runtime.execute(asks("fails"))
            await runtime.execute(asks("hangs_up"))
        await runtime.execute(asks("fails"))
        for key in ("a", "a", "b"):
            await runtime.execute(asks("reads", caller="rest", key=key))
        await runtime.execute(asks("a caller's own words"))
        await runtime.execute(asks("books", caller="mcp"))
        pending = await runtime.execute(asks("books", caller="mcp", tenant="u"))
        await runtime.look()
        told = {
            name: value
            for name, value in (await figures(api)).items()
            if "tool" in name[0] or "appr" in name[0]
        }
        assert told == {
            ("parley_tool_executions_total", "model", "failed", "fails"): fuse.FAILURES,
            ("parley_tool_executions_total", "model", "out-of-order", "fails"): 1,
            ("parley_tool_executions_total", "model", "failed", "hangs_up"): fuse.FAILURES,
            ("parley_tool_executions_total", "rest", "ok", "reads"): 2,
            ("parley_tool_executions_total", "rest", "replayed", "reads"): 1,
            ("parley_tool_executions_total", "model", "unknown-tool", "other"): 1,
            ("parley_tool_executions_total", "mcp", "awaits-approval", "books"): 2,
            ("parley_approvals_waiting",): 2,
            ("parley_tool_breakers", "closed", "fails"): 0,
            ("parley_tool_breakers", "open", "fails"): 1,
            ("parley_tool_breakers", "half-open", "fails"): 0,
            ("parley_tool_breakers", "closed", "reads"): 1,
            ("parley_tool_breakers", "open", "reads"): 0,
            ("parley_tool_breakers", "half-open", "reads"): 0,
        }
        await runtime.approvals.decide("u", pending.approval_id or "", approve=True, by="Ada")
        await runtime.look()
        told = await figures(api)
        assert told["parley_approvals_waiting",] == 1
        assert told["parley_tool_executions_total", "mcp", "ok", "books"] == 1


def test_of_several_workers() -> None:
    """Each sees who waits in the one database, and has breakers of its own."""
    one, other = Snapshot(), Snapshot()
    for snapshot, state in ((one, "open"), (other, "closed")):
        snapshot.set("parley_approvals_waiting", 3)
        snapshot.set("parley_tool_executions", 2, "reads", "rest", "ok")
        for each in fuse.STATES:
            snapshot.set("parley_tool_breakers", each == state, "reads", each)
    whole = merged((one, Snapshot.from_json(other.to_json())))
    assert whole.value("parley_approvals_waiting") == 3
    assert whole.value("parley_tool_executions", "reads", "rest", "ok") == 4
    assert [whole.value("parley_tool_breakers", "reads", state) for state in fuse.STATES] == [1, 1, 0]


async def test_another_process_is_told_what_can_be_added_up(sqlite_url: str) -> None:
    async with house(sqlite_url, providers=lambda: STATES) as api:
        api.deps.counts.call_started("webrtc")
        response = await api.client.get("/metrics", headers={"Accept": SNAPSHOT})
        assert (response.status, response.content_type) == (200, SNAPSHOT)
        told = Snapshot.from_json(await response.json())
        assert told.value("parley_calls_started", "webrtc") == 1
        assert told.value("parley_provider_up", "embedded") == 1
        assert told.value("process_open_fds") > 0
        text_of_it, content_type = exposition(told, "")
        assert content_type.startswith("text/plain")
        assert b'parley_calls_started_total{leg="webrtc"} 1.0' in text_of_it


@pytest.mark.parametrize(
    "accept",
    ["text/plain;version=x", "text/plain;version=1.x.0;escaping=y", ";;=,", "application/x;version=1.a"],
)
async def test_whatever_is_accepted_figures_are_told(sqlite_url: str, accept: str) -> None:
    async with house(sqlite_url) as api:
        response = await api.client.get("/metrics", headers={"Accept": accept})
        assert (response.status, response.content_type) == (200, "text/plain")
        assert "parley_calls_live 0.0" in await response.text()


async def test_every_figure_has_its_line_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs/operate.md").read_text()
    for family in FAMILIES.values():
        name = family.name + ("_total" if family.kind == "counter" else "")
        assert f"`{name}`" in page, name


async def test_without_a_token_they_are_for_this_machine(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=Settings(api_keys=("acme:key",))) as api:
        assert (await api.client.get("/metrics")).status == 200
        for headers in ({"X-Forwarded-For": "203.0.113.7"}, {"Origin": "https://elsewhere.example"}):
            assert (await api.client.get("/metrics", headers=headers)).status == 401
    async with house(sqlite_url, settings=Settings(host="0.0.0.0", api_keys=("key",))) as api:
        response = await api.client.get("/metrics", headers={"Authorization": "Bearer key"})
        assert "PARLEY_METRICS_TOKEN" in await told(response)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_with_a_token_it_is_needed(sqlite_url: str, host: str) -> None:
    settings = Settings(host=host, metrics_token=TOKEN)
    async with house(sqlite_url, settings=settings) as api:
        for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
            response = await api.client.get("/metrics", headers=headers)
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert TOKEN not in await told(response)
        response = await api.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert response.status == 200
        assert "parley_calls_live 0.0" in await response.text()
