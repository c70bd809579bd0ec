"""After `kill -9` the next start closes the call, keeps its transcript, and frees its session."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from gateway.errors import CRASHED, HUNG_UP, SessionBusy
from gateway.ports import CallSummary
from gateway.stores import boots
from gateway.stores.boots import LEASE_S, BootId, process_mark
from gateway.stores.engine import EVERY_TENANT
from gateway.stores.schema import Boot, Call, Journal, Transcript
from gateway.stores.sql import SqlStore
from tests.stores.calls import add_session, call_in

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]

PROGRAM = """
import asyncio, sys
from gateway.stores.sql import SqlStore
from tests.stores.calls import add_session, call_in, entry, said

async def main():
    async with SqlStore.open(sys.argv[1]) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        for seq in range(250):
            store.record(entry(call, seq))
        store.transcript(said(call, "item_a", 1, "I would like an appointment", final=True))
        await store.flush()
        print(call.session_id, call.call_id, flush=True)
        seq = 250
        while True:
            store.record(entry(call, seq))
            seq += 1
            await asyncio.sleep(0.001)

asyncio.run(main())
"""


@pytest.mark.parametrize("reaped", [True, False])
async def test_kill_9_in_the_middle_of_a_call(any_database: str, reaped: bool) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, any_database, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        session_id, call_id = (await process.stdout.readline()).decode().split()
    async with SqlStore.open(any_database) as store, store.database.reading(EVERY_TENANT) as db:
        assert (await db.get_one(Call, call_id)).ended_at is None, "a living process keeps its calls"
    os.kill(process.pid, signal.SIGKILL)
    if reaped:
        await process.wait()
    else:
        async with asyncio.timeout(20):
            while await asyncio.to_thread(process_mark, process.pid) is not None:  # noqa: ASYNC110 - the kernel announces nothing
                await asyncio.sleep(0.01)

    async with SqlStore.open(any_database) as store:
        async with store.database.reading(EVERY_TENANT) as db:
            call = await db.get_one(Call, call_id)
            assert (call.side, call.reason) == (CRASHED.side.value, CRASHED.reason)
            assert call.ended_at is not None
            assert call.started_at <= call.ended_at <= time.time()
            assert (await db.scalars(select(Transcript.text))).one() == "I would like an appointment"
            kept = await db.scalar(
                select(func.count()).select_from(Journal).where(Journal.call_id == call_id)
            )
            assert kept is not None
            assert kept >= 250
        await store.begin_call(call_in(session_id))
    await process.wait()


@pytest.fixture
def here() -> BootId:
    return BootId.here()


def elsewhere(here: BootId) -> BootId:
    return replace(here, id=f"{here.id}_b", host="another-host")


async def test_a_boot_of_another_host_keeps_its_calls_for_its_lease(sqlite_url: str, here: BootId) -> None:
    async with SqlStore.open(sqlite_url, elsewhere(here)) as other:
        session = await add_session(other.database)
        await other.begin_call(call_in(session))
        async with SqlStore.open(sqlite_url, here) as store:
            with pytest.raises(SessionBusy):
                await store.begin_call(call_in(session))
            silent = (
                update(Boot).where(Boot.id == other.boot.id).values(heartbeat_at=time.time() - LEASE_S - 1)
            )
            async with store.database.writing(EVERY_TENANT) as db:
                await db.execute(silent)
            assert await boots.recover(store.database, here) == 1
            await store.begin_call(call_in(session))


async def test_a_pid_that_another_process_has_now_is_dead(sqlite_url: str, here: BootId) -> None:
    before = replace(here, id="boot_before", mark="another start")
    async with SqlStore.open(sqlite_url, before) as old:
        session = await add_session(old.database)
        await old.begin_call(call_in(session))
        async with SqlStore.open(sqlite_url, here) as store:
            await store.begin_call(call_in(session))


async def test_what_a_dead_boot_still_writes_changes_no_ending(sqlite_url: str, here: BootId) -> None:
    async with SqlStore.open(sqlite_url, replace(here, id="boot_before", mark="another start")) as old:
        call = call_in(await add_session(old.database))
        await old.begin_call(call)
        async with SqlStore.open(sqlite_url, here) as store:
            await old.end_call(call.call_id, HUNG_UP, CallSummary(1, 0, 0, 0, 0))
            async with store.database.reading(call.tenant) as db:
                assert (await db.get_one(Call, call.call_id)).reason == CRASHED.reason


def test_a_process_has_a_mark_and_a_free_pid_has_none() -> None:
    mark = process_mark(os.getpid())
    assert mark is not None
    assert process_mark(os.getpid()) == mark
    assert process_mark(2**22 + 1) is None
