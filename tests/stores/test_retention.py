"""What is older than it is kept goes, and nothing else; an idempotency key counts for as long as is promised."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from api.records.executions import SqlLedger
from api.records.once import once
from gateway.stores import retention as module
from gateway.stores.agents import CallStateRow, HandoffRow
from gateway.stores.business import OnceKey
from gateway.stores.engine import EVERY_TENANT
from gateway.stores.executions import ExecutionRow
from gateway.stores.retention import DAY_S, Kept, retention, sweep
from gateway.stores.runtime import RuntimeSession, RuntimeUtterance
from gateway.stores.sql import SqlStore
from tests.stores.calls import add_session
from tests.stores.test_ledger import NOW, ONCE, entry, pending

pytestmark = pytest.mark.contract


async def count(store: SqlStore, table: Any) -> int:
    async with store.database.reading(EVERY_TENANT) as db:
        return await db.scalar(select(func.count()).select_from(table)) or 0


async def test_what_is_old_goes_and_nothing_else(
    any_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 20)  # two sessions at once
    async with SqlStore.open(any_database) as store:
        await a_key_counts_for_as_long_as_runs_are_kept(store)
        await what_was_told_of_sessions_goes_whole(store)


async def a_key_counts_for_as_long_as_runs_are_kept(store: SqlStore) -> None:
    kept = Kept(executions=7)

    async def book(_: Any) -> dict[str, Any]:
        return {"booked": True}

    ledger = SqlLedger(store.database, store.boot)
    for tenant in ("t", "u"):
        for number in range(12):
            name = f"{tenant}{number}"
            done = entry(name, tenant=tenant, key=name, state="done", ended_at=NOW + 60)
            await ledger.settle(done)
    waits = {"state": "approved", "expires_at": NOW + 1e9}
    for still in (
        pending("waits", key="w"),
        pending("approved", key="v", **waits),
        entry("runs", key="r", lease_until=NOW + 8 * DAY_S),
    ):
        await ledger.settle(still)
    await ledger.settle(entry("lost", key="l"))
    _ = await once(store.database, "t", "book", "t0", book)
    async with store.database.writing("t") as db:
        (await db.get_one(OnceKey, ("t", "book", "t0"))).created_at = NOW + 30
    assert await sweep(store.database, kept, NOW + 7 * DAY_S) == 0
    again = await ledger.claim(entry("late", key="t0"), ONCE)
    assert (again.ours, again.entry.state) == (False, "done")
    assert await sweep(store.database, kept, NOW + 7 * DAY_S + 61) == 24 + 1 + 1
    assert await count(store, OnceKey) == 0
    async with store.database.reading(EVERY_TENANT) as db:
        left = set((await db.scalars(select(ExecutionRow.id))).all())
    assert left == {"exec_waits", "exec_approved", "exec_runs"}
    assert (await ledger.claim(entry("anew", key="t0"), ONCE)).ours


async def what_was_told_of_sessions_goes_whole(store: SqlStore) -> None:
    for number in range(5):
        at = NOW if number < 4 else NOW + DAY_S
        session = await add_session(store.database, "t")
        common: dict[str, Any] = {"tenant": "t", "session_id": session}
        async with store.database.writing("t") as db:
            db.add(RuntimeSession(**common, transport="x", told={}, utterances=3, updated_at=at))
            for spoken in range(3):
                db.add(
                    RuntimeUtterance(
                        **common, number=spoken, speaker="caller", text="hello",
                        start_ms=0, end_ms=1, confidence=1.0, told={},
                    )
                )  # fmt: skip
            db.add(
                HandoffRow(
                    **common, id=f"h{number}", from_persona_id="a", to_persona_id="b",
                    summary="s", facts=[], excerpt="", created_at=at,
                )
            )  # fmt: skip
            db.add(CallStateRow(**common, completed_steps=[], created_at=at, updated_at=at))
    assert await sweep(store.database, Kept(), NOW + 100 * DAY_S) == 0
    assert await sweep(store.database, Kept(told=3), NOW + 3 * DAY_S + 1) == 4 * (1 + 3 + 1 + 1)
    for table, left in ((RuntimeSession, 1), (RuntimeUtterance, 3), (HandoffRow, 1), (CallStateRow, 1)):
        assert await count(store, table) == left, table


async def test_it_is_looked_for_while_the_server_runs(sqlite_url: str) -> None:
    async with SqlStore.open(sqlite_url) as store:
        ledger = SqlLedger(store.database, store.boot)
        await ledger.settle(entry("a", state="done", ended_at=NOW))
        async with retention(store.database, Kept(), lambda: NOW + 9 * DAY_S):
            pass
        async with (
            retention(store.database, Kept(executions=3), lambda: NOW + 9 * DAY_S),
            asyncio.timeout(30),
        ):
            while await count(store, ExecutionRow):  # noqa: ASYNC110 - a database announces nothing
                await asyncio.sleep(0.01)
