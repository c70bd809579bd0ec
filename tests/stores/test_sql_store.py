"""The journal of calls keeps the promises of `gateway.ports.Store`, on both engines."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from gateway.errors import HUNG_UP, TOO_LONG, SessionBusy, StoreError
from gateway.ports import CallSummary, Store, ToolExecution, TurnTiming, UsageEntry
from gateway.stores import backlog, boots, sql
from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.rows import unpacked
from gateway.stores.schema import Boot, Call, Journal, ToolRun, Transcript, UsageRow
from gateway.stores.sql import SqlStore
from tests.databases import fresh_database
from tests.stores.calls import add_session, call_in, entry, said

pytestmark = pytest.mark.contract

SUMMARY = CallSummary(
    duration_ms=4000,
    turns=2,
    interruptions=1,
    tool_calls=0,
    dropped_audio_ms=0,
    timings=(TurnTiming(1, 640, 300, 250, 20),),
    input_tokens=7,
    leg={"jitter_ms": float("nan")},
)


async def journal_of(database: Database, call_id: str) -> list[int]:
    async with database.reading(EVERY_TENANT) as db:
        return list(
            await db.scalars(select(Journal.seq).where(Journal.call_id == call_id).order_by(Journal.seq))
        )


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - a database announces nothing
            await asyncio.sleep(0.02)


async def test_a_document_that_is_left_out_is_null(any_database: str) -> None:
    """And not JSON's null, for those who look with SQL."""
    async with SqlStore.open(any_database) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        async with store.database.reading(EVERY_TENANT) as db:
            assert await db.scalar(text("SELECT count(*) FROM calls WHERE summary IS NULL")) == 1
        await store.end_call(call.call_id, HUNG_UP, SUMMARY)
        async with store.database.reading(EVERY_TENANT) as db:
            assert await db.scalar(text("SELECT count(*) FROM calls WHERE summary IS NULL")) == 0


async def test_a_call_leaves_its_traces(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        port: Store = store
        call = call_in(await add_session(store.database))
        await port.begin_call(call)
        port.record(entry(call, 1, text="nul \x00 half \ud800", number=float("inf")))
        port.transcript(said(call, "item_a", 1, "hel"))
        port.transcript(said(call, "item_a", 3, "hello \x00"))
        port.transcript(said(call, "item_a", 2, "hell"))
        port.tool_execution(ToolExecution(call.call_id, "call_1", "weather", "{}", "{}", True, 900, 12))
        await port.end_call(call.call_id, HUNG_UP, SUMMARY)
        await port.end_call(call.call_id, TOO_LONG, SUMMARY)

        async with store.database.reading(call.tenant) as db:
            kept = await db.get_one(Call, call.call_id)
            assert (kept.side, kept.reason) == ("caller", "hung-up")
            assert kept.ended_at is not None
            assert kept.summary is not None
            assert kept.summary["timings"][0]["reply_ms"] == 640
            assert kept.summary["leg"] == {"jitter_ms": None}
            entries = (await db.scalars(select(Transcript))).all()
            assert [(said.text, said.revision) for said in entries] == [("hello \ufffd", 3)]
            journal = (await db.scalars(select(Journal))).one()
            assert journal.event == {"type": "test", "text": "nul \ufffd half ?", "number": None}
            assert (await db.scalars(select(ToolRun))).one().name == "weather"
    assert store.dropped == 0


async def test_an_older_revision_never_comes_back(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        for revision, text in ((2, "second"), (1, "first")):
            store.transcript(said(call, "item_a", revision, text))
            await store.flush()
        async with store.database.reading(call.tenant) as db:
            assert (await db.scalars(select(Transcript.text))).one() == "second"


async def test_usage_is_kept_by_model_and_grows(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        port: Store = store
        call, other = call_in(await add_session(store.database)), call_in(await add_session(store.database))
        for begun in (call, other):
            await port.begin_call(begun)
        first = UsageEntry(
            call.call_id, "openai", "gpt-realtime", 1, text_in=5, usd=0.25, price_date="2026-11-21"
        )
        port.usage(first)
        await port.flush()
        port.usage(replace(first, revision=3, text_in=2**40, audio_out=9, usd=0.75))
        port.usage(replace(first, revision=2, text_in=7))
        port.usage(UsageEntry(call.call_id, "openai", "whisper-1", 1, seconds=2.5))
        port.usage(UsageEntry(other.call_id, "openai", "gpt-realtime", 1, text_in=1))
        await port.flush()
        port.usage(replace(first, revision=2, text_in=8))
        await port.flush()
        async with store.database.reading(call.tenant) as db:
            query = select(UsageRow).where(UsageRow.call_id == call.call_id).order_by(UsageRow.model)
            speaks, hears = (await db.scalars(query)).all()
        assert (speaks.revision, speaks.text_in, speaks.audio_out, speaks.usd) == (3, 2**40, 9, 0.75)
        assert speaks.price_date == "2026-11-21"
        assert (hears.model, hears.seconds, hears.usd, hears.price_date) == ("whisper-1", 2.5, None, None)
    assert store.dropped == 0


async def test_a_session_has_one_live_call(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        session = await add_session(store.database)
        first, second = call_in(session), call_in(session)
        await store.begin_call(first)
        with pytest.raises(SessionBusy):
            await store.begin_call(second)
        await store.end_call(first.call_id, HUNG_UP, SUMMARY)
        await store.begin_call(second)


async def test_of_two_at_once_one_begins(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        session = await add_session(store.database)
        outcomes: list[str] = []

        async def begin() -> None:
            try:
                await store.begin_call(call_in(session))
                outcomes.append("began")
            except SessionBusy:
                outcomes.append("busy")

        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(begin())
        assert sorted(outcomes) == ["began", "busy", "busy", "busy", "busy"]


async def test_a_call_of_no_session_is_refused(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        with pytest.raises(StoreError):
            await store.begin_call(call_in("nobody"))


async def test_rows_are_written_within_the_delay_and_in_batches(sqlite_url: str) -> None:
    async with SqlStore.open(sqlite_url) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        sizes: list[int] = []
        rows = 2 * sql.BATCH + sql.BATCH // 2

        @event.listens_for(store.database._writer.sync_engine, "before_cursor_execute")
        def count(_c: object, _u: object, statement: str, parameters: list[object], *_: object) -> None:
            if statement.startswith("INSERT INTO journal"):
                sizes.append(len(parameters))

        began = time.monotonic()
        for seq in range(rows):
            store.record(entry(call, seq))

        async def all_there() -> bool:
            return len(await journal_of(store.database, call.call_id)) == rows

        await until(all_there)
        assert time.monotonic() - began < 1.5
        assert sizes == [sql.BATCH, sql.BATCH, sql.BATCH // 2]
        store.record(entry(call, rows))
        await until(lambda: has(store, call.call_id, rows + 1))


async def has(store: SqlStore, call_id: str, count: int) -> bool:
    return len(await journal_of(store.database, call_id)) == count


async def test_leaving_writes_what_waits(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        store.record(entry(call, 1))
    async with Database.open(any_database) as database:
        assert await journal_of(database, call.call_id) == [1]
        async with database.reading(EVERY_TENANT) as db:
            assert (await db.scalars(select(Boot.ended_at))).one() is not None


async def test_an_error_in_the_block_comes_out_as_it_is(sqlite_url: str) -> None:
    with pytest.raises(ValueError, match="as it is"):
        async with SqlStore.open(sqlite_url):
            raise ValueError("as it is")


async def test_beyond_the_bound_rows_are_counted_and_dropped(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backlog, "MAX_ROWS", 20)
    async with SqlStore.open(sqlite_url) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        for seq in range(25):
            store.record(entry(call, seq))
        await store.flush()
        assert store.dropped == 5
        assert await journal_of(store.database, call.call_id) == list(range(20))
    assert [r.levelno for r in caplog.records if "dropped" in r.message] == [logging.ERROR]


async def test_beyond_the_bound_in_bytes_too(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MAX_BYTES", 100_000)
    async with SqlStore.open(sqlite_url) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        for number in range(5):
            run = ToolExecution(call.call_id, f"call_{number}", "lookup", "{}", "x" * 30_000, True, 0, 1)
            store.tool_execution(run)
        assert store.dropped == 2
        store.transcript(said(call, "item_a", 1, "é" * 10_000))
        assert store.dropped == 3
        await store.flush()
        store.transcript(said(call, "item_b", 1, "é" * 10_000))
        await store.flush()
        assert store.dropped == 3
        async with store.database.reading(call.tenant) as db:
            assert await db.scalar(select(func.count()).select_from(ToolRun)) == 3


async def test_a_large_event_is_packed_and_of_a_huge_one_only_type_and_size_are_kept(
    sqlite_url: str,
) -> None:
    deep: dict[str, object] = {"text": "x" * 20_000}
    for _ in range(2000):
        deep = {"in": deep}
    async with SqlStore.open(sqlite_url) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        store.record(entry(call, 1, text="x" * 250_000))
        store.record(entry(call, 2, **deep))
        store.record(entry(call, 3, type="t" * 20_000))
        store.record(entry(call, 4, text="x" * 16_000))
        await store.flush()
        async with store.database.reading(call.tenant) as db:
            events = (await db.scalars(select(Journal.event).order_by(Journal.seq))).all()
    assert 250_000 < events[0].pop("size") < 250_100
    assert events[0] == {"type": "test"}
    assert events[1].keys() == {"type", "size"}
    assert events[2]["type"] == "t" * 100
    assert unpacked(events[2]) == entry(call, 3, type="t" * 20_000).event
    assert len(events[3]["text"]) == 16_000


ODD = {
    "nul": "a\x00b", "escaped": "a\\u0000b", "both": "\\\x00", "half": "\ud800", "number": float("nan"), "long": 10**30,
    "deep": [[[["x"]]]], "words": "naïve — 日本",
}  # fmt: skip


async def test_what_no_database_takes_is_mended_and_the_rest_is_kept(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        for seq, (name, value) in enumerate(ODD.items()):
            store.record(entry(call, seq, **{name: value}))
        await store.flush()
        async with store.database.reading(call.tenant) as db:
            events = (await db.scalars(select(Journal.event).order_by(Journal.seq))).all()
        assert store.dropped == 0
    kept = {name: value for event in events for name, value in event.items() if name in ODD}
    mended = {"nul": "a\ufffdb", "both": "\\\ufffd", "half": "?", "number": None}
    assert kept == ODD | mended


async def test_a_fault_of_ours_costs_a_row_and_not_the_writer(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("quotes the caller")

    async with SqlStore.open(sqlite_url) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        with monkeypatch.context() as during:
            during.setattr("gateway.stores.rows.write", broken)
            store.record(entry(call, 1))
            store.record(entry(call, 2))
            await store.flush()
            during.setattr(boots, "beat", broken)
            during.setattr(sql, "_RETRY_S", 0.01)
            store.record(entry(call, 3))
            with pytest.raises(StoreError):
                await store.flush()
        store.record(entry(call, 4))
        await store.flush()
        assert store.dropped == 2
        assert await journal_of(store.database, call.call_id) == [3, 4]
        monkeypatch.setattr(boots, "leave", broken)
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(errors) == 3, "once each: rows dropped, degraded, and degraded again at the end"
    assert all("RuntimeError at stores/test_sql_store.py" in told for told in errors)
    assert "quotes" not in caplog.text


async def test_who_answered_is_written_at_the_end(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        session = await add_session(store.database)
        for answered, kept in (("upstream", "upstream"), ("", "embedded")):
            call = call_in(session)
            await store.begin_call(call)
            await store.end_call(call.call_id, HUNG_UP, replace(SUMMARY, provider=answered))
            async with store.database.reading(call.tenant) as db:
                assert (await db.get_one(Call, call.call_id)).provider == kept


async def test_a_row_the_database_refuses_does_not_hold_up_the_others(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        for seq in range(10):
            store.record(entry(call, seq, bad=object()) if seq == 4 else entry(call, seq))
        await store.flush()
        assert await journal_of(store.database, call.call_id) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
        assert store.dropped == 1


async def test_while_the_database_is_away_rows_wait_and_the_call_goes_on(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sql, "_RETRY_S", 0.05)
    async with SqlStore.open(sqlite_url) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        writing = store.database.writing

        @asynccontextmanager
        async def away(*_: object):  # type: ignore[no-untyped-def]  # stands in for one method
            raise OperationalError("BEGIN", None, OSError("disk full"))
            yield

        monkeypatch.setattr(store.database, "writing", away)
        store.record(entry(call, 1))
        for _ in range(2):
            with pytest.raises(StoreError):
                await store.flush()
        with pytest.raises(StoreError):
            await store.end_call(call.call_id, HUNG_UP, SUMMARY)
        monkeypatch.setattr(store.database, "writing", writing)

        async def mended() -> bool:
            async with store.database.reading(EVERY_TENANT) as db:
                return (await db.get_one(Call, call.call_id)).reason == "hung-up"

        await until(mended)
        assert await journal_of(store.database, call.call_id) == [1]
    assert len([r for r in caplog.records if r.levelno >= logging.ERROR]) == 1


async def test_a_call_that_could_not_begin_is_written_whole_at_its_end(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with SqlStore.open(sqlite_url) as store:
        call = call_in(await add_session(store.database))
        writing = store.database.writing

        @asynccontextmanager
        async def away(*_: object):  # type: ignore[no-untyped-def]  # stands in for one method
            raise OperationalError("BEGIN", None, OSError("locked"))
            yield

        monkeypatch.setattr(store.database, "writing", away)
        with pytest.raises(StoreError):
            await store.begin_call(call)
        monkeypatch.setattr(store.database, "writing", writing)
        store.record(entry(call, 1))
        await store.end_call(call.call_id, HUNG_UP, SUMMARY)
        async with store.database.reading(call.tenant) as db:
            assert (await db.get_one(Call, call.call_id)).reason == "hung-up"
            assert await db.scalar(select(func.count()).select_from(Journal)) == 1


async def test_a_cancelled_writer_of_a_booking_leaves_the_database_usable(any_database: str) -> None:
    async with SqlStore.open(any_database) as store:
        for delay in (0.0, 0.0005, 0.002, 0.005):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    while True:
                        await add_session(store.database)
            await add_session(store.database)


async def test_connections_that_the_server_drops_are_made_anew(postgres: str) -> None:
    async with SqlStore.open(fresh_database(postgres)) as store:
        call = call_in(await add_session(store.database))
        await store.begin_call(call)
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        async with store.database.reading(EVERY_TENANT) as db:
            await db.execute(text(f"{others} AND pid <> pg_backend_pid()"))
            await db.execute(text("SELECT 1"))
        with pytest.raises(DBAPIError):
            async with store.database.reading(EVERY_TENANT) as db:
                await db.execute(text(others))
        store.record(entry(call, 1))
        await store.flush()
        await store.end_call(call.call_id, HUNG_UP, SUMMARY)
        assert await journal_of(store.database, call.call_id) == [1]
