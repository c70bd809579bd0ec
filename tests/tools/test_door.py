"""The one door: what may run runs once, in its turn, and is written down; what may not never runs, whoever asks."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.tools.doors import Counted, Door, asks, trial
from tools.contract import CALL, ToolError, ToolUnavailable
from tools.runtime.budget import Budget
from tools.runtime.door import APPROVAL_S, EXPIRE_S
from tools.runtime.fuse import FAILURES, OPEN_S
from tools.runtime.ledger import LEFT_S, LedgerError
from tools.runtime.policy import Override, Policy, Rule

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

CALLERS = ("model", "rest", "mcp")


class Broken:
    """A ledger and a policy that cannot be reached."""

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: Any, **__: Any) -> None:
            raise LedgerError("no database")

        return fail


async def never(_: int) -> dict[str, Any]:
    await asyncio.Event().wait()
    return {}


async def test_what_may_run_runs_and_is_written_down() -> None:
    door = Door(trial(handler := Counted(), effect="write"))
    done = await door.runtime.execute(asks(key="s:1", session_id="s"))
    assert (done.status, done.result, done.ok, handler.keys) == ("done", {"run": 1}, True, ["s:1"])
    assert json.loads(done.output) == {"run": 1}
    (entry,) = door.ledger.entries.values()
    assert (entry.state, entry.key, entry.session_id, entry.id) == ("done", "s:1", "s", done.id)
    assert not door.runtime.running


# ── what may not ──


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(
    ("kind", "rule", "override", "reason"),
    [
        ({"access": "blocked"}, None, None, "blocked"),
        ({"access": "blocked"}, None, Override(enabled=True), "blocked"),
        ({}, Rule(access="blocked"), Override(enabled=True), "blocked"),
        ({"access": "tenant_optin"}, None, None, "not-opted-in"),
        ({}, Rule(access="tenant_optin"), Override(approval=False), "not-opted-in"),
        ({}, None, Override(enabled=False), "switched-off"),
    ],
)
async def test_what_the_policy_forbids_never_runs(
    caller: str, kind: dict[str, Any], rule: Rule | None, override: Override | None, reason: str
) -> None:
    door = Door(trial(handler := Counted(), **kind))
    door.policies.rules = {} if rule is None else {"trial": rule}
    door.policies.overrides = {} if override is None else {"t": {"trial": override}}
    denied = await door.runtime.execute(asks(caller=caller))
    assert (denied.status, denied.reason, denied.ok) == ("denied", reason, False)
    assert handler.runs == 0
    (entry,) = door.ledger.entries.values()
    assert (entry.state, entry.caller) == ("denied", caller)


async def test_who_opted_in_may_and_nobody_else() -> None:
    door = Door(trial(handler := Counted(), access="tenant_optin"))
    door.policies.overrides = {"t": {"trial": Override(enabled=True)}}
    assert (await door.runtime.execute(asks())).status == "done"
    assert (await door.runtime.execute(asks(tenant="u"))).reason == "not-opted-in"
    assert handler.runs == 1


@pytest.mark.parametrize("caller", CALLERS)
async def test_what_needs_approval_is_asked_for_and_not_run(caller: str) -> None:
    door = Door(trial(handler := Counted(), effect="write", approval=True))
    waits = await door.runtime.execute(asks(caller=caller, key="k"))
    again = await door.runtime.execute(asks(caller=caller, key="k"))
    assert waits.status == again.status == "pending_approval"
    assert waits.approval_id == again.approval_id
    assert (waits.deduped, again.deduped) == (False, True)
    assert handler.runs == 0
    assert json.loads(waits.output)["status"] == "pending_approval"


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_rule_that_cannot_be_read_lets_nothing_through(caller: str) -> None:
    door = Door(trial(handler := Counted()), policies=Broken())
    assert (await door.runtime.execute(asks(caller=caller))).reason == "no-policy"
    assert handler.runs == 0


async def test_a_call_can_be_ended_though_no_rule_can_be_read() -> None:
    door = Door(
        trial(handler := Counted(), category=CALL, effect="write"), policies=Broken(), ledger=Broken()
    )
    assert (await door.runtime.execute(asks())).status == "done"
    assert handler.runs == 1


async def test_a_write_that_cannot_be_written_down_is_not_done() -> None:
    door = Door(trial(handler := Counted(), effect="write"), ledger=Broken())
    refused = await door.runtime.execute(asks())
    assert (refused.status, refused.reason, handler.runs) == ("failed", "no-ledger", 0)


async def test_what_the_agent_does_not_have_or_nobody_has() -> None:
    door = Door(trial(handler := Counted()))
    assert (await door.runtime.execute(asks(offered=frozenset({"other"})))).reason == "not-offered"
    assert (await door.runtime.execute(asks("nothing"))).reason == "unknown-tool"
    assert handler.runs == 0


async def test_wrong_arguments_say_what_to_correct() -> None:
    door = Door(trial(handler := Counted()))
    wrong = await door.runtime.execute(asks(arguments='{"count": 12}'))
    assert (wrong.reason, handler.runs) == ("invalid", 0)
    assert "less than or equal to 9" in json.loads(wrong.output)["error"]


# ── once ──


async def test_the_same_key_gives_the_first_result() -> None:
    door = Door(trial(handler := Counted(), effect="write"))
    first = await door.runtime.execute(asks(key="k", caller="rest"))
    again = await door.runtime.execute(asks(key="k", caller="rest"))
    assert (first.result, first.replayed) == ({"run": 1}, False)
    assert (again.result, again.replayed, again.id) == ({"run": 1}, True, first.id)
    assert handler.runs == 1


async def test_a_key_is_made_of_tool_tenant_session_arguments_and_business_key() -> None:
    door = Door(trial(handler := Counted(), effect="write"), trial(handler, "other", effect="write"))
    wishes: list[dict[str, Any]] = [
        {},
        {"tenant": "u"},
        {"session_id": "s"},
        {"arguments": {"count": 2}},
        {"business_key": "b"},
        {"tool": "other"},
    ]
    for wish in wishes * 2:
        execution = await door.runtime.execute(asks(**({"caller": "rest"} | wish)))
        assert execution.status == "done"
    assert handler.runs == len(wishes)


async def test_a_key_is_of_one_wish() -> None:
    door = Door(trial(handler := Counted(), effect="write"))
    _ = await door.runtime.execute(asks(key="k"))
    assert (await door.runtime.execute(asks(key="k", arguments={"count": 2}))).reason == "key-reused"
    assert handler.runs == 1


async def test_a_tenants_keys_are_its_own() -> None:
    door = Door(trial(handler := Counted(), effect="write"))
    for tenant in ("t", "u"):
        assert not (await door.runtime.execute(asks(key="k", tenant=tenant))).replayed
    assert handler.runs == 2


async def test_what_failed_for_a_reason_may_be_tried_again() -> None:
    async def refuse_once(run: int) -> dict[str, Any]:
        if run == 1:
            raise ToolError("Not yet.")
        return {"run": run}

    door = Door(trial(handler := Counted(refuse_once), effect="write"))
    assert (await door.runtime.execute(asks(key="k"))).error == "Not yet."
    assert (await door.runtime.execute(asks(key="k"))).result == {"run": 2}
    assert handler.runs == 2


async def test_nobody_runs_what_may_have_happened_again() -> None:
    door = Door(trial(handler := Counted(never), effect="write", timeout_s=1))
    first = await door.runtime.execute(asks(key="k"))
    again = await door.runtime.execute(asks(key="k"))
    assert (first.reason, again.reason, again.replayed) == ("timed-out", "timed-out", True)
    assert handler.runs == 1


async def test_what_is_idempotent_runs_again_under_the_first_key_when_the_model_repeats_it() -> None:
    async def slow_once(run: int) -> dict[str, Any]:
        return await never(run) if run == 1 else {"run": run}

    door = Door(trial(handler := Counted(slow_once), effect="write", idempotent=True, timeout_s=1))
    assert (await door.runtime.execute(asks(key="s:1", session_id="s"))).reason == "timed-out"
    assert (await door.runtime.execute(asks(key="s:2", session_id="s"))).result == {"run": 2}
    assert handler.keys == ["s:1", "s:1"]
    # Another session's wish is another one.
    _ = await door.runtime.execute(asks(key="u:1", session_id="u"))
    assert handler.keys[-1] == "u:1"


async def test_two_at_once_with_one_key_run_once() -> None:
    async def slow(run: int) -> dict[str, Any]:
        await asyncio.sleep(1)
        return {"run": run}

    door = Door(trial(handler := Counted(slow), effect="write"))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(door.runtime.execute(asks(key="k"))) for _ in range(3)]
    assert sorted(task.result().reason for task in tasks) == ["in-flight", "in-flight", "ok"]
    assert handler.runs == 1


async def test_what_was_read_is_read_again_after_a_while() -> None:
    door = Door(trial(handler := Counted()))
    for _ in range(2):
        assert (await door.runtime.execute(asks(caller="rest"))).result == {"run": 1}
    door.wall += 301
    assert (await door.runtime.execute(asks(caller="rest"))).result == {"run": 2}
    assert handler.runs == 2


# ── trouble ──


async def test_what_cannot_be_reached_is_tried_again_where_that_is_safe() -> None:
    async def away(_: int) -> dict[str, Any]:
        raise ToolUnavailable("Nobody there.")

    for kind, runs in (
        ({}, 3),
        ({"effect": "write"}, 1),
        ({"effect": "write", "idempotent": True}, 3),
        ({"retries": 0}, 1),
        ({"retries": 3}, 4),
    ):
        door = Door(trial(handler := Counted(away), **kind))
        execution = await door.runtime.execute(asks())
        assert (execution.reason, execution.attempts, handler.runs) == ("unavailable", runs, runs)
    door = Door(trial(Counted(away)))
    assert (await door.runtime.execute(asks(retry=False))).attempts == 1


async def test_a_retry_that_succeeds_is_a_success() -> None:
    async def away_once(run: int) -> dict[str, Any]:
        if run == 1:
            raise ToolUnavailable("Nobody there.")
        return {"run": run}

    door = Door(trial(Counted(away_once)))
    execution = await door.runtime.execute(asks())
    assert (execution.status, execution.attempts, execution.result) == ("done", 2, {"run": 2})
    assert execution.duration_ms >= 100


async def test_a_tool_that_fails_time_and_again_is_left_alone_and_tried_later() -> None:
    well = False

    async def fail(run: int) -> dict[str, Any]:
        if not well:
            raise RuntimeError
        return {"run": run}

    door = Door(trial(handler := Counted(fail)))
    for _ in range(FAILURES):
        assert (await door.runtime.execute(asks())).reason == "failed"
    assert (await door.runtime.execute(asks())).reason == "out-of-order"
    assert handler.runs == FAILURES
    await asyncio.sleep(OPEN_S + 0.1)
    well = True
    assert (await door.runtime.execute(asks())).status == "done"
    assert (await door.runtime.execute(asks())).status == "done"


async def test_as_many_run_at_once_as_the_tool_takes() -> None:
    at_once = most = 0

    async def work(_: int) -> dict[str, Any]:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(4)
        at_once -= 1
        return {}

    door = Door(trial(Counted(work), max_concurrent=2))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(door.runtime.execute(asks())) for _ in range(8)]
    # Two places, ten seconds each waits at most: the fourth pair comes too late.
    assert sorted(task.result().reason for task in tasks) == ["busy"] * 2 + ["ok"] * 6
    assert most == 2


async def test_a_call_has_a_budget() -> None:
    door = Door(trial(handler := Counted()))
    budget = Budget(runs=2)
    reasons = [(await door.runtime.execute(asks(budget=budget))).reason for _ in range(3)]
    assert reasons == ["ok", "ok", "over-budget"]
    assert handler.runs == 2


async def test_parallel_runs_of_a_call_are_bounded() -> None:
    async def slow(_: int) -> dict[str, Any]:
        await asyncio.sleep(1)
        return {}

    door = Door(trial(Counted(slow)))
    budget = Budget(at_once=3)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(door.runtime.execute(asks(budget=budget))) for _ in range(5)]
    assert sorted(task.result().reason for task in tasks) == ["ok"] * 3 + ["over-budget"] * 2


async def test_the_end_of_a_call_leaves_no_run_open() -> None:
    door = Door(trial(Counted(never), effect="write"))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(door.runtime.execute(asks(key="k")))
        await asyncio.sleep(1)
        assert len(door.runtime.running) == 1
        task.cancel()
    (entry,) = door.ledger.entries.values()
    assert (entry.state, entry.reason) == ("uncertain", "cancelled")
    assert not door.runtime.running


# ── a person decides ──


async def test_what_is_approved_runs_once_where_it_was_approved_and_the_call_hears_of_it() -> None:
    door = Door(trial(handler := Counted(), effect="write", approval=True))
    async with door.runtime as runtime, asyncio.TaskGroup() as group:
        waits = await runtime.execute(request := asks(key="k"))
        waiting = group.create_task(runtime.approvals.outcome(request, waits))
        await asyncio.sleep(60)
        assert waits.approval_id is not None
        decided = await runtime.approvals.decide("t", waits.approval_id, approve=True, by="ana")
        late = await runtime.approvals.decide("t", waits.approval_id, approve=False, by="bob")
    assert decided is not None
    assert late is not None
    assert (decided[0].state, decided[0].decided_by, decided[1]) == ("done", "ana", True)
    assert (late[0].state, late[1]) == ("done", False)
    assert (waiting.result().status, waiting.result().result) == ("done", {"run": 1})
    assert handler.runs == 1
    assert decided[0].arguments is None


async def test_what_is_rejected_never_runs() -> None:
    door = Door(trial(handler := Counted(), effect="write", approval=True))
    async with door.runtime as runtime:
        waits = await runtime.execute(request := asks(key="k"))
        _ = await runtime.approvals.decide("t", waits.approval_id or "", approve=False, by="ana", note="no")
        answer = await runtime.approvals.outcome(request, waits)
        again = await runtime.execute(request)
        approved = await runtime.approvals.decide("t", waits.approval_id or "", approve=True, by="bob")
    assert (answer.status, answer.reason) == (again.status, again.reason) == ("denied", "rejected")
    assert approved is not None
    assert (approved[0].state, approved[1]) == ("rejected", False)
    assert handler.runs == 0


async def test_nobody_waits_for_ever() -> None:
    door = Door(trial(handler := Counted(), effect="write", approval=True))
    async with door.runtime as runtime:
        waits = await runtime.execute(request := asks(key="k"))
        assert (await runtime.approvals.outcome(request, waits)).reason == "expired"
        _ = await runtime.approvals.decide("t", waits.approval_id or "", approve=True, by="ana")
        assert handler.runs == 0
        # The wish may be uttered again.
        assert not (await runtime.execute(request)).deduped


async def test_what_nobody_decided_keeps_nothing_that_was_said() -> None:
    door = Door(trial(Counted(), effect="write", approval=True))
    async with door.runtime as runtime:
        waits = await runtime.execute(asks(key="k"))
        # Past the time to decide, and past the next look.
        await asyncio.sleep(APPROVAL_S + 2 * EXPIRE_S)
        kept = await runtime.ledger.find("t", waits.id)
        assert kept is not None
        assert (kept.state, kept.arguments) == ("expired", None)


async def test_what_acts_on_the_call_is_run_by_the_call() -> None:
    door = Door(trial(handler := Counted(), category=CALL, effect="write", approval=True))
    async with door.runtime as runtime, asyncio.TaskGroup() as group:
        waits = await runtime.execute(request := asks(key="k"))
        decided = await runtime.approvals.decide("t", waits.approval_id or "", approve=True, by="ana")
        assert decided is not None
        assert (decided[0].state, handler.runs) == ("approved", 0)
        assert (await group.create_task(runtime.approvals.outcome(request, waits))).status == "done"
    assert handler.runs == 1


async def test_what_acts_on_a_call_expires_with_the_call() -> None:
    door = Door(trial(handler := Counted(), category=CALL, effect="write", approval=True))
    async with door.runtime as runtime, asyncio.TaskGroup() as group:
        waits = await runtime.execute(request := asks(key="k"))
        waiting = group.create_task(runtime.approvals.outcome(request, waits))
        await asyncio.sleep(60)
        waiting.cancel()
        await asyncio.wait([waiting])
        late = await runtime.approvals.decide("t", waits.approval_id or "", approve=True, by="ana")
        assert late is not None
        entry, counts = late
        assert (entry.state, entry.reason, entry.arguments, counts) == ("expired", "call-over", None, False)
        assert "call was over" in (entry.error or "")
        assert [one.id for one in await runtime.ledger.queue("t", 0.0, settled=True)] == [waits.id]
        # The same wish in another call is a new one.
        assert not (await runtime.execute(request)).deduped
    assert handler.runs == 0


async def test_what_was_approved_for_a_call_that_is_gone_does_not_stay_approved() -> None:
    door = Door(trial(handler := Counted(), category=CALL, effect="write", approval=True))
    async with door.runtime as runtime:
        waits = await runtime.execute(asks(key="k"))
        decided = await runtime.approvals.decide("t", waits.approval_id or "", approve=True, by="ana")
        assert decided is not None
        assert decided[0].state == "approved"
        await asyncio.sleep(LEFT_S + 2 * EXPIRE_S)
        kept = await runtime.ledger.find("t", waits.id)
    assert kept is not None
    assert (kept.state, kept.reason, kept.decided_by, handler.runs) == ("expired", "call-over", "ana", 0)


async def test_what_is_asked_for_without_a_call_waits_for_none() -> None:
    async def needs_a_call(_: int) -> dict[str, Any]:
        raise ToolError("This works in a live call only, and there is none.")

    door = Door(trial(Counted(needs_a_call), category=CALL, effect="write", approval=True))
    async with door.runtime as runtime:
        waits = await runtime.execute(asks(key="k", caller="rest"))
        decided = await runtime.approvals.decide("t", waits.approval_id or "", approve=True, by="ana")
    assert decided is not None
    assert (decided[0].state, decided[0].reason) == ("failed", "refused")


async def test_what_was_blocked_meanwhile_does_not_run_though_it_is_approved() -> None:
    door = Door(trial(handler := Counted(), effect="write", approval=True))
    async with door.runtime as runtime:
        waits = await runtime.execute(request := asks(key="k"))
        door.policies.rules = {"trial": Rule(access="blocked")}
        decided = await runtime.approvals.decide("t", waits.approval_id or "", approve=True, by="ana")
        assert decided is not None
        assert (decided[0].state, handler.runs) == ("denied", 0)
        assert (await runtime.approvals.outcome(request, waits)).status == "denied"


async def test_nobody_decides_for_another_tenant() -> None:
    door = Door(trial(handler := Counted(), effect="write", approval=True))
    async with door.runtime as runtime:
        waits = await runtime.execute(asks(key="k"))
        assert await runtime.approvals.decide("u", waits.approval_id or "", approve=True, by="eve") is None
    assert handler.runs == 0


async def test_a_tenant_may_have_what_it_wants_approved() -> None:
    door = Door(trial(handler := Counted(), effect="write"))
    door.policies.overrides = {"t": {"trial": Override(approval=True)}}
    assert (await door.runtime.execute(asks())).status == "pending_approval"
    assert (await door.runtime.execute(asks(tenant="u"))).status == "done"
    assert handler.runs == 1


def test_the_fingerprint_of_a_policy_changes_with_what_it_decides_only() -> None:
    tools = (trial(Counted()), trial(Counted(), "other"))
    plain = Policy().fingerprint(tools)
    assert plain == Policy({"trial": Rule(category="x")}, {"third": Override(enabled=False)}).fingerprint(
        tools
    )
    assert plain == Policy().fingerprint(reversed(tools))
    assert plain != Policy({"trial": Rule(access="blocked")}).fingerprint(tools)
    assert plain != Policy({}, {"other": Override(approval=True)}).fingerprint(tools)
