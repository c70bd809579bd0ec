"""Appointments: slots that are free, and the one caller who gets each.

Times are wall-clock times at the business, without a zone, as callers say them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.records.codes import spoken_code
from api.records.once import Result, once
from gateway.stores.business import Appointment, Slot
from gateway.stores.engine import Database
from tools.contract import ToolError

__all__ = ["BUSINESS_ZONE", "book", "find_slots"]

BUSINESS_ZONE = ZoneInfo("America/New_York")
"""Where the demo businesses are."""

_NEAREST = 3


async def find_slots(
    database: Database, tenant: str, *, calendar: str, on: date | None, after: datetime, limit: int
) -> list[Result]:
    """Free slots of the calendar later than `after`, soonest first; of the day `on` only when it is given."""
    query = _free(calendar).where(Slot.starts_at > after)
    if on is not None:
        midnight = datetime.combine(on, datetime.min.time())
        query = query.where(Slot.starts_at >= midnight, Slot.starts_at < midnight + timedelta(days=1))
    async with database.reading(tenant) as db:
        slots = await db.scalars(query.order_by(Slot.starts_at, Slot.provider).limit(max(1, limit)))
        return [
            {"slot_id": slot.id, "starts_at": slot.starts_at.isoformat(), "provider": slot.provider}
            for slot in slots
        ]


async def book(
    database: Database,
    tenant: str,
    *,
    key: str,
    calendar: str,
    service: str,
    starts_at: datetime,
    name: str,
    phone: str,
    session_id: str,
    after: datetime,
) -> Result:
    """Take the slot that starts then. Raises ToolError, with the nearest free times, when there is none."""

    async def write(db: AsyncSession) -> Result:
        query = _free(calendar).where(Slot.starts_at == starts_at, Slot.starts_at > after)
        slot = (await db.scalars(query.order_by(Slot.provider).limit(1))).first()
        if slot is None:
            raise ToolError(await _sorry(db, calendar, starts_at, after))
        appointment = Appointment(
            id=f"appt_{uuid.uuid4().hex[:16]}",
            slot_id=slot.id,
            session_id=session_id,
            service=service,
            name=name,
            phone=phone,
            confirmation_code=spoken_code(),
            created_at=time.time(),
        )
        db.add(appointment)
        await db.flush()
        return {
            "booking_id": appointment.id,
            "confirmation_code": appointment.confirmation_code,
            "service": service,
            "starts_at": slot.starts_at.isoformat(),
            "provider": slot.provider,
        }

    return await once(database, tenant, "book_appointment", key, write)


def _free(calendar: str) -> Select[Slot]:
    taken = select(Appointment.id).where(Appointment.tenant == Slot.tenant, Appointment.slot_id == Slot.id)
    return select(Slot).where(Slot.calendar == calendar, ~taken.exists())


async def _sorry(db: AsyncSession, calendar: str, wanted: datetime, after: datetime) -> str:
    earlier = await db.scalars(
        _free(calendar)
        .where(Slot.starts_at < wanted, Slot.starts_at > after)
        .order_by(Slot.starts_at.desc())
        .limit(_NEAREST)
    )
    later = await db.scalars(
        _free(calendar).where(Slot.starts_at > wanted).order_by(Slot.starts_at).limit(_NEAREST)
    )
    around: Sequence[datetime] = [slot.starts_at for slot in (*earlier, *later)]
    nearest = sorted(sorted(around, key=lambda at: abs(at - wanted))[:_NEAREST])
    if not nearest:
        return f"{wanted.isoformat()} is not free, and no other time is."
    return f"{wanted.isoformat()} is not free. The nearest free times: {', '.join(at.isoformat() for at in nearest)}."
