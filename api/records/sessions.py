"""Sessions: what a client opens, holds a key to, and calls in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update

from api.records.access import AccessKeys
from gateway.crew import crew
from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.schema import Call, Session

__all__ = ["LIFETIME_S", "Manner", "NewSession", "create", "find", "new_row", "of_call", "settle"]

LIFETIME_S = 24 * 3600
"""How long a session can be called in and read."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the calls of a session are held; see `gateway.stores.schema.Session`."""

    language: str | None = None
    tone: str | None = None
    profile: dict[str, Any] | None = None

    @classmethod
    def of(cls, session: Session) -> Manner:
        return cls(session.language, session.tone, session.profile)


@dataclass(frozen=True, slots=True)
class NewSession:
    """What is known of a session when it is opened."""

    tenant: str
    scenario: str
    scenario_title: str
    persona_id: str
    company_name: str | None = None
    requested_locale: str | None = None
    manner: Manner = Manner()
    configuration_id: str | None = None
    id: str = field(default_factory=lambda: crew().mark(str(uuid.uuid4())))


async def create(
    database: Database, access: AccessKeys, new: NewSession, now: float
) -> tuple[Session, str]:
    """Open a session at `now` (Unix seconds); gives it with its access key, which is not stored.
    Raises SQLAlchemyError."""
    session = new_row(access, new, now)
    async with database.writing(new.tenant) as db:
        db.add(session)
    return session, access.key_of(new.id)


def new_row(access: AccessKeys, new: NewSession, now: float) -> Session:
    """What is stored of a session that is opened at `now`."""
    return Session(
        id=new.id,
        scenario=new.scenario,
        scenario_title=new.scenario_title,
        company_name=new.company_name,
        persona_id=new.persona_id,
        requested_locale=new.requested_locale,
        access_hash=access.hash_of(access.key_of(new.id)),
        created_at=now,
        expires_at=now + LIFETIME_S,
        configuration_id=new.configuration_id,
        language=new.manner.language,
        tone=new.manner.tone,
        profile=new.manner.profile,
    )


async def find(database: Database, session_id: str, now: float) -> Session | None:
    """The session, or None when there is none or it has expired. Looks in every tenant: the id is unguessable and
    tells the tenant. Raises SQLAlchemyError."""
    if len(session_id) > 64 or "\x00" in session_id:
        return None
    async with database.reading(EVERY_TENANT) as db:
        session = await db.get(Session, session_id)
    return session if session is not None and session.expires_at > now else None


async def settle(database: Database, session: Session, manner: Manner) -> None:
    """Its calls are held so from now on. Raises SQLAlchemyError."""
    async with database.writing(session.tenant) as db:
        values = {"language": manner.language, "tone": manner.tone, "profile": manner.profile}
        await db.execute(update(Session).where(Session.id == session.id).values(values))


async def of_call(database: Database, tenant: str, call_id: str) -> Session | None:
    """The session that the tenant's call (`rtc_…`) is of, also when it has expired. Raises SQLAlchemyError."""
    if len(call_id) > 64 or "\x00" in call_id:
        return None
    async with database.reading(tenant) as db:
        found = select(Session).join(Call, Call.session_id == Session.id).where(Call.id == call_id)
        return await db.scalar(found)
