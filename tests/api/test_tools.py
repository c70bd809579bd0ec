"""Tools over REST: what may run runs once, what may not never does, and a person decides where one has to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from api.composing import Sitting, agent_of
from api.records.demo import seed
from gateway.config import Settings
from gateway.stores import schema
from gateway.stores.business import Appointment
from gateway.stores.schema import DEFAULT_TENANT
from tests.api.house import TOOLS, House, checked, house
from tests.stores.calls import add_session
from tools.contract import CALL, Tool, ToolContext, ToolError, ToolUnavailable
from tools.parameters import JsonSchemaParameters
from tools.runtime.request import Request

pytestmark = pytest.mark.integration

KEYS = Settings(api_keys=(SecretStr("k-all"), SecretStr("acme:k-acme")))
ALL, ACME = {"Authorization": "Bearer k-all"}, {"Authorization": "Bearer k-acme"}


@dataclass
class Desk:
    api: House
    ran: list[ToolContext]
    """The runs of the tool `trial`."""

    async def execute(self, status: int, name: str = "trial", **how: Any) -> dict[str, Any]:
        headers = how.pop("headers", ALL)
        body = {"toolName": name, "parameters": {"amount": 5}} | how
        response = await self.api.client.post("/api/tools/execute", json=body, headers=headers)
        return await checked(response, "POST /api/tools/execute", status=status)

    async def rule(self, status: int = 200, *, headers: dict[str, str] = ALL, **changes: Any) -> Any:
        response = await self.api.client.patch("/api/cp/tool-policy/trial", json=changes, headers=headers)
        return await checked(response, "PATCH /api/cp/tool-policy/{toolId}", status=status)

    async def override(
        self, tenant: str, status: int = 200, *, headers: dict[str, str] = ALL, **changes: Any
    ) -> Any:
        path = f"/api/cp/tool-policy/tenants/{tenant}/overrides"
        response = await self.api.client.patch(f"{path}/trial", json=changes, headers=headers)
        contract = "/api/cp/tool-policy/tenants/{tenantId}/overrides/{toolId}"
        return await checked(response, f"PATCH {contract}", status=status)

    async def decide(self, approval: str, verb: str, *, headers: dict[str, str] = ALL, **body: Any) -> Any:
        path = f"/api/cp/tools/approvals/{approval}/{verb}"
        response = await self.api.client.post(path, json=body, headers=headers)
        return response.status, await response.json()

    async def get(self, path: str, *, headers: dict[str, str] = ALL) -> Any:
        response = await self.api.client.get(path, headers=headers)
        return response.status, await response.json()


@asynccontextmanager
async def desk(url: str, **kind: Any) -> AsyncIterator[Desk]:
    """A server with one more tool, `trial`, which writes."""
    ran: list[ToolContext] = []

    async def run(parameters: dict[str, Any], context: ToolContext) -> dict[str, Any]:
        ran.append(context)
        if parameters.get("amount") == 13:
            raise ToolError("Not thirteen.")
        return {"number": len(ran), "name": "Jordan Ellis"}

    schema = JsonSchemaParameters(
        {"properties": {"amount": {"type": "integer"}, "name": {"type": "string"}}, "required": ["amount"]}
    )
    trial = replace(Tool("trial", "A trial.", schema, run, effect="write"), **kind)
    async with house(url, settings=KEYS, tools={**TOOLS, "trial": trial}) as api:
        yield Desk(api, ran)


async def test_the_tools_of_a_persona(sqlite_url: str) -> None:
    async with desk(sqlite_url) as it:

        async def listed(status: int, query: str) -> dict[str, Any]:
            response = await it.api.client.get(f"/api/tools{query}")
            return await checked(response, "GET /api/tools", status=status)

        tools = {tool["name"]: tool for tool in (await listed(200, "?personaId=dental_reception"))["tools"]}
        assert {"find_slots", "book_appointment", "hang_up"} <= set(tools)
        assert tools["book_appointment"]["effect"] == "write"
        assert tools["book_appointment"]["parameters"]["required"]
        for query in ("", "?personaId=nobody"):
            assert "personaId" in (await listed(400, query))["message"]
        path = "/api/cp/tool-policy/find_slots"
        response = await it.api.client.patch(path, json={"access": "blocked"}, headers=ALL)
        _ = await checked(response, "PATCH /api/cp/tool-policy/{toolId}", status=200)
        names = {tool["name"] for tool in (await listed(200, "?personaId=dental_reception"))["tools"]}
        assert names == set(tools) - {"find_slots"}


async def test_a_run_and_the_same_again(any_database: str) -> None:
    async with desk(any_database) as it:
        first = await it.execute(200, callId="c-1", idempotencyKey="k")
        again = await it.execute(200, callId="c-1", idempotencyKey="k")
        assert (first["success"], first["result"]["number"], first["idempotentReplay"]) == (True, 1, False)
        assert (again["result"], again["idempotentReplay"]) == (first["result"], True)
        assert again["executionId"] == first["executionId"] == first["runtime"]["executionId"]
        assert (first["callId"], first["retries"], first["runtime"]["status"]) == ("c-1", 0, "allowed")
        assert [context.idempotency_key for context in it.ran] == ["k"]
        assert it.ran[0].tenant == DEFAULT_TENANT
        # Without a key one is made of what is asked for.
        for _ in range(2):
            for asked in ({}, {"businessKey": "b"}, {"parameters": {"amount": 6}}):
                assert (await it.execute(200, **asked))["success"]
        assert len(it.ran) == 4
        assert (await it.execute(200, headers=ACME))["idempotentReplay"] is False
        assert it.ran[-1].tenant == "acme"
        status, found = await it.get(f"/api/cp/tools/executions/{first['executionId']}")
        assert (status, found["source"], found["execution"]["status"]) == (200, "persisted", "done")
        assert "Jordan" not in str(found)
        assert (await it.get(f"/api/cp/tools/executions/{first['executionId']}", headers=ACME))[0] == 404


async def test_what_it_refuses_is_an_answer_and_what_is_asked_wrongly_is_not(sqlite_url: str) -> None:
    async with desk(sqlite_url) as it:
        refused = await it.execute(200, parameters={"amount": 13})
        assert (refused["success"], refused["result"], refused["error"]) == (False, None, "Not thirteen.")
        assert refused["runtime"]["status"] == "failed"
        for wrong, says in (
            ({"name": "nothing"}, "no tool"),
            ({"parameters": {"amount": "many"}}, "amount: must be of type integer"),
            ({"parameters": {}}, "missing amount"),
            ({"parameters": 5}, "parameters"),
            ({"idempotencyKey": ""}, "idempotencyKey"),
            ({"sessionId": "nobody"}, "session"),
        ):
            assert says in (await it.execute(400, **wrong))["message"]
        assert (await it.execute(200, parameters={"amount": "many"}, skipValidation=True))["success"]
        _ = await it.execute(200, idempotencyKey="k")
        reused = await it.execute(400, idempotencyKey="k", parameters={"amount": 9})
        assert "used for something else" in reused["message"]


async def test_a_session_has_its_personas_tools_and_its_key_opens_it(sqlite_url: str) -> None:
    async with desk(sqlite_url) as it:
        await seed(it.api.store.database, datetime.fromtimestamp(it.api.clock[0], UTC))
        session_id, key = await it.api.session(scenarioId="dental-appointment")
        mine: dict[str, Any] = {"sessionId": session_id, "headers": {"X-Session-Access": key}}
        slots = await it.execute(200, "find_slots", parameters={"service": "cleaning"}, **mine)
        booking = {
            "service": "cleaning",
            "starts_at": slots["result"]["slots"][0]["starts_at"],
            "name": "Jordan Ellis",
            "phone": "555 0100",
        }
        for replayed in (False, True):
            done = await it.execute(200, "book_appointment", parameters=booking, **mine)
            assert (done["success"], done["idempotentReplay"]) == (True, replayed)
        async with it.api.store.database.reading(DEFAULT_TENANT) as db:
            assert await db.scalar(select(func.count()).select_from(Appointment)) == 1
        assert "does not have that tool" in (await it.execute(403, **mine))["message"]
        hang_up = await it.execute(200, "hang_up", parameters={}, **mine)
        assert "live call" in hang_up["error"]
        for headers in ({}, {"X-Session-Access": "wrong"}):
            _ = await it.execute(403, "find_slots", parameters={}, sessionId=session_id, headers=headers)
        _ = await it.execute(400, sessionId=session_id, headers=ACME)
        assert not it.ran


async def test_who_is_nobody_runs_nothing(sqlite_url: str) -> None:
    async with desk(sqlite_url) as it:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            denied = await it.execute(403, headers=headers)
            assert (denied["error"], denied["runtime"]) == ("Policy Denied", {"status": "denied"})
        assert not it.ran
        # Over MCP only where that was switched on.
        assert (await it.api.client.post("/mcp", json={}, headers=ALL)).status == 404


async def test_what_is_blocked_never_runs(any_database: str) -> None:
    async with desk(any_database) as it:
        assert (await it.rule(access="blocked"))["rule"]["access"] == "blocked"
        _ = await it.override("acme", enabled=True)
        for headers in (ALL, ACME):
            denied = await it.execute(403, headers=headers)
            assert (denied["error"], denied["runtime"]["status"]) == ("Policy Denied", "denied")
            assert "blocked" in denied["message"]
        _ = await it.rule(access="tenant_optin")
        _ = await it.execute(403)
        assert (await it.execute(200, headers=ACME))["success"]
        assert [context.tenant for context in it.ran] == ["acme"]
        _ = await it.override("acme", enabled=False, headers=ACME)
        _ = await it.execute(403, headers=ACME, parameters={"amount": 6})
        _ = await it.rule(access=None)
        assert (await it.execute(200))["success"]
        assert len(it.ran) == 2


async def test_who_lays_down_what(sqlite_url: str) -> None:
    async with desk(sqlite_url) as it:
        for headers in ({}, ACME, {"Authorization": "Bearer wrong"}):
            _ = await it.rule(401, headers=headers, access="blocked")
        _ = await it.override("other", 401, headers=ACME, enabled=True)
        _ = await it.override("other", 200, enabled=True, requiresApproval=True)
        rule = (await it.rule(hipaaImpact=True, description="Tried."))["rule"]
        assert (rule["hipaaImpact"], rule["description"], rule["access"]) == (True, "Tried.", "global")
        assert rule["updatedBy"] == "server key"
        response = await it.api.client.get("/api/cp/tool-policy", headers=ACME)
        rules = (await checked(response, "GET /api/cp/tool-policy", status=200))["rules"]
        assert {one["toolId"] for one in rules} == {*TOOLS, "trial"}
        assert rule in rules
        for tenant, headers, count in (("other", ALL, 1), ("acme", ACME, 0)):
            path = f"/api/cp/tool-policy/tenants/{tenant}/overrides"
            response = await it.api.client.get(path, headers=headers)
            contract = "GET /api/cp/tool-policy/tenants/{tenantId}/overrides"
            assert len((await checked(response, contract, status=200))["overrides"]) == count
        response = await it.api.client.patch("/api/cp/tool-policy/nothing", json={}, headers=ALL)
        _ = await checked(response, "PATCH /api/cp/tool-policy/{toolId}", status=404)
        for wrong in ({"access": "everyone"}, {"acess": "blocked"}, {"hipaaImpact": "yes"}):
            response = await it.api.client.patch("/api/cp/tool-policy/trial", json=wrong, headers=ALL)
            assert response.status == 400


async def test_a_policy_takes_back_what_it_told(sqlite_url: str) -> None:
    """Keys that it does not know are ignored; what is no object is not; nor does a slip of the pen pass for a rule."""
    async with desk(sqlite_url) as it:
        rule = (await it.rule(access="tenant_optin"))["rule"]
        assert (await it.rule(**rule | {"access": "blocked"}))["rule"]["access"] == "blocked"
        override = (await it.override("acme", enabled=True))["override"]
        told = (await it.override("acme", **override | {"requiresApproval": True, "colour": "red"}))[
            "override"
        ]
        assert (told["enabled"], told["requiresApproval"]) == (True, True)
        assert "colour" not in told
        for path in ("/api/cp/tool-policy/trial", "/api/cp/tool-policy/tenants/acme/overrides/trial"):
            for wrong in ([], ["access"], "blocked", 5, {"acess": "blocked"}):
                response = await it.api.client.patch(path, json=wrong, headers=ALL)
                assert response.status == 400, wrong
        assert (await it.rule())["rule"]["access"] == "blocked"


async def test_what_needs_approval_runs_once_it_is_approved(any_database: str) -> None:
    async with desk(any_database, approval=True) as it:
        waits = await it.execute(202, idempotencyKey="k", parameters={"amount": 5, "name": "Ana"})
        again = await it.execute(202, idempotencyKey="k", parameters={"amount": 5, "name": "Ana"})
        approval = waits["result"]["approvalId"]
        assert (again["result"]["approvalId"], again["result"]["deduped"]) == (approval, True)
        assert "deduped" not in waits["result"]
        _, queue = await it.get("/api/cp/tools/approvals")
        (asked,) = queue["approvals"]
        assert (asked["approvalId"], asked["parameters"]) == (approval, {"amount": 5, "name": "Ana"})
        assert (await it.get("/api/cp/tools/approvals", headers=ACME))[1]["approvals"] == []
        for headers, status in (({}, 401), (ACME, 404)):
            assert (await it.decide(approval, "approve", headers=headers))[0] == status
        assert not it.ran
        status, decided = await it.decide(approval, "approve", by="Ana Ortiz", note="fine")
        assert (status, decided["approval"]["status"]) == (200, "done")
        assert (decided["approval"]["decidedBy"], decided["approval"]["note"]) == ("Ana Ortiz", "fine")
        assert "parameters" not in decided["approval"]
        for verb in ("approve", "reject"):
            assert (await it.decide(approval, verb))[0] == 409
        done = await it.execute(200, idempotencyKey="k", parameters={"amount": 5, "name": "Ana"})
        assert (done["idempotentReplay"], done["result"]["number"]) == (True, 1)
        assert len(it.ran) == 1
        _, past = await it.get("/api/cp/tools/approvals?status=decided")
        assert [one["approvalId"] for one in past["approvals"]] == [approval]
        assert (await it.get(f"/api/cp/tools/approvals/{approval}"))[1]["approval"]["status"] == "done"
        assert (await it.get("/api/cp/tools/approvals?status=all"))[0] == 400


async def test_what_is_rejected_or_not_decided_in_time_never_runs(any_database: str) -> None:
    async with desk(any_database, approval=True) as it:
        first = (await it.execute(202, idempotencyKey="k"))["result"]["approvalId"]
        assert (await it.decide(first, "reject", by="Ana"))[0] == 200
        denied = await it.execute(403, idempotencyKey="k")
        assert "does not approve" in denied["message"]
        assert (await it.decide(first, "approve"))[0] == 409
        late = (await it.execute(202, idempotencyKey="l"))["result"]["approvalId"]
        it.api.clock[0] += 901
        assert (await it.decide(late, "approve"))[0] == 409
        assert (await it.execute(202, idempotencyKey="l"))["result"]["approvalId"] != late
        blocked = (await it.execute(202, idempotencyKey="m"))["result"]["approvalId"]
        _ = await it.rule(access="blocked")
        status, decided = await it.decide(blocked, "approve")
        assert (status, decided["approval"]["status"]) == (200, "denied")
        assert not it.ran


async def test_what_waits_for_a_call_that_is_over_cannot_be_decided(sqlite_url: str) -> None:
    async with desk(sqlite_url, approval=True, category=CALL) as it:
        session = await add_session(it.api.store.database, DEFAULT_TENANT)
        async with it.api.store.database.writing(DEFAULT_TENANT) as db:
            db.add(
                schema.Call(
                    id="rtc_1", session_id=session, persona_id="assistant", leg="phone", provider="x",
                    boot_id=it.api.store.boot.id, started_at=it.api.clock[0],
                )
            )  # fmt: skip
        wish = Request("trial", {"amount": 5}, "model", DEFAULT_TENANT, session_id=session, call_id="rtc_1")
        approval = (await it.api.deps.runtime.execute(wish)).approval_id
        assert approval is not None
        async with it.api.store.database.writing(DEFAULT_TENANT) as db:
            (await db.get_one(schema.Call, "rtc_1")).ended_at = it.api.clock[0]
        for verb in ("approve", "reject", "approve"):
            status, refused = await it.decide(approval, verb)
            assert (status, "The call is over" in refused["message"]) == (409, True)
        assert (await it.get("/api/cp/tools/approvals"))[1]["count"] == 0
        (past,) = (await it.get("/api/cp/tools/approvals?status=decided"))[1]["approvals"]
        assert (past["status"], past["reason"], "endedAt" in past) == ("expired", "call-over", True)
        assert "parameters" not in past
        _, journal = await it.get(f"/api/cp/tools/executions/{past['executionId']}")
        assert (journal["execution"]["status"], journal["execution"]["reason"]) == ("expired", "call-over")
        assert not it.ran


async def test_an_idempotency_key_that_is_too_long_is_told(sqlite_url: str) -> None:
    async with desk(sqlite_url) as it:
        refused = await it.execute(400, idempotencyKey="k" * 256)
        assert "idempotencyKey" in refused["message"]
        assert (await it.execute(200, idempotencyKey="k" * 200))["success"]
        assert len(it.ran) == 1


async def test_many_who_ask_at_once_get_one_run(any_database: str) -> None:
    async with desk(any_database) as it:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(it.execute(200, idempotencyKey="k")) for _ in range(6)]
        answers = [task.result() for task in tasks]
        assert len(it.ran) == 1
        assert sum(not answer["idempotentReplay"] and answer["success"] for answer in answers) == 1
        failed = [answer["error"] for answer in answers if not answer["success"]]
        assert all("being done at this moment" in error for error in failed)


async def test_the_runs_of_a_session(sqlite_url: str) -> None:
    async with desk(sqlite_url) as it:
        session_id, key = await it.api.session(scenarioId="dental-appointment")
        mine: dict[str, Any] = {"sessionId": session_id, "headers": {"X-Session-Access": key}}
        _ = await it.execute(200, "find_slots", parameters={"service": "cleaning"}, **mine)
        it.api.clock[0] += 1
        _ = await it.execute(403, **mine)
        path = f"/api/cp/sessions/{session_id}/tool-executions"
        response = await it.api.client.get(path, headers=ALL)
        runs = await checked(response, "GET /api/cp/sessions/{id}/tool-executions", status=200)
        assert [(run["toolName"], run["status"]) for run in runs["persisted"]] == [
            ("find_slots", "done"),
            ("trial", "denied"),
        ]
        assert runs["memory"] == []
        theirs = await it.api.client.get(path, headers=ACME)
        assert (await theirs.json())["persisted"] == []
        nobody = await it.api.client.get(path)
        _ = await checked(nobody, "GET /api/cp/sessions/{id}/tool-executions", status=401)


async def test_a_run_that_goes_on_is_told_from_memory(sqlite_url: str) -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def run(_parameters: dict[str, Any], _context: ToolContext) -> dict[str, Any]:
        begun.set()
        await over.wait()
        return {"number": 1}

    async with desk(sqlite_url, effect="read", run=run) as it, asyncio.TaskGroup() as group:
        # What a model only reads is written down afterwards; what else runs, before.
        wish = Request(
            tool="trial", arguments={"amount": 5}, caller="model", tenant=DEFAULT_TENANT, session_id="s-1"
        )
        asked = group.create_task(it.api.deps.runtime.execute(wish))
        await begun.wait()
        (name,) = it.api.deps.runtime.running
        one, all_ = "/api/cp/tools/executions/{executionId}", "/api/cp/sessions/{id}/tool-executions"
        for source, status in (("memory", "running"), ("persisted", "done")):
            path = one.replace("{executionId}", name)
            told = await checked(await it.api.client.get(path, headers=ALL), f"GET {one}", status=200)
            assert (told["source"], told["execution"]["status"]) == (source, status)
            _ = await checked(await it.api.client.get(path, headers=ACME), f"GET {one}", status=404)
            listed = await it.api.client.get(all_.replace("{id}", "s-1"), headers=ALL)
            told = await checked(listed, f"GET {all_}", status=200)
            found = {
                where: [run["executionId"] for run in told[where]] for where in ("memory", "persisted")
            }
            assert found == {"memory": [], "persisted": []} | {source: [name]}
            over.set()
            assert (await asked).id == name


async def test_a_retry_is_taken_back_and_validation_is_the_operators_to_skip(sqlite_url: str) -> None:
    runs: list[dict[str, Any]] = []

    async def run(parameters: dict[str, Any], _context: ToolContext) -> dict[str, Any]:
        runs.append(parameters)
        raise ToolUnavailable("Nobody there.")

    async with desk(sqlite_url, effect="read", retries=1, run=run) as it:
        wishes: tuple[tuple[dict[str, Any], int], ...] = (
            ({}, 2), ({"useRetry": True}, 2), ({"useRetry": False}, 1),
        )  # fmt: skip
        for wish, count in wishes:
            runs.clear()
            told = await it.execute(200, **wish)
            assert (told["success"], told["retries"], len(runs)) == (False, count - 1, count)
        runs.clear()
        odd: dict[str, Any] = {"parameters": {"amount": "many"}, "useRetry": False}
        _ = await it.execute(400, **odd)
        _ = await it.execute(200, **odd, skipValidation=True)
        assert runs == [{"amount": "many"}]
        # It skips nothing else.
        _ = await it.rule(access="blocked")
        _ = await it.execute(403, **odd, skipValidation=True)
        nora = it.api.deps.personas["dental_reception"]
        catalog = it.api.deps.catalogs.current
        changed = nora.model_copy(update={"tools": (*nora.tools, "trial")})
        it.api.deps.catalogs.replace(replace(catalog, personas={**catalog.personas, nora.id: changed}))
        _ = await it.rule(access=None)
        session_id, key = await it.api.session(scenarioId="dental-appointment")
        mine: dict[str, Any] = {"sessionId": session_id, "headers": {"X-Session-Access": key}}
        _ = await it.execute(400, **odd, **mine, skipValidation=True)
        assert len(runs) == 1


async def test_the_page_of_approvals_is_served(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        response = await api.client.get("/console/approvals")
        assert response.status == 200
        assert response.content_type == "text/html"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "://" not in (await response.text()).replace("http://www.w3.org", "")


async def test_an_agent_is_not_offered_what_is_blocked(sqlite_url: str) -> None:
    async with desk(sqlite_url) as it:

        async def offered() -> set[str]:
            persona = it.api.deps.personas["dental_reception"]
            return set(agent_of(it.api.deps, persona, Sitting(None)).tools)

        assert "find_slots" in await offered()
        path = "/api/cp/tool-policy/find_slots"
        _ = await it.api.client.patch(path, json={"access": "blocked"}, headers=ALL)
        assert "find_slots" not in await offered()
        _ = await it.api.client.patch(path, json={"access": None}, headers=ALL)
        assert "find_slots" in await offered()


async def test_a_rule_that_cannot_be_says_what_it_may_be(sqlite_url: str) -> None:
    async with desk(sqlite_url) as it:
        told = await it.rule(400, access="maybe")
        assert told["message"] == "access: must be one of 'global', 'tenant_optin' or 'blocked'"
