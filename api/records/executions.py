"""The ledger of tools in the database (`tools.runtime.ledger.Ledger`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.stores.boots import BootId, dead
from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.executions import ExecutionRow
from gateway.stores.schema import Boot, Call
from tools.runtime.ledger import (
    HOLDING,
    LEFT_S,
    MOST_OF_SESSION,
    MOST_QUEUED,
    Claim,
    Entry,
    LedgerError,
    Terms,
    decided,
    expired,
    free,
    given_up,
    lapsed,
    lost,
    over,
    taken,
)

__all__ = ["SqlLedger"]

_TRIES = 3
MOST_AT_ONCE = 1000
"""Rows of a tenant that expire in one transaction; the others do the next time."""
_FIELDS = tuple(field.name for field in fields(Entry))


class SqlLedger:
    """See `tools.runtime.ledger.Ledger`. What it returns is committed."""

    def __init__(self, database: Database, boot: BootId) -> None:
        """`boot`: this process, which runs what it claims."""
        self._database = database
        self._boot = boot

    async def claim(self, entry: Entry, terms: Terms) -> Claim:
        with_key = select(ExecutionRow).where(ExecutionRow.held_key == entry.key).with_for_update()
        for attempt in range(1, _TRIES + 1):
            try:
                async with _told(), self._database.writing(entry.tenant) as db:
                    row = (await db.scalars(with_key)).first()
                    if row is None and terms.adopt:
                        row = (await db.scalars(_unsure(entry))).first()
                    if row is not None and over(_entry(row), terms):
                        if row.state == "pending_approval":
                            row.state = row.reason = "expired"
                            row.arguments, row.ended_at = None, terms.now
                        row.held_key = None
                        await db.flush()
                        row = None
                    if row is None:
                        # The key goes in first: a second one with it waits here until this is over.
                        db.add(self._row(entry))
                        await db.flush()
                        return Claim(entry, ours=entry.state == "running")
                    return await self._held(db, row, entry, terms)
            except IntegrityError as error:
                # Another was faster, and is seen the next time.
                if attempt == _TRIES:
                    raise LedgerError("IntegrityError") from error
        raise AssertionError("unreachable")

    async def settle(self, entry: Entry) -> None:
        async with _told(), self._database.writing(entry.tenant) as db:
            row = await db.get(ExecutionRow, entry.id)
            if row is None:
                db.add(self._row(entry))
            else:
                _write(row, entry)

    async def note(self, entry: Entry) -> None:
        async with _told(), self._database.writing(entry.tenant) as db:
            row = self._row(entry)
            row.held_key = None
            db.add(row)

    async def decide(
        self, tenant: str, approval_id: str, *, approve: bool, by: str, note: str, now: float
    ) -> tuple[Entry, bool] | None:
        query = select(ExecutionRow).where(ExecutionRow.approval_id == approval_id).with_for_update()
        async with _told(), self._database.writing(tenant) as db:
            row = (await db.scalars(query)).first()
            if row is None:
                return None
            entry, counts = decided(_entry(row), now, approve=approve, by=by, note=note)
            _write(row, entry)
            return entry, counts

    async def expire(self, now: float, on_call: Collection[str] = ()) -> None:
        late = and_(_OPEN, ExecutionRow.state == "pending_approval", ExecutionRow.expires_at <= now)
        for made, which in ((expired, late), (lapsed, and_(_OPEN, _left(now, on_call)))):
            async with _told(), self._database.reading(EVERY_TENANT) as db:
                tenants = (await db.scalars(select(ExecutionRow.tenant).where(which).distinct())).all()
            found = select(ExecutionRow).where(which).limit(MOST_AT_ONCE).with_for_update()
            for tenant in tenants:
                async with _told(), self._database.writing(tenant) as db:
                    for row in await db.scalars(found):
                        _write(row, made(_entry(row), now))

    async def lapse(self, tenant: str, execution_id: str, now: float) -> None:
        query = select(ExecutionRow).where(ExecutionRow.id == execution_id, _WAITS).with_for_update()
        async with _told(), self._database.writing(tenant) as db:
            for row in await db.scalars(query):
                _write(row, lapsed(_entry(row), now))

    async def waiting(self, now: float) -> int:
        query = (
            select(func.count())
            .select_from(ExecutionRow)
            .where(_OPEN, ExecutionRow.state == "pending_approval", ExecutionRow.expires_at > now)
        )
        async with _told(), self._database.reading(EVERY_TENANT) as db:
            return await db.scalar(query) or 0

    async def find(self, tenant: str, execution_id: str) -> Entry | None:
        query = select(ExecutionRow).where(
            or_(ExecutionRow.id == execution_id, ExecutionRow.approval_id == execution_id)
        )
        async with _told(), self._database.reading(tenant) as db:
            row = (await db.scalars(query)).first()
            return None if row is None else _entry(row)

    async def of_session(self, tenant: str, session_id: str) -> list[Entry]:
        query = (
            select(ExecutionRow)
            .where(ExecutionRow.session_id == session_id)
            .order_by(ExecutionRow.started_at.desc(), ExecutionRow.id)
            .limit(MOST_OF_SESSION)
        )
        async with _told(), self._database.reading(tenant) as db:
            return [_entry(row) for row in await db.scalars(query)][::-1]

    async def queue(self, tenant: str, now: float, *, settled: bool) -> list[Entry]:
        query = select(ExecutionRow).where(ExecutionRow.approval_id.is_not(None)).limit(MOST_QUEUED)
        if settled:
            over_with = or_(ExecutionRow.decided_at.is_not(None), ExecutionRow.state == "expired")
            since = func.coalesce(ExecutionRow.decided_at, ExecutionRow.ended_at)
            query = query.where(over_with).order_by(since.desc(), ExecutionRow.id)
        else:
            query = query.where(
                _OPEN, ExecutionRow.state == "pending_approval", ExecutionRow.expires_at > now
            ).order_by(ExecutionRow.started_at, ExecutionRow.id)
        async with _told(), self._database.reading(tenant) as db:
            return [_entry(row) for row in await db.scalars(query)]

    async def _held(self, db: AsyncSession, row: ExecutionRow, entry: Entry, terms: Terms) -> Claim:
        held = _entry(row)
        alive = held.state != "running" or await self._alive(db, row.boot_id)
        if free(held, terms, alive=alive):
            ours = taken(held, entry)
            _write(row, ours)
            row.boot_id = self._boot.id
            return Claim(ours, ours=True, fresh=False)
        if held.state == "running" and lost(held, terms.now, alive=alive):
            held = given_up(held, terms.now)
            _write(row, held)
        return Claim(held, ours=False, fresh=False)

    async def _alive(self, db: AsyncSession, boot_id: str | None) -> bool:
        """Whether the process that runs it is not known to be dead."""
        if boot_id is None or boot_id == self._boot.id:
            return True
        boot = await db.get(Boot, boot_id)
        return boot is None or not await asyncio.to_thread(dead, boot, self._boot, time.time())

    def _row(self, entry: Entry) -> ExecutionRow:
        return ExecutionRow(
            **asdict(entry), held_key=entry.key if entry.state in HOLDING else None, boot_id=self._boot.id
        )


_OPEN = ExecutionRow.ended_at.is_(None)
"""As the index has it that these are found by."""
_WAITS = ExecutionRow.state.in_(("pending_approval", "approved"))


def _left(now: float, on_call: Collection[str]) -> Any:
    """What the model of a call that is over wanted of the call."""
    over_call = select(Call.id).where(Call.id == ExecutionRow.call_id, Call.ended_at.is_not(None)).exists()
    long_ago = and_(ExecutionRow.state == "approved", ExecutionRow.decided_at <= now - LEFT_S)
    of_model = and_(ExecutionRow.tool.in_(on_call), ExecutionRow.caller == "model")
    return and_(_WAITS, of_model, or_(over_call, long_ago))


def _unsure(entry: Entry) -> Any:
    return (
        select(ExecutionRow)
        .where(
            ExecutionRow.session_id == entry.session_id,
            ExecutionRow.fingerprint == entry.fingerprint,
            ExecutionRow.state == "uncertain",
        )
        .order_by(ExecutionRow.started_at.desc())
        .limit(1)
        .with_for_update()
    )


def _entry(row: ExecutionRow) -> Entry:
    return Entry(**{name: getattr(row, name) for name in _FIELDS})


def _write(row: ExecutionRow, entry: Entry) -> None:
    for name in _FIELDS:
        setattr(row, name, getattr(entry, name))
    row.held_key = entry.key if entry.state in HOLDING else None


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """A database that fails is a LedgerError, but for a row that is there already; so is what it cannot hold."""
    try:
        yield
    except IntegrityError:
        raise
    except (SQLAlchemyError, OSError, ValueError, RecursionError) as error:
        raise LedgerError(type(error).__name__) from error
