"""Every ledger keeps its promises, and a process that dies while it books has booked once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from api.records.executions import SqlLedger
from api.records.tool_policy import SqlPolicies, lay_down, override
from gateway.stores import schema
from gateway.stores.business import Appointment
from gateway.stores.engine import EVERY_TENANT
from gateway.stores.executions import ExecutionRow
from gateway.stores.schema import DEFAULT_TENANT
from gateway.stores.sql import SqlStore
from tests.stores.calls import add_session
from tests.stores.killed import booked, opened, runtime_on
from tests.tools.doors import asks, trial
from tools.contract import ToolContext
from tools.runtime.ledger import LEFT_S, Entry, Ledger, LedgerError, Terms
from tools.runtime.memory import MemoryLedger
from tools.runtime.policy import Override, Rule

pytestmark = pytest.mark.contract

NOW = 1_000_000.0


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    async with stored(request, request.param, tmp_path) as store:
        yield SqlLedger(store.database, store.boot)


@asynccontextmanager
async def stored(request: pytest.FixtureRequest, kind: str, folder: Path) -> AsyncIterator[SqlStore]:
    async with SqlStore.open(url_of(request, kind, folder)) as store:
        yield store


def url_of(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    from tests.databases import fresh_database

    if kind == "sqlite":
        return f"sqlite:///{folder}/data/parley.db"
    return fresh_database(request.getfixturevalue("postgres"))


def entry(name: str, **changes: Any) -> Entry:
    plain = Entry(
        id=f"exec_{name}",
        tenant="t",
        tool="trial",
        caller="model",
        key="k",
        fingerprint="f",
        state="running",
        reason="ok",
        session_id="s",
        effect="write",
        started_at=NOW,
        lease_until=NOW + 40,
    )
    return replace(plain, **changes)


def pending(name: str, **changes: Any) -> Entry:
    waits = {
        "state": "pending_approval",
        "reason": "awaits-approval",
        "approval_id": f"appr_{name}",
        "arguments": {"count": 1},
        "expires_at": NOW + 900,
    }
    return entry(name, **(waits | changes))


ONCE = Terms(NOW, repeatable=False)
AGAIN = Terms(NOW, repeatable=True)


async def test_one_of_many_gets_the_key(ledger: Ledger) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ledger.claim(entry(str(number)), ONCE)) for number in range(8)]
    claims = [task.result() for task in tasks]
    assert sum(claim.ours for claim in claims) == 1
    assert len({claim.entry.id for claim in claims}) == 1


async def test_what_is_done_comes_back_whole(ledger: Ledger) -> None:
    claim = await ledger.claim(entry("a"), ONCE)
    done = replace(
        claim.entry, state="done", result={"code": "K7Q2", "of": [1, None]}, ended_at=NOW + 1, attempts=1
    )
    await ledger.settle(done)
    again = await ledger.claim(entry("b"), ONCE)
    assert (again.ours, again.entry) == (False, done)
    assert await ledger.find("t", "exec_a") == done
    assert await ledger.find("u", "exec_a") is None
    assert await ledger.find("t", "exec_b") is None


@pytest.mark.parametrize("text", ["\ud83d", "\x00"])
async def test_what_a_database_cannot_hold_is_a_fault_of_the_ledger(ledger: Ledger, text: str) -> None:
    with suppress(LedgerError):
        _ = await ledger.claim(entry("a", key=f"k{text}", preview=text), ONCE)
    assert (await ledger.claim(entry("b"), ONCE)).ours


async def test_what_nobody_decided_in_time_gives_up_its_key_and_what_the_caller_said(
    ledger: Ledger,
) -> None:
    terms = replace(ONCE, approval=True)
    for tenant in ("t", "u"):
        _ = await ledger.claim(pending(f"late_{tenant}", tenant=tenant), terms)
        _ = await ledger.claim(
            pending(f"soon_{tenant}", tenant=tenant, key="k2", expires_at=NOW + 9999), terms
        )
    await ledger.expire(NOW + 901)
    for tenant in ("t", "u"):
        late = await ledger.find(tenant, f"exec_late_{tenant}")
        soon = await ledger.find(tenant, f"exec_soon_{tenant}")
        assert late is not None
        assert soon is not None
        assert (late.state, late.reason, late.arguments) == ("expired", "expired", None)
        assert (soon.state, soon.arguments) == ("pending_approval", {"count": 1})
    again = await ledger.claim(pending("b", expires_at=NOW + 1800), replace(terms, now=NOW + 902))
    assert again.fresh


async def test_what_failed_frees_its_key_and_stays_in_the_journal(ledger: Ledger) -> None:
    claim = await ledger.claim(entry("a"), ONCE)
    await ledger.settle(replace(claim.entry, state="failed", reason="refused", error="no", ended_at=NOW))
    await ledger.note(entry("n", state="denied", reason="blocked"))
    assert (await ledger.claim(entry("b", started_at=NOW + 1), ONCE)).ours
    assert {one.id for one in await ledger.of_session("t", "s")} == {"exec_a", "exec_n", "exec_b"}
    assert await ledger.of_session("u", "s") == []


@pytest.mark.parametrize(("repeatable", "ours"), [(True, True), (False, False)])
async def test_a_run_that_outlives_its_lease_is_lost(ledger: Ledger, repeatable: bool, ours: bool) -> None:
    _ = await ledger.claim(entry("a"), ONCE)
    assert not (await ledger.claim(entry("b"), AGAIN)).ours
    later = Terms(NOW + 41, repeatable=repeatable)
    claim = await ledger.claim(entry("b", lease_until=NOW + 81), later)
    assert (claim.ours, claim.entry.id) == (ours, "exec_a")
    assert claim.entry.state == ("running" if ours else "uncertain")
    assert not (await ledger.claim(entry("c"), ONCE)).ours


async def test_an_uncertain_run_is_taken_up_by_who_wants_the_same(ledger: Ledger) -> None:
    claim = await ledger.claim(entry("a"), ONCE)
    await ledger.settle(replace(claim.entry, state="uncertain", reason="timed-out", ended_at=NOW))
    other = await ledger.claim(entry("b", key="l", fingerprint="g"), replace(AGAIN, adopt=True))
    assert (other.ours, other.entry.id) == (True, "exec_b")
    elsewhere = await ledger.claim(entry("c", key="m", session_id="z"), replace(AGAIN, adopt=True))
    assert elsewhere.entry.id == "exec_c"
    same = await ledger.claim(entry("d", key="n"), replace(AGAIN, adopt=True))
    assert (same.ours, same.entry.id, same.entry.key) == (True, "exec_a", "k")


async def test_what_nobody_approved_is_not_taken_up(ledger: Ledger) -> None:
    claim = await ledger.claim(entry("a"), ONCE)
    await ledger.settle(replace(claim.entry, state="uncertain", reason="timed-out", ended_at=NOW))
    assert not (await ledger.claim(pending("b"), replace(AGAIN, approval=True))).ours


async def test_what_was_read_grows_old(ledger: Ledger) -> None:
    claim = await ledger.claim(entry("a"), ONCE)
    await ledger.settle(replace(claim.entry, state="done", result={}, ended_at=NOW))
    assert not (await ledger.claim(entry("b"), Terms(NOW + 9, repeatable=True, fresh_s=10))).ours
    assert (await ledger.claim(entry("b"), Terms(NOW + 10, repeatable=True, fresh_s=10))).ours


async def test_one_decision_counts(ledger: Ledger) -> None:
    terms = replace(AGAIN, approval=True)
    first = await ledger.claim(pending("a"), terms)
    again = await ledger.claim(pending("b"), terms)
    assert (first.ours, first.fresh, again.ours, again.fresh) == (False, True, False, False)
    assert [one.id for one in await ledger.queue("t", NOW, settled=False)] == ["exec_a"]
    assert await ledger.queue("u", NOW, settled=False) == []
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                ledger.decide("t", "appr_a", approve=approve, by=by, note="so it is", now=NOW + 1)
            )
            for approve, by in ((True, "ana"), (False, "bob"), (True, "cy"))
        ]
    decisions = [task.result() for task in tasks]
    assert all(decisions)
    assert [decision[1] for decision in decisions if decision].count(True) == 1
    assert len({(d[0].state, d[0].decided_by) for d in decisions if d}) == 1
    assert await ledger.decide("t", "appr_x", approve=True, by="ana", note="", now=NOW) is None
    assert await ledger.decide("u", "appr_a", approve=True, by="eve", note="", now=NOW) is None
    assert await ledger.queue("t", NOW, settled=False) == []
    assert [one.id for one in await ledger.queue("t", NOW, settled=True)] == ["exec_a"]


async def test_a_call_that_ends_takes_along_what_was_not_run(ledger: Ledger) -> None:
    for name, approve, reason in (
        ("a", None, "call-over"),
        ("b", True, "call-over"),
        ("c", False, "rejected"),
    ):
        _ = await ledger.claim(pending(name, key=name), replace(AGAIN, approval=True))
        if approve is not None:
            _ = await ledger.decide("t", f"appr_{name}", approve=approve, by="ana", note="", now=NOW)
        await ledger.lapse("t", f"exec_{name}", NOW + 1)
        late = await ledger.decide("t", f"appr_{name}", approve=True, by="bob", note="", now=NOW + 2)
        assert late is not None
        assert (late[0].state, late[0].reason, late[1]) == (
            "rejected" if approve is False else "expired",
            reason,
            False,
        )


async def test_approved_runs_once_and_rejected_never(ledger: Ledger) -> None:
    terms = replace(AGAIN, approval=True)
    for key, approve in (("yes", True), ("no", False)):
        _ = await ledger.claim(pending(key, key=key), terms)
        _ = await ledger.decide("t", f"appr_{key}", approve=approve, by="ana", note="", now=NOW)
        claims = [await ledger.claim(pending(f"{key}{number}", key=key), terms) for number in (1, 2)]
        assert [claim.ours for claim in claims] == [approve, False]
        assert claims[0].entry.id == f"exec_{key}"
        assert claims[0].entry.arguments == ({"count": 1} if approve else None)


async def test_nobody_decides_too_late(ledger: Ledger) -> None:
    terms = replace(AGAIN, approval=True)
    _ = await ledger.claim(pending("a"), terms)
    assert await ledger.queue("t", NOW + 900, settled=False) == []
    late = await ledger.decide("t", "appr_a", approve=True, by="ana", note="", now=NOW + 900)
    assert late is not None
    assert (late[0].state, late[1]) == ("expired", False)
    # Whoever asks again is asked about again.
    anew = await ledger.claim(pending("b", expires_at=NOW + 1800), replace(terms, now=NOW + 901))
    assert (anew.entry.id, anew.fresh) == ("exec_b", True)
    _ = await ledger.claim(pending("c", key="c"), terms)
    fresh = await ledger.claim(pending("d", key="c"), replace(terms, now=NOW + 901))
    assert (fresh.entry.id, fresh.fresh) == ("exec_d", True)


# ── the database ──


async def test_a_key_that_is_too_long_is_refused_at_the_door(any_database: str) -> None:
    async def run(_: Any, context: ToolContext) -> dict[str, Any]:
        return {"key": context.idempotency_key}

    async with SqlStore.open(any_database) as store:
        for kind in ({"effect": "write"}, {"access": "blocked"}, {"approval": True}):
            runtime = runtime_on(store, trial(run, **kind))
            for caller in ("model", "rest", "mcp"):
                wish = asks(caller=caller, key="k" * 256)
                refused = await runtime.execute(wish)
                assert (refused.status, refused.reason) == ("failed", "invalid"), (kind, caller)
                assert "255" in (refused.error or "")
                assert json.loads(refused.output) == {"error": refused.error}
                longest = await runtime.execute(replace(wish, key="k" * 254 + caller[0]))
                assert longest.reason in ("ok", "blocked", "awaits-approval"), (kind, caller)
        async with store.database.reading(EVERY_TENANT) as db:
            keys = (await db.scalars(select(ExecutionRow.key))).all()
        assert {len(key) for key in keys} == {255}


async def test_what_only_a_call_could_run_expires_when_the_call_is_over(any_database: str) -> None:
    terms = replace(AGAIN, approval=True)
    async with SqlStore.open(any_database) as store:
        ledger = SqlLedger(store.database, store.boot)
        for call_id, ended in (("over", NOW + 5), ("live", None)):
            session = await add_session(store.database, "t")
            async with store.database.writing("t") as db:
                db.add(
                    schema.Call(
                        id=call_id, session_id=session, persona_id="p", leg="phone", provider="x",
                        boot_id=store.boot.id, started_at=NOW, ended_at=ended,
                    )
                )  # fmt: skip
            for state in ("pending", "approved"):
                for tool, caller in (("acts", "model"), ("books", "model"), ("acts", "rest")):
                    name = f"{call_id}_{state}_{tool}_{caller}"
                    wish = pending(name, key=name, call_id=call_id, tool=tool, caller=caller)
                    _ = await ledger.claim(wish, terms)
                    if state == "approved":
                        _ = await ledger.decide("t", f"appr_{name}", approve=True, by="a", note="", now=NOW)
        await ledger.expire(NOW + 10, ("acts",))
        async with store.database.reading("t") as db:
            gone = (await db.scalars(select(ExecutionRow).where(ExecutionRow.state == "expired"))).all()
        assert {row.id for row in gone} == {"exec_over_pending_acts_model", "exec_over_approved_acts_model"}
        assert {(row.reason, row.held_key, row.ended_at) for row in gone} == {("call-over", None, NOW + 10)}
        settled = await ledger.queue("t", NOW + 10, settled=True)
        assert (
            len(settled) == 7
        )  # six were approved, one of which expired, and one that nobody decided about
        await ledger.expire(NOW + LEFT_S, ("acts",))
        kept = await ledger.find("t", "exec_live_approved_acts_model")
        assert kept is not None
        assert (kept.state, kept.reason) == ("expired", "call-over")
        assert await ledger.waiting(NOW + LEFT_S) == 5


async def test_rules_are_kept_and_tenants_have_their_own(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        policies = SqlPolicies(store.database)
        assert (await policies.policy("t")).rules == {}
        for changes in ({"access": "blocked"}, {"hipaa": True}):
            _ = await lay_down(store.database, "weather", dict(changes), by="ana", now=5.0)
        _ = await override(store.database, "t", "weather", {"approval": True}, by="bob", now=6.0)
        mine, other = await policies.policy("t"), await policies.policy("u")
        rule = Rule("blocked", True, None, None, 5.0, "ana")
        assert (mine.rules, other.rules) == ({"weather": rule}, {"weather": rule})
        assert mine.overrides == {"weather": Override(None, True, 6.0, "bob")}
        assert other.overrides == {}


async def test_a_database_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    async with SqlStore.open(f"sqlite:///{tmp_path}/a.db") as store:
        ledger, policies = SqlLedger(store.database, store.boot), SqlPolicies(store.database)
        async with store.database.writing(EVERY_TENANT) as db:
            for table in (schema.Base.metadata.tables[name] for name in ("executions", "tool_rules")):
                await (await db.connection()).run_sync(table.drop)
        for wish in (ledger.claim(entry("a"), ONCE), ledger.find("t", "x"), policies.policy("t")):
            with pytest.raises(LedgerError):
                _ = await wish


# ── kill -9 ──


@pytest.mark.parametrize(
    ("kind", "when"), [("sqlite", "before"), ("sqlite", "after"), ("postgres", "after")]
)
async def test_a_process_that_dies_while_it_books_has_booked_once(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, when: str
) -> None:
    """The same request again after the restart, with the same key, is answered with the one booking."""
    url = url_of(request, kind, tmp_path)
    child = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.stores.killed", url, when],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert child.returncode == -9, child.stderr
    session_id, starts_at = child.stdout.split()
    async with SqlStore.open(url) as store:
        wish = booked(session_id, starts_at)
        assert await appointments(store) == (1 if when == "after" else 0)
        (row,) = await rows(store)
        assert (row.state, row.held_key) == ("running", "the-key")
        async with runtime_on(store) as runtime:
            first = await runtime.execute(wish)
            again = await runtime.execute(wish)
        assert first.status == "done", first
        assert again.replayed
        assert first.result == again.result
        assert await appointments(store) == 1
        (row,) = await rows(store)
        assert (row.state, row.boot_id) == ("done", store.boot.id)


async def test_a_run_of_a_process_that_lives_is_left_to_it(any_database: str) -> None:
    async with SqlStore.open(any_database) as store, SqlStore.open(any_database) as other:
        _ = await SqlLedger(other.database, other.boot).claim(entry("a"), ONCE)
        claim = await SqlLedger(store.database, store.boot).claim(entry("b"), AGAIN)
        assert (claim.ours, claim.entry.state) == (False, "running")


async def test_what_a_dead_process_may_have_done_is_not_done_again(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        ledger = SqlLedger(store.database, store.boot)
        _ = await ledger.claim(entry("a"), ONCE)
        await of_a_dead_process(store)
        claim = await ledger.claim(entry("b"), ONCE)
        assert (claim.ours, claim.entry.state) == (False, "uncertain")


async def test_two_processes_book_one_wish_once(any_database: str) -> None:
    async with SqlStore.open(any_database) as store, SqlStore.open(any_database) as other:
        session = await opened(store)
        runtimes = runtime_on(store), runtime_on(other)
        slots = await runtimes[0]._runs._records(DEFAULT_TENANT).find_slots(service="x", on=None, limit=1)
        wish = booked(session.id, str(slots[0]["starts_at"]))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(runtimes[number % 2].execute(wish)) for number in range(6)]
        reasons = [task.result().reason for task in tasks]
        assert reasons.count("ok") >= 1
        assert set(reasons) <= {"ok", "in-flight"}
        assert [task.result().replayed for task in tasks if task.result().reason == "ok"].count(False) == 1
        assert await appointments(store) == 1


async def appointments(store: SqlStore) -> int:
    async with store.database.reading(EVERY_TENANT) as db:
        return await db.scalar(select(func.count()).select_from(Appointment)) or 0


async def rows(store: SqlStore) -> list[ExecutionRow]:
    async with store.database.reading(EVERY_TENANT) as db:
        return list(await db.scalars(select(ExecutionRow)))


async def of_a_dead_process(store: SqlStore) -> None:
    async with store.database.writing(EVERY_TENANT) as db:
        db.add(
            schema.Boot(
                id="boot_dead", host=store.boot.host, pid=1, process_mark="x", started_at=1.0, heartbeat_at=1.0,
                ended_at=2.0,
            )
        )  # fmt: skip
        await db.execute(update(ExecutionRow).values(boot_id="boot_dead"))
