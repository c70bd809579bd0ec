"""Agents who passed a session's caller to another one."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.records.once import Result, once
from gateway.stores.agents import HandoffRow
from gateway.stores.engine import Database
from gateway.stores.schema import Session

__all__ = ["latest", "pass_on", "successor"]

SUMMARY = 2000
"""Characters that are kept of one."""
MOST = 50
"""Handoffs of one session that are followed."""


async def pass_on(
    database: Database,
    tenant: str,
    *,
    key: str,
    session_id: str,
    from_agent: str,
    to_agent: str,
    summary: str,
    facts: Sequence[str],
    said: Sequence[str],
) -> Result:
    """The session is another agent's from now on. The same key does it once. Raises SQLAlchemyError."""

    async def write(db: AsyncSession) -> Result:
        handoff = HandoffRow(
            id=f"handoff_{uuid.uuid4().hex[:16]}",
            session_id=session_id,
            from_persona_id=from_agent,
            to_persona_id=to_agent,
            summary=summary[:SUMMARY],
            facts=list(facts),
            excerpt="\n".join(said),
            created_at=time.time(),
        )
        db.add(handoff)
        await db.execute(update(Session).where(Session.id == session_id).values(persona_id=to_agent))
        await db.flush()
        return {"handoff_id": handoff.id, "agent": to_agent}

    return await once(database, tenant, "pass_on", key, write)


async def latest(database: Database, session: Session) -> HandoffRow | None:
    """Raises SQLAlchemyError."""
    async with database.reading(session.tenant) as db:
        return await db.scalar(
            select(HandoffRow)
            .where(HandoffRow.session_id == session.id)
            .order_by(HandoffRow.created_at.desc(), HandoffRow.id)
            .limit(1)
        )


async def successor(database: Database, session: Session, persona_id: str) -> str:
    """Who answers for this persona by now: itself, unless it has passed the caller on. Raises SQLAlchemyError."""
    if persona_id == session.persona_id:
        return persona_id
    async with database.reading(session.tenant) as db:
        found = await db.scalars(
            select(HandoffRow)
            .where(HandoffRow.session_id == session.id)
            .order_by(HandoffRow.created_at.desc())
            .limit(MOST)
        )
        for handoff in reversed(found.all()):
            if handoff.from_persona_id == persona_id:
                persona_id = handoff.to_persona_id
    return persona_id
