"""The recordings of a session's calls."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.recordings import Recording
from gateway.stores.schema import Call, Session

__all__ = ["live_call", "of_session", "session_of"]


async def of_session(database: Database, session: Session) -> Sequence[Recording]:
    """Oldest first. Raises SQLAlchemyError."""
    async with database.reading(session.tenant) as db:
        found = await db.scalars(
            select(Recording).where(Recording.session_id == session.id).order_by(Recording.created_at)
        )
        return found.all()


async def live_call(database: Database, session: Session) -> str | None:
    """The id of the call that is on. Raises SQLAlchemyError."""
    async with database.reading(session.tenant) as db:
        return await db.scalar(
            select(Call.id).where(Call.session_id == session.id, Call.ended_at.is_(None)).limit(1)
        )


async def session_of(database: Database, session_id: str) -> Session | None:
    """The session, also when it has expired: recordings may be kept for longer. Raises SQLAlchemyError."""
    if len(session_id) > 64 or "\x00" in session_id:
        return None
    async with database.reading(EVERY_TENANT) as db:
        return await db.get(Session, session_id)
