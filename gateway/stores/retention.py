"""What is kept for a time and then deleted: what tools ran, and what was told of sessions beside their calls.

Looked for once an hour. Rows go in portions, each a transaction of its own, so that nobody waits long who writes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Delete, and_, delete, or_, select, tuple_
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from gateway.beside import beside
from gateway.stores.agents import CallStateRow, HandoffRow
from gateway.stores.business import OnceKey
from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.executions import ExecutionRow
from gateway.stores.runtime import RuntimeSession, RuntimeUtterance

__all__ = ["AT_ONCE", "SWEEP_S", "Kept", "retention", "sweep"]

logger = logging.getLogger(__name__)

SWEEP_S = 3600.0
AT_ONCE = 500
"""Rows of one transaction; of sessions, with what was said in each, a tenth of it."""
DAY_S = 86_400.0

Key = tuple[InstrumentedAttribute[Any], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many days; None: until somebody deletes it."""

    executions: int | None = None
    """What tools ran, from its end: for so long an idempotency key counts."""
    told: int | None = None
    """What clients told of sessions whose media they run, and what was set of a session's state or passed on from one
    agent to another, from when it was told last."""


@asynccontextmanager
async def retention(database: Database, kept: Kept, clock: Callable[[], float]) -> AsyncIterator[None]:
    """Deletes what is older, until the block is left. What the block raises is raised as it is. `clock`: Unix
    seconds."""
    if kept == Kept():
        yield
        return
    async with beside(_keep(database, kept, clock), "retention"):
        yield


async def _keep(database: Database, kept: Kept, clock: Callable[[], float]) -> None:
    while True:
        try:
            if deleted := await sweep(database, kept, clock()):
                logger.info("deleted what is older than it is kept: %d rows", deleted)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("what is old could not be deleted: %s; tried again", type(error).__name__)
        await asyncio.sleep(SWEEP_S)


async def sweep(database: Database, kept: Kept, now: float) -> int:
    """Delete what is too old; say how many rows that were. Raises SQLAlchemyError, OSError."""
    deleted = 0
    if kept.executions is not None:
        before = now - kept.executions * DAY_S
        # A run without an end is over as well once its lease is: its process died, and nobody asked for it again.
        lost = and_(
            ExecutionRow.ended_at.is_(None),
            ExecutionRow.state == "running",
            ExecutionRow.lease_until < before,
        )
        deleted += await _delete(database, (ExecutionRow.id,), or_(ExecutionRow.ended_at < before, lost))
        once = (OnceKey.tenant, OnceKey.operation, OnceKey.key)
        deleted += await _delete(database, once, OnceKey.created_at < before)
    if kept.told is not None:
        before = now - kept.told * DAY_S
        deleted += await _sessions(database, before)
        deleted += await _delete(database, (HandoffRow.id,), HandoffRow.created_at < before)
        deleted += await _delete(database, (CallStateRow.session_id,), CallStateRow.updated_at < before)
    return deleted


async def _delete(database: Database, key: Key, which: ColumnElement[bool]) -> int:
    """`key`: the primary key of the table."""
    deleted = 0
    old = select(*key).where(which).limit(AT_ONCE)
    named = tuple_(*key).in_(old) if len(key) > 1 else key[0].in_(old)
    while True:
        async with database.writing(EVERY_TENANT) as db:
            gone = await _gone(db, delete(key[0].class_).where(named))
        deleted += gone
        if gone < AT_ONCE:
            return deleted


async def _sessions(database: Database, before: float) -> int:
    """What clients told of sessions, with every word of it."""
    deleted, at_once = 0, AT_ONCE // 10
    old = select(RuntimeSession.session_id).where(RuntimeSession.updated_at < before).limit(at_once)
    while True:
        async with database.writing(EVERY_TENANT) as db:
            names: Sequence[str] = (await db.scalars(old)).all()
            for table in (RuntimeUtterance, RuntimeSession):
                deleted += await _gone(db, delete(table).where(table.session_id.in_(names)))
        if len(names) < at_once:
            return deleted


async def _gone(db: AsyncSession, statement: Delete) -> int:
    result = await db.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount
