"""What clients tell of a session whose media they run themselves: rules and queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.exc import IntegrityError

from api.records.access import AccessKeys
from api.records.sessions import NewSession, new_row
from gateway.stores.engine import Database
from gateway.stores.runtime import RuntimeSession, RuntimeUtterance
from gateway.stores.schema import Session

__all__ = [
    "CHARACTERS_AT_MOST",
    "UTTERANCES_AT_MOST",
    "Said",
    "Told",
    "TooMany",
    "add",
    "load",
    "open_session",
    "replace_stats",
]

UTTERANCES_AT_MOST = 2000
"""Of one session. A call of three hours has about as many."""
CHARACTERS_AT_MOST = 1024 * 1024
"""Of the utterances of one session, with what clients attach to them: every answer holds them all."""
BROWSER = "BROWSER_REALTIME"
_TRIES = 5


class TooMany(Exception):
    """The session has as many utterances as it may have, or as long ones."""


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance, as a client tells it. Times in Unix milliseconds."""

    speaker: str
    text: str
    start_ms: int
    end_ms: int
    confidence: float
    locale: str | None = None
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a session so far."""

    session: RuntimeSession | None = None
    """None: nothing."""
    utterances: Sequence[RuntimeUtterance] = ()


async def open_session(
    database: Database,
    access: AccessKeys,
    new: NewSession,
    *,
    transport: str,
    persona_name: str,
    locale: str,
    channel_id: str | None,
    told: Mapping[str, Any],
    now: float,
) -> Session:
    """A session with its runtime side. Raises SQLAlchemyError."""
    session = new_row(access, new, now)
    async with database.writing(new.tenant) as db:
        db.add(session)
        await db.flush()
        db.add(
            _row(
                new.id,
                now,
                transport=transport,
                persona_name=persona_name,
                locale=locale,
                channel_id=channel_id,
                told=dict(told),
            )
        )
    return session


async def load(database: Database, session: Session) -> Told:
    """Raises SQLAlchemyError."""
    async with database.reading(session.tenant) as db:
        row = await db.get(RuntimeSession, session.id)
        if row is None or not row.utterances:
            return Told(row)
        said = select(RuntimeUtterance).where(RuntimeUtterance.session_id == session.id)
        return Told(row, (await db.scalars(said.order_by(RuntimeUtterance.number))).all())


async def add(database: Database, session: Session, said: Said, now: float) -> None:
    """Append an utterance. Raises TooMany, SQLAlchemyError."""
    for attempt in range(1, _TRIES + 1):
        try:
            async with database.writing(session.tenant) as db:
                row = await db.get(RuntimeSession, session.id, with_for_update=True)
                if row is None:
                    row = _row(session.id, now)
                    db.add(row)
                    await db.flush()
                if row.utterances >= UTTERANCES_AT_MOST:
                    raise TooMany
                length = func.length(RuntimeUtterance.text) + func.length(cast(RuntimeUtterance.told, Text))
                of_it = RuntimeUtterance.session_id == session.id
                if (await db.scalar(select(func.sum(length)).where(of_it)) or 0) >= CHARACTERS_AT_MOST:
                    raise TooMany
                number, row.utterances, row.updated_at = (
                    row.utterances,
                    row.utterances + 1,
                    now,
                )
                db.add(
                    RuntimeUtterance(
                        session_id=session.id,
                        number=number,
                        speaker=said.speaker,
                        text=said.text,
                        start_ms=said.start_ms,
                        end_ms=said.end_ms,
                        confidence=said.confidence,
                        locale=said.locale,
                        told=dict(said.told),
                    )
                )
                return
        except IntegrityError:
            # Two told the first thing of the session at once.
            if attempt == _TRIES:
                raise


async def replace_stats(
    database: Database, session: Session, transport: str, stats: Mapping[str, Any], now: float
) -> None:
    """Raises SQLAlchemyError."""
    for attempt in range(1, _TRIES + 1):
        try:
            async with database.writing(session.tenant) as db:
                row = await db.get(RuntimeSession, session.id, with_for_update=True)
                if row is None:
                    row = _row(session.id, now, transport=transport)
                    db.add(row)
                row.stats, row.updated_at = dict(stats), now
                return
        except IntegrityError:
            if attempt == _TRIES:
                raise


def _row(session_id: str, now: float, *, transport: str = BROWSER, **known: Any) -> RuntimeSession:
    return RuntimeSession(
        **{
            "session_id": session_id,
            "transport": transport,
            "told": {},
            "utterances": 0,
            "updated_at": now,
            **known,
        }
    )
