"""The journal of calls in the database: buffered, written by one task, and mended after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.beside import bare_group
from gateway.errors import Ending, SessionBusy, StoreError
from gateway.log import where
from gateway.metrics.counts import let_go
from gateway.ports import (
    CallRecord,
    CallSummary,
    JournalEntry,
    ToolExecution,
    TranscriptEntry,
    UsageEntry,
)
from gateway.stores import boots, rows, schema
from gateway.stores.backlog import Backlog
from gateway.stores.boots import BootId
from gateway.stores.engine import EVERY_TENANT, Database

__all__ = ["SqlStore"]

logger = logging.getLogger(__name__)

BATCH = 500
"""Rows of one transaction, which is what a row costs by: fifty calls write a thousand rows a second."""
DELAY_S = 0.25
_RETRY_S = 1.0
_CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class _End:
    call: CallRecord
    ending: Ending
    summary: CallSummary
    at: float


class SqlStore:
    """`gateway.ports.Store` on SQLite or PostgreSQL. Made by `SqlStore.open`."""

    def __init__(self, database: Database, boot: BootId) -> None:
        self.database = database
        self.boot = boot
        self.dropped = 0
        """Rows lost because too much waited, or because the row itself could not be written."""
        self._calls: dict[str, CallRecord] = {}
        self._rows = Backlog()
        self._ends: deque[_End] = deque()
        self._waiting: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False
        self._failing = False

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, url: str, boot: BootId | None = None) -> AsyncIterator[SqlStore]:
        """Open the database, close the calls of dead processes, and run the writer until the block is left;
        what is buffered then is written within 5 s. Raises ConfigError, StoreError."""
        here = await asyncio.to_thread(BootId.here) if boot is None else boot
        async with Database.open(url) as database:
            store = cls(database, here)
            try:
                await boots.register(database, here)
                await boots.recover(database, here)
            except (SQLAlchemyError, OSError) as error:
                raise StoreError(f"the database cannot be used: {type(error).__name__}") from error
            try:
                async with bare_group() as group:
                    writer = group.create_task(store._run(), name="store:writer")
                    try:
                        yield store
                    finally:
                        store._closing = True
                        store._wake.set()
                        store._full.set()
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(_CLOSE_S):
                                await asyncio.wait([writer])
                        writer.cancel()
            finally:
                if store.waiting:
                    logger.error("store closed with %d rows unwritten", store.waiting)

    @property
    def waiting(self) -> int:
        """Rows and endings that are not written yet."""
        return len(self._rows) + len(self._ends)

    # ── gateway.ports.Store ───────────────────────────────────────────────────────────────────────────────

    async def begin_call(self, call: CallRecord) -> None:
        """See `gateway.ports.Store`. When it raises StoreError the call may go on: `end_call` writes it whole."""
        self._calls[call.call_id] = call
        try:
            async with self.database.writing(EVERY_TENANT) as session:
                session.add(self._live(call))
        except IntegrityError:
            del self._calls[call.call_id]
            if await self._has_live_call(call.session_id):
                raise SessionBusy("the session already has a live call") from None
            raise StoreError("the call could not be written down: its session is unknown") from None
        except (SQLAlchemyError, OSError) as error:
            self._degraded(error)
            raise StoreError("the call could not be written down") from error

    def record(self, entry: JournalEntry) -> None:
        self._buffer(entry)

    def transcript(self, entry: TranscriptEntry) -> None:
        self._buffer(entry)

    def tool_execution(self, execution: ToolExecution) -> None:
        self._buffer(execution)

    def usage(self, entry: UsageEntry) -> None:
        self._buffer(entry)

    async def end_call(self, call_id: str, ending: Ending, summary: CallSummary) -> None:
        """See `gateway.ports.Store`. Raises StoreError when it could not be written now; it is tried again."""
        call = self._calls.pop(call_id, None)
        if call is None:
            return
        self._ends.append(_End(call, ending, summary, time.time()))
        await self.flush()

    async def flush(self) -> None:
        if not self._rows and not self._ends:
            return
        if self._closing:
            raise StoreError("the store is closed")
        written = asyncio.get_running_loop().create_future()
        self._waiting.append(written)
        self._wake.set()
        self._full.set()
        await written

    # ── the writer ────────────────────────────────────────────────────────────────────────────────────────

    def _buffer(self, entry: rows.Entry) -> None:
        call = self._calls.get(entry.call_id)
        if call is None:  # it has ended, or never began
            return
        try:
            row = rows.row(call.tenant, entry)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it costs this row and not the call
            self._drop(f"a row cannot be written: {where(error)}")
            return
        if not self._rows.add(row):
            self._drop("too much waits to be written")
            return
        self._wake.set()
        if len(self._rows) >= BATCH:
            self._full.set()

    async def _run(self) -> None:
        """Write whatever waits, at most 250 ms after it came; keep the boot's heartbeat."""
        loop = asyncio.get_running_loop()
        heartbeat = loop.time() + boots.HEARTBEAT_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(heartbeat):
                    await self._wake.wait()
            if self._wake.is_set() and not self._closing:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DELAY_S):
                        await self._full.wait()
            self._wake.clear()
            self._full.clear()
            waiting, self._waiting = self._waiting, []
            failure = await self._drain()
            for future in waiting:
                if not future.done():
                    future.set_exception(failure) if failure else future.set_result(None)
            if self._closing:
                await self._leave()
                return
            if failure is not None:
                await asyncio.sleep(_RETRY_S)
                self._wake.set()
            if loop.time() >= heartbeat:
                heartbeat = loop.time() + boots.HEARTBEAT_S
                await self._stay_alive()

    async def _stay_alive(self) -> None:
        try:
            await boots.beat(self.database, self.boot)
            await boots.recover(self.database, self.boot)
        except Exception as error:  # noqa: BLE001 - the writer must live as long as the process's calls do
            self._degraded(error)

    async def _leave(self) -> None:
        try:
            await boots.leave(self.database, self.boot)
        except Exception as error:  # noqa: BLE001 - the next start closes what this boot leaves open
            self._degraded(error)

    async def _drain(self) -> StoreError | None:
        """Write what is buffered now, rows before endings; what fails stays for the next round.

        Whatever goes wrong costs rows, never the writer: it shares a task group with everything the process does.
        """
        try:
            for _ in range(-(-len(self._rows) // BATCH)):
                batch = self._rows.first(BATCH)
                await self._write(batch)
                self._rows.forget(len(batch))
            while self._ends:
                ends = list(self._ends)
                await self._write_ends(ends)
                for _ in ends:
                    self._ends.popleft()
        except Exception as error:  # noqa: BLE001 - see above
            self._degraded(error)
            return StoreError(f"the journal could not be written: {type(error).__name__}")
        if self._failing:
            self._failing = False
            logger.warning("journal is written again")
        return None

    async def _write(self, batch: list[rows.Row]) -> None:
        try:
            async with self.database.writing(EVERY_TENANT) as session:
                await rows.write(session, batch)
        except Exception as error:
            # One row that cannot be written must not hold up the others for ever: halve until it stands alone.
            if not await self._answers():
                raise
            if len(batch) == 1:
                self._drop(f"a row cannot be written: {where(error)}")
                return
            await self._write(batch[: len(batch) // 2])
            await self._write(batch[len(batch) // 2 :])

    async def _answers(self) -> bool:
        """Whether the database takes writes at all."""
        try:
            await boots.beat(self.database, self.boot)
        except Exception:  # noqa: BLE001 - then it does not
            return False
        return True

    def _drop(self, why: str) -> None:
        self.dropped += 1
        let_go("journal")
        if self.dropped == 1:
            logger.error("journal degraded, rows are dropped: %s", why)

    async def _write_ends(self, ends: list[_End]) -> None:
        """In one transaction: its commit is what an ending costs. One that cannot be written holds up no other."""
        try:
            async with self.database.writing(EVERY_TENANT) as session:
                for end in ends:
                    await self._write_end(session, end)
        except Exception as error:
            if not await self._answers():
                raise
            if len(ends) == 1:
                self._drop(f"an ending cannot be written: {where(error)}")
                return
            for end in ends:
                await self._write_ends([end])

    async def _write_end(self, session: AsyncSession, end: _End) -> None:
        call = end.call
        over: dict[str, object] = {
            "ended_at": max(end.at, call.started_at),
            "side": end.ending.side.value,
            "reason": end.ending.reason,
            "summary": asdict(end.summary),
        }
        if end.summary.provider:
            over["provider"] = end.summary.provider
        known = await session.get(schema.Call, call.call_id)
        if known is None:
            known = self._live(call)
            session.add(known)
        if known.ended_at is None:
            for name, value in over.items():
                setattr(known, name, value)

    def _live(self, call: CallRecord) -> schema.Call:
        return schema.Call(
            id=call.call_id,
            tenant=call.tenant,
            session_id=call.session_id,
            persona_id=call.persona_id,
            leg=call.leg,
            provider=call.provider,
            boot_id=self.boot.id,
            started_at=call.started_at,
        )

    async def _has_live_call(self, session_id: str) -> bool:
        query = select(schema.Call.id).where(
            schema.Call.session_id == session_id, schema.Call.ended_at.is_(None)
        )
        async with self.database.reading(EVERY_TENANT) as session:
            return await session.scalar(query) is not None

    def _degraded(self, error: Exception) -> None:
        if not self._failing:
            self._failing = True
            logger.error("journal degraded: %s; rows wait in memory", where(error))
