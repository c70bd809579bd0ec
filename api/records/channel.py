"""The telephone channel of a session: which carrier's call it is, and what carriers told of it, in order."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.records.access import AccessKeys
from api.records.channel_words import Kind
from api.records.sessions import NewSession, new_row
from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.schema import Call, Session
from gateway.stores.telephone import ChannelEventRow, PhoneCall

__all__ = [
    "EVENTS_AT_MOST",
    "ChannelEvent",
    "MetaValue",
    "append",
    "find",
    "of_session",
    "open_call",
    "renamed",
]

CLOCK = 10**11
"""Positions from here on are milliseconds of a clock: no carrier counts so far."""
EVENTS_AT_MOST = 1000
"""Events of one session; whatever carriers repeat beyond that is dropped."""
_TRIES = 3

MetaValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class ChannelEvent:
    """One event, in the contract's words."""

    key: str
    """Unique within the carrier's call: the same thing told twice has the same."""
    kind: Kind
    status: str
    provider: str
    at: float
    """Unix seconds."""
    label: str
    raw_status: str | None = None
    position: int | None = None
    """The carrier's own count; None where it counts nothing: then its clock is the order."""
    meta: Mapping[str, MetaValue] = field(default_factory=dict)


async def open_call(
    database: Database,
    access: AccessKeys,
    new: NewSession,
    *,
    carrier: str,
    carrier_call: str,
    direction: Literal["inbound", "outbound"],
    first: ChannelEvent,
    now: float,
    also: Callable[[AsyncSession, str], Awaitable[None]] | None = None,
) -> str:
    """The session of a carrier's call: `new`, with its first event, or the one that it was given before (carriers ask
    again when an answer was slow). `also` writes in the same transaction, and is told the session. Raises
    SQLAlchemyError."""
    for attempt in range(1, _TRIES + 1):
        try:
            async with database.writing(new.tenant) as db:
                known = await db.get(PhoneCall, (carrier, carrier_call))
                if known is not None:
                    if also is not None:
                        await also(db, known.session_id)
                    return known.session_id
                db.add(new_row(access, new, now))
                await db.flush()
                db.add(
                    PhoneCall(
                        carrier=carrier,
                        carrier_call=carrier_call,
                        session_id=new.id,
                        direction=direction,
                        created_at=now,
                    )
                )
                db.add(_row(new.id, carrier_call, now, first))
                if also is not None:
                    await also(db, new.id)
                return new.id
        except IntegrityError:
            # The carrier asked twice at once, and the other was faster.
            if attempt == _TRIES:
                raise
    raise AssertionError("unreachable")


async def find(database: Database, carrier: str, carrier_call: str) -> PhoneCall | None:
    """A carrier's call, of whatever tenant: the carrier's proof says that it is ours. Raises SQLAlchemyError."""
    if not carrier_call or len(carrier_call) > 128 or "\x00" in carrier_call:
        return None
    async with database.reading(EVERY_TENANT) as db:
        return await db.get(PhoneCall, (carrier, carrier_call))


async def renamed(database: Database, carrier: str, carrier_call: str, name: str) -> PhoneCall | None:
    """A call by the name that it was placed under; from now on it is found by `name` too, which the carrier gave it
    later. None when there is no such call. Raises SQLAlchemyError."""
    found = await find(database, carrier, carrier_call)
    if found is None or not name or len(name) > 128:
        return found
    with contextlib.suppress(IntegrityError):  # told twice at once
        async with database.writing(found.tenant) as db:
            db.add(
                PhoneCall(
                    carrier=carrier,
                    carrier_call=name,
                    session_id=found.session_id,
                    direction=found.direction,
                    created_at=found.created_at,
                )
            )
    return found


async def began(database: Database, call: PhoneCall) -> bool:
    """Whether anybody ever answered it. Raises SQLAlchemyError."""
    async with database.reading(call.tenant) as db:
        return (
            await db.scalar(select(Call.id).where(Call.session_id == call.session_id).limit(1)) is not None
        )


async def append(
    database: Database,
    tenant: str,
    session_id: str,
    events: Sequence[ChannelEvent],
    *,
    carrier_call: str,
    began: float,
) -> int:
    """Write down what was not told before; gives how many that were. Raises SQLAlchemyError."""
    for attempt in range(1, _TRIES + 1):
        try:
            async with database.writing(tenant) as db:
                rows = await db.execute(
                    select(ChannelEventRow.key, ChannelEventRow.began, ChannelEventRow.position).where(
                        ChannelEventRow.session_id == session_id
                    )
                )
                told = {key: (of, position) for key, of, position in rows}
                known = set(told)
                latest = _latest([position for of, position in told.values() if of == began])
                written = 0
                for event in events:
                    row = _row(session_id, carrier_call, began, event, latest)
                    if row.key not in known and len(known) < EVENTS_AT_MOST:
                        known.add(row.key)
                        db.add(row)
                        written += 1
                return written
        except IntegrityError:
            if attempt == _TRIES:
                raise
    raise AssertionError("unreachable")


async def of_session(database: Database, session: Session) -> Sequence[ChannelEventRow]:
    """In the order in which things happened, as far as carriers tell. Raises SQLAlchemyError."""
    async with database.reading(session.tenant) as db:
        found = await db.scalars(
            select(ChannelEventRow)
            .where(ChannelEventRow.session_id == session.id)
            .order_by(
                ChannelEventRow.began, ChannelEventRow.position, ChannelEventRow.at, ChannelEventRow.key
            )
        )
        return found.all()


def _latest(positions: Sequence[int]) -> int | None:
    """How far the carrier has counted in this call; None where it counts nothing."""
    furthest = max(positions, default=0)
    return furthest if 0 < furthest < CLOCK else None


def _row(
    session_id: str, carrier_call: str, began: float, event: ChannelEvent, latest: int | None = None
) -> ChannelEventRow:
    """What the carrier did not count stands behind what it counted last, or else where the clock says."""
    position = event.position
    if position is None:
        position = round(event.at * 1000) if latest is None else latest
    return ChannelEventRow(
        session_id=session_id,
        key=f"{carrier_call}:{event.key}"[:300],
        began=began,
        position=position,
        at=event.at,
        type=event.kind,
        status=event.status[:64],
        raw_status=None if event.raw_status is None else event.raw_status[:64],
        carrier_call=carrier_call or None,
        provider=event.provider,
        label=event.label[:200],
        meta=dict(event.meta),
    )
