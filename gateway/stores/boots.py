"""Which process is which, and whether it still lives: what crash recovery goes by.

A call belongs to the boot (one run of one process) that carries it. On its own host a boot is dead when its pid
is gone, or belongs to a process that started at another time. On another host nobody can look, so a boot there
is dead when its heartbeat is older than the lease.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.errors import CRASHED
from gateway.stores import schema
from gateway.stores.engine import EVERY_TENANT, Database

__all__ = [
    "HEARTBEAT_S",
    "LEASE_S",
    "BootId",
    "beat",
    "dead",
    "leave",
    "process_mark",
    "recover",
    "register",
]

logger = logging.getLogger(__name__)

HEARTBEAT_S = 10.0
LEASE_S = 30.0
"""A boot of another host that was silent for so long is taken for dead."""


@dataclass(frozen=True, slots=True)
class BootId:
    """One run of one process."""

    id: str
    host: str
    pid: int
    mark: str | None

    @classmethod
    def here(cls) -> BootId:
        """The boot of this process. Reads `/proc`."""
        pid = os.getpid()
        return cls(f"boot_{uuid.uuid4().hex}", socket.gethostname(), pid, process_mark(pid))


def process_mark(pid: int) -> str | None:
    """Tells the process from any other that had, or will have, its pid: the kernel's boot id and the process's
    start in clock ticks (`/proc/<pid>/stat`, field 22). None when there is no such process, or no `/proc`."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # Field 2 is the command in parentheses and may hold anything, so count from the last parenthesis.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":  # over, though nobody has waited for it yet
        return None
    return f"{kernel}:{fields[19]}"


async def register(database: Database, here: BootId) -> None:
    """Write this boot down. Raises SQLAlchemyError or OSError, as all of these do."""
    now = time.time()
    row = schema.Boot(
        id=here.id, host=here.host, pid=here.pid, process_mark=here.mark, started_at=now, heartbeat_at=now
    )
    async with database.writing(EVERY_TENANT) as session:
        session.add(row)


async def beat(database: Database, here: BootId) -> None:
    """Say that this boot lives. Called at least every `HEARTBEAT_S`."""
    await _mark(database, here, heartbeat_at=time.time())


async def leave(database: Database, here: BootId) -> None:
    """Say that this boot ended in peace."""
    await _mark(database, here, ended_at=time.time())


async def recover(database: Database, here: BootId) -> int:
    """Close the calls of dead boots with `CRASHED`, which frees their sessions; say how many there were."""
    live = select(schema.Call.boot_id).where(schema.Call.ended_at.is_(None))
    query = select(schema.Boot).where(schema.Boot.id.in_(live), schema.Boot.id != here.id)
    async with database.reading(EVERY_TENANT) as session:
        others = list(await session.scalars(query))
    closed = 0
    now = time.time()
    over = await asyncio.to_thread(lambda: [other for other in others if dead(other, here, now)])
    for boot in over:
        async with database.writing(EVERY_TENANT) as session:
            closed += await _close_calls(session, boot, now)
    if closed:
        logger.warning("closed %d calls of processes that died", closed)
    return closed


async def _mark(database: Database, here: BootId, **values: float) -> None:
    async with database.writing(EVERY_TENANT) as session:
        await session.execute(update(schema.Boot).where(schema.Boot.id == here.id).values(**values))


def dead(boot: schema.Boot, here: BootId, now: float) -> bool:
    """Whether this boot is over, as far as can be seen from here. Reads `/proc`."""
    if boot.ended_at is not None:
        return True
    if boot.host != here.host:
        return now - boot.heartbeat_at > LEASE_S
    if boot.process_mark is not None and here.mark is not None:
        return process_mark(boot.pid) != boot.process_mark
    try:
        os.kill(boot.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


async def _close_calls(session: AsyncSession, boot: schema.Boot, now: float) -> int:
    """Give every live call of a dead boot its ending; say how many there were.

    It ended when it was last known to live: at its newest journal entry, or else at the boot's last heartbeat.
    """
    last_ms = (
        select(func.max(schema.Journal.at_ms))
        .where(schema.Journal.call_id == schema.Call.id)
        .scalar_subquery()
    )
    query = select(schema.Call, last_ms).where(
        schema.Call.boot_id == boot.id, schema.Call.ended_at.is_(None)
    )
    calls = (await session.execute(query.with_for_update(of=schema.Call))).all()
    for call, at_ms in calls:
        ended = boot.heartbeat_at if at_ms is None else call.started_at + at_ms / 1000
        call.ended_at = min(max(ended, call.started_at), now)
        call.side, call.reason = CRASHED.side.value, CRASHED.reason
    await session.execute(
        update(schema.Boot)
        .where(schema.Boot.id == boot.id, schema.Boot.ended_at.is_(None))
        .values(ended_at=now)
    )
    return len(calls)
