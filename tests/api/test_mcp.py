"""Tools over MCP, asked by the official client: what may run runs once, what may not never does, and a person decides
where one has to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import httpx2
import pytest
from aiohttp import ClientResponse
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, RequestParamsMeta
from mcp_types import Tool as Listed
from pydantic import SecretStr

from api.limits import TOOL_RUNS
from api.surfaces.mcp import offer
from gateway.config import Settings
from gateway.crew import Crew
from tests.api.house import TOOLS, House, checked, house
from tools.contract import Tool, ToolContext, ToolError
from tools.parameters import JsonSchemaParameters

pytestmark = pytest.mark.integration

SETTINGS = Settings(mcp=1, api_keys=(SecretStr("k-all"), SecretStr("acme:k-acme")))
ALL, ACME = {"Authorization": "Bearer k-all"}, {"Authorization": "Bearer k-acme"}
ACCEPT = {"Accept": "application/json, text/event-stream"}
MODES = ("auto", "legacy")
"""Of the client: the newest protocol, and the one with a handshake."""


def message(method: str, params: object = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method} | ({} if params is None else {"params": params})


PING = message("ping")


@dataclass
class Desk:
    api: House
    ran: list[ToolContext] = field(default_factory=list)
    """The runs of the tool `trial`."""
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """A run that nobody ends has begun."""

    @asynccontextmanager
    async def client(self, headers: dict[str, str] = ALL, mode: str = "auto") -> AsyncIterator[Client]:
        url = str(self.api.client.make_url("/mcp"))
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode, cache=None) as client,
        ):
            yield client

    async def send(self, headers: dict[str, str], one: object = None, **how: Any) -> ClientResponse:
        how = how or {"json": PING if one is None else one}
        return await self.api.client.post("/mcp", headers=ACCEPT | headers, **how)

    async def post(self, headers: dict[str, str], **how: Any) -> tuple[int, Any]:
        response = await self.send(headers, **how)
        return response.status, await response.json()

    async def hanging(self) -> str:
        """The run that nobody ends, once it has begun."""
        async with asyncio.timeout(30):
            _ = await self.begun.wait()
        self.begun.clear()
        (running,) = self.api.deps.runtime.running
        return running

    async def came_of(self, running: str) -> tuple[str, str]:
        response = await self.api.client.get(f"/api/cp/tools/executions/{running}", headers=ALL)
        entry = (await response.json())["execution"]
        return entry["status"], entry["reason"]

    async def override(self, tenant: str, **changes: Any) -> None:
        path = f"/api/cp/tool-policy/tenants/{tenant}/overrides/trial"
        response = await self.api.client.patch(path, json=changes, headers=ALL)
        contract = "PATCH /api/cp/tool-policy/tenants/{tenantId}/overrides/{toolId}"
        _ = await checked(response, contract, status=200)

    async def decide(self, of: CallToolResult, verb: str) -> None:
        path = f"/api/cp/tools/approvals/{meta(of)['approval-id']}/{verb}"
        assert (await self.api.client.post(path, json={}, headers=ALL)).status == 200

    async def execution(self, of: CallToolResult) -> dict[str, Any]:
        """As an operator reads it over REST."""
        name = meta(of)["execution-id"]
        response = await self.api.client.get(f"/api/cp/tools/executions/{name}", headers=ALL)
        return dict((await response.json())["execution"])


@asynccontextmanager
async def desk(url: str, settings: Settings = SETTINGS, **kind: Any) -> AsyncIterator[Desk]:
    """A server with one more tool, `trial`, which writes."""

    async def run(parameters: dict[str, Any], context: ToolContext) -> dict[str, Any]:
        it.ran.append(context)
        if parameters["amount"] == 13:
            raise ToolError("Not thirteen.")
        if parameters["amount"] == 0:
            it.begun.set()
            await asyncio.Event().wait()
        return {"number": len(it.ran)}

    schema = JsonSchemaParameters({"properties": {"amount": {"type": "integer"}}, "required": ["amount"]})
    trial = replace(Tool("trial", "A trial.", schema, run, effect="write"), **kind)
    async with house(url, settings=settings, tools={**TOOLS, "trial": trial}) as api:
        it = Desk(api)
        yield it


def meta(result: CallToolResult) -> dict[str, Any]:
    return {name.removeprefix("parley/"): value for name, value in (result.meta or {}).items()}


def key(value: object) -> RequestParamsMeta:
    """Of a call; any key may be in its `_meta`."""
    return cast(RequestParamsMeta, {offer.KEY: value})


async def every(client: Client) -> list[Listed]:
    """The tools of all pages."""
    tools: list[Listed] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        if (cursor := page.next_cursor) is None:
            return tools


def text(result: CallToolResult) -> str:
    return " ".join(getattr(part, "text", "") for part in result.content)


@pytest.mark.parametrize("mode", MODES)
async def test_what_may_run_is_listed_and_runs_and_nothing_said_is_logged(
    sqlite_url: str, mode: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(offer, "PAGE", 10)
    async with desk(sqlite_url) as it, it.client(mode=mode) as client:
        listed = {tool.name: tool for tool in await every(client)}
        # What acts on a call is for calls.
        assert list(listed) == sorted(
            name for name, tool in it.api.deps.tools.items() if not tool.needs_call
        )
        assert not {"hang_up", "pass_to_agent"} & set(listed)
        assert listed["weather"].input_schema == TOOLS["weather"].schema()
        hints = [listed[name].annotations for name in ("weather", "trial")]
        assert [hint.read_only_hint for hint in hints if hint is not None] == [True, False]
        done = await client.call_tool("weather", {"city": "Oslo"})
        assert (done.is_error, done.structured_content["city"]) == (False, "Oslo")
        entry = await it.execution(done)
        assert (entry["caller"], entry["status"], entry["toolName"]) == ("mcp", "done", "weather")
        # What is wrong is for the model to mend.
        for given, says in (
            ({"amount": "many"}, "amount: must be of type integer"),
            ({}, "missing amount"),
        ):
            wrong = await client.call_tool("trial", given)
            assert (wrong.is_error, meta(wrong)["reason"]) == (True, "invalid")
            assert says in text(wrong)
        refused = await client.call_tool("trial", {"amount": 13})
        assert (refused.is_error, text(refused)) == (True, "Not thirteen.")
        no_call = await client.call_tool("hang_up", {})
        assert no_call.is_error
        assert "live call" in text(no_call)
        with pytest.raises(MCPError, match="no tool 'nothing'"):
            await client.call_tool("nothing", {})
    assert "Oslo" not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("mcp")]


async def test_the_same_again_runs_once(sqlite_url: str) -> None:
    async with desk(sqlite_url) as it, it.client() as client:
        first, again = [await client.call_tool("trial", {"amount": 5}) for _ in range(2)]
        assert first.structured_content == again.structured_content == {"number": 1}
        assert "done before" in text(again)
        keyed = [await client.call_tool("trial", {"amount": 5}, meta=key(k)) for k in ("k-1", "k-2", "k-1")]
        assert [one.structured_content["number"] for one in keyed] == [2, 3, 2]
        assert [context.idempotency_key for context in it.ran[1:]] == ["k-1", "k-2"]
        reused = await client.call_tool("trial", {"amount": 6}, meta=key("k-1"))
        assert (reused.is_error, meta(reused)["reason"]) == (True, "key-reused")
        with pytest.raises(MCPError, match="1 to 200 characters"):
            await client.call_tool("trial", {"amount": 5}, meta=key(7))
        assert len(it.ran) == 3


async def test_what_is_blocked_is_absent_and_never_runs(sqlite_url: str) -> None:
    async with desk(sqlite_url, access="tenant_optin") as it:
        await it.override("acme", enabled=True)
        async with it.client() as client, it.client(ACME) as acme:
            for who, sees in ((client, False), (acme, True)):
                assert ("trial" in {tool.name for tool in await every(who)}) is sees
            denied = await client.call_tool("trial", {"amount": 5})
            assert (denied.is_error, meta(denied)["status"]) == (True, "denied")
            assert "opted in" in text(denied)
            assert (await it.execution(denied))["caller"] == "mcp"
            assert not (await acme.call_tool("trial", {"amount": 5})).is_error
            path = "/api/cp/tool-policy/trial"
            response = await it.api.client.patch(path, json={"access": "blocked"}, headers=ALL)
            _ = await checked(response, "PATCH /api/cp/tool-policy/{toolId}", status=200)
            assert "trial" not in {tool.name for tool in await every(acme)}
            # Its result is kept under its key: what is blocked is not told either.
            for amount in (5, 6):
                assert meta(await acme.call_tool("trial", {"amount": amount}))["reason"] == "blocked"
        assert [context.tenant for context in it.ran] == ["acme"]


async def test_a_person_decides(sqlite_url: str) -> None:
    async with desk(sqlite_url, approval=True) as it, it.client() as client:
        (tool,) = [tool for tool in await every(client) if tool.name == "trial"]
        assert "person has to approve" in (tool.description or "")
        waits = await client.call_tool("trial", {"amount": 5})
        assert (waits.is_error, meta(waits)["status"]) == (False, "pending_approval")
        assert "not done yet" in text(waits)
        assert meta(waits)["execution-id"] in text(waits)
        # Whoever asks again with whichever client learns what came of it.
        async with it.client(mode="legacy") as other:
            again = await other.call_tool("trial", {"amount": 5})
            assert meta(again)["execution-id"] == meta(waits)["execution-id"]
            assert not it.ran
            await it.decide(again, "approve")
            done = await other.call_tool("trial", {"amount": 5})
        assert (done.structured_content, len(it.ran)) == ({"number": 1}, 1)
        assert (await it.execution(done))["caller"] == "mcp"
        await it.decide(await client.call_tool("trial", {"amount": 6}), "reject")
        rejected = await client.call_tool("trial", {"amount": 6})
        assert (rejected.is_error, meta(rejected)["reason"], len(it.ran)) == (True, "rejected", 1)


async def test_who_may_not_ask_is_refused_in_the_words_of_the_protocol(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(sqlite_url) as it:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            status, refused = await it.post(headers)
            assert (status, refused["id"], refused["error"]["code"]) == (401, None, -32600)
            assert "server key" in refused["error"]["message"]
        # A name that was pointed at this machine is none of ours.
        rebound = {"Host": "evil.example", "Origin": "http://evil.example"}
        for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, rebound):
            assert (await it.post(ALL | foreign))[0] == 403
        assert await it.post(ALL) == (200, {"jsonrpc": "2.0", "id": 1, "result": {}})
        assert (await it.post(ALL, json=PING | {"params": {"_meta": {"x": "x" * 70_000}}}))[0] == 413
        assert (await it.post(ALL, json=[PING]))[0] == 400
        assert (await it.post(ALL | {"Content-Type": "application/json"}, data=b"{"))[0] == 400
        assert (await it.post(ALL, data=b"{}"))[0] == 415
        for method in ("GET", "DELETE"):
            response = await it.api.client.request(method, "/mcp", headers=ACCEPT | ALL)
            assert (response.status, response.headers["Allow"]) == (405, "POST")
        # What another worker knows of is its own to answer, and here nobody can hand it over.
        monkeypatch.setattr("gateway.crew._crew", Crew(0, 2))
        for session, status in (("00ab", 200), ("01ab", 503)):
            assert (await it.post(ALL | {"Mcp-Session-Id": session}))[0] == status


async def test_who_asks_too_often_waits(sqlite_url: str) -> None:
    async with (
        desk(sqlite_url, SETTINGS.model_copy(update={"host": "0.0.0.0"})) as it,
        it.client() as client,
    ):
        for _ in range(TOOL_RUNS.burst):
            assert await it.api.deps.limiter.take(TOOL_RUNS, "127.0.0.1") == 0
        with pytest.raises(MCPError, match="try again in 1 s"):
            await client.call_tool("trial", {"amount": 5})
        assert not it.ran


async def test_a_run_that_nobody_waits_for_any_more_ends_and_is_written_down(sqlite_url: str) -> None:
    async with desk(sqlite_url) as it:
        async with it.client() as client, asyncio.TaskGroup() as group:
            asking = group.create_task(client.call_tool("trial", {"amount": 0}))
            running = await it.hanging()
            asking.cancel()
            async with asyncio.timeout(30):
                while it.api.deps.runtime.running:  # noqa: ASYNC110 - the server decides
                    await asyncio.sleep(0.01)
        assert await it.came_of(running) == ("uncertain", "cancelled")
        # In the older protocol by a message of its own, in the session that `initialize` gave.
        begin = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "0"},
        }
        response = await it.send(ALL, message("initialize", begin))
        mine = ALL | {"Mcp-Session-Id": response.headers["Mcp-Session-Id"]}
        ask = message(
            "tools/call", {"name": "trial", "arguments": {"amount": 0}, "_meta": {offer.KEY: "k"}}
        )
        take_back = message("notifications/cancelled", {"requestId": ask["id"]})
        del take_back["id"]
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(it.post(mine, json=ask))
            running = await it.hanging()
            for others in (ALL, mine | ACME, mine | {"Mcp-Session-Id": "ab"}):
                assert (await it.send(others, take_back)).status == 202
            assert list(it.api.deps.runtime.running) == [running]
            assert (await it.send(mine, take_back)).status == 202
        status, answer = waiting.result()
        assert (status, answer["error"]["code"]) == (200, -32800)
        assert await it.came_of(running) == ("uncertain", "cancelled")
