"""The demo businesses of the default tenant: a dental practice, an insurer, a bank. All names are made up.

Seeding is idempotent: what is there stays, bookings included, and the calendar grows by the days that have come
into view.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from api.records.scheduling import BUSINESS_ZONE
from gateway.stores.business import Card, Charge, Policy, Slot
from gateway.stores.engine import Database
from gateway.stores.schema import DEFAULT_TENANT

__all__ = ["DAYS_AHEAD", "seed", "slots_of"]

DAYS_AHEAD = 60

POLICIES = (
    ("481926", "Jordan Ellis", "auto", 50_000),
    ("739428", "Sam Rivera", "home", 100_000),
    ("550172", "Lee Carter", "auto", 25_000),
)
"""Number, holder, product, deductible in cents."""

CARDS = (
    ("7305", "Everyday Visa debit", "Alex Morgan"),
    ("4412", "Travel Mastercard credit", "Dana Whitfield"),
)

CHARGES = (
    ("chg_7305_1", "7305", "Bluebird Streaming", 1_499, 3),
    ("chg_7305_2", "7305", "Harbor Lane Grocers", 8_712, 5),
    ("chg_7305_3", "7305", "Northgate Electronics", 24_999, 8),
    ("chg_7305_4", "7305", "Quickstop Fuel", 5_230, 12),
    ("chg_4412_1", "4412", "Silverline Airways", 41_860, 4),
    ("chg_4412_2", "4412", "Cedar Grove Hotel", 18_900, 6),
    ("chg_4412_3", "4412", "Luma Coffee Roasters", 675, 9),
)
"""Id, card, merchant, cents, days before the first seeding."""

_PROVIDERS = ("Dr. Maya Patel", "Dr. Owen Brandt")
_ALWAYS_FREE = (4, time(9, 30))
"""Friday half past nine is never in the pattern of taken slots."""


async def seed(database: Database, now: datetime, tenant: str = DEFAULT_TENANT) -> None:
    """Put in what is missing. `now` is aware, of any zone. Raises SQLAlchemyError."""
    today = now.astimezone(BUSINESS_ZONE).date()
    async with database.writing(tenant) as db:
        for number, holder, product, deductible in POLICIES:
            if await db.get(Policy, (tenant, number)) is None:
                db.add(
                    Policy(
                        number=number,
                        holder=holder,
                        product=product,
                        status="active",
                        deductible_cents=deductible,
                    )
                )
        for last4, product, holder in CARDS:
            if await db.get(Card, (tenant, last4)) is None:
                db.add(Card(last4=last4, product=product, holder=holder))
        await db.flush()
        for charge, last4, merchant, cents, days in CHARGES:
            if await db.get(Charge, (tenant, charge)) is None:
                posted = today - timedelta(days=days)
                db.add(
                    Charge(
                        id=charge,
                        last4=last4,
                        merchant=merchant,
                        amount_cents=cents,
                        currency="USD",
                        posted_on=posted,
                    )
                )
        known = set(await db.scalars(select(Slot.id)))
        for ahead in range(DAYS_AHEAD + 1):
            for starts_at in slots_of(today + timedelta(days=ahead)):
                slot = f"slot_{starts_at:%Y%m%dT%H%M}"
                if slot not in known:
                    provider = _PROVIDERS[starts_at.weekday() % 2]
                    db.add(Slot(id=slot, starts_at=starts_at, provider=provider))


def slots_of(day: date) -> Iterator[datetime]:
    """The practice's open half-hours of a day that nobody had taken before the demo began: Monday to Friday from
    eight to five, Saturday from nine to noon, less about one in three. The same for the same day, always."""
    if day.weekday() == 6:
        return
    opens, closes = (time(9), time(12)) if day.weekday() == 5 else (time(8), time(17))
    at = datetime.combine(day, opens)
    while at.time() < closes:
        taken = hashlib.sha256(at.isoformat().encode()).digest()[0] % 3 == 0
        if not taken or (at.weekday(), at.time()) == _ALWAYS_FREE:
            yield at
        at += timedelta(minutes=30)
