"""Stored session configurations: what client secrets name."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from gateway.stores.engine import Database
from gateway.stores.schema import SessionConfiguration

__all__ = ["NewConfiguration", "find", "new_id", "store"]


@dataclass(frozen=True, slots=True)
class NewConfiguration:
    """How the sessions that are opened with it begin."""

    id: str
    tenant: str
    persona_id: str
    session: dict[str, Any]
    """What differs from the persona's session: the `session` of a `session.update`."""


def new_id() -> str:
    """Looks as the ids of sessions do in the OpenAI API reference."""
    return f"sess_{secrets.token_hex(12)}"


async def store(database: Database, new: NewConfiguration, now: float, expires_at: float) -> None:
    """Raises SQLAlchemyError."""
    row = SessionConfiguration(
        id=new.id,
        persona_id=new.persona_id,
        session=new.session,
        created_at=now,
        expires_at=expires_at,
    )
    async with database.writing(new.tenant) as db:
        db.add(row)


async def find(
    database: Database, tenant: str, configuration_id: str, now: float
) -> SessionConfiguration | None:
    """The tenant's configuration of that id, or None when there is none or it has expired.
    Raises SQLAlchemyError."""
    async with database.reading(tenant) as db:
        row = await db.get(SessionConfiguration, configuration_id)
    return row if row is not None and row.expires_at > now else None
