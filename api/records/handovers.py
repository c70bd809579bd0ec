"""Callers who wait for a person."""

from __future__ import annotations

import time
import uuid

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.records.once import Result, once
from gateway.stores.business import Handover
from gateway.stores.engine import Database

__all__ = ["request"]


async def request(
    database: Database, tenant: str, *, key: str, department: str, reason: str, session_id: str
) -> Result:
    """Put the caller in the department's queue; `position` counts from 1."""

    async def write(db: AsyncSession) -> Result:
        waiting = await db.scalar(
            select(func.count())
            .select_from(Handover)
            .where(Handover.department == department, Handover.status == "waiting")
        )
        handover = Handover(
            id=f"handover_{uuid.uuid4().hex[:16]}",
            session_id=session_id,
            department=department,
            reason=reason,
            status="waiting",
            created_at=time.time(),
        )
        db.add(handover)
        await db.flush()
        return {"handover_id": handover.id, "department": department, "position": (waiting or 0) + 1}

    return await once(database, tenant, "request_handover", key, write)
