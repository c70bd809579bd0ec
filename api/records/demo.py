"""The demo businesses of the default tenant: calendars, an insurer, a bank, and accounts. All names are made up.

Seeding is idempotent: what is there stays, bookings included, and the calendar grows by the days that have come
into view.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from api.records.demo_accounts import accounts
from api.records.scheduling import BUSINESS_ZONE
from gateway.stores.accounts import Account
from gateway.stores.business import Card, Charge, Policy, Slot
from gateway.stores.engine import Database
from gateway.stores.schema import DEFAULT_TENANT

__all__ = ["CALENDARS", "seed", "slots_of"]

POLICIES = (
    ("481926", "Jordan Ellis", "auto", 50_000),
    ("739428", "Sam Rivera", "home", 100_000),
    ("550172", "Lee Carter", "auto", 25_000),
)
"""Number, holder, product, deductible in cents."""

CARDS = (
    ("7305", "Everyday debit", "Alex Morgan"),
    ("4412", "Travel credit", "Dana Whitfield"),
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

CALENDARS = {
    "main": (60, ("Dr. Maya Patel", "Dr. Owen Brandt")),
    "clinic": (21, ("Dr. Irene Castell", "Dr. Paul Okafor")),
    "tax": (21, ("Ingrid Halvorsen", "Marlon Reeves")),
    "vet": (21, ("Dr. Abby Quill", "Dr. Noel Santos")),
    "dental_mx": (21, ("Dra. Renata Solís", "Dr. Iván Cordero")),
    "clinic_pk": (21, ("ڈاکٹر عائشہ قریشی", "ڈاکٹر عمر فاروقی")),
}
"""How many days ahead each reaches, and who sees people there, on one day and on the next."""
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
        for account in accounts(today):
            if await db.get(Account, (tenant, account.kind, account.number)) is None:
                db.add(account)
        known = set(await db.scalars(select(Slot.id)))
        # Told apart before they are made: nearly all of the 1,600 are there at most starts.
        db.add_all(_slots(today, known))


def _slots(today: date, known: Collection[str]) -> Iterator[Slot]:
    for calendar, (days_ahead, providers) in CALENDARS.items():
        for ahead in range(days_ahead + 1):
            for starts_at in slots_of(today + timedelta(days=ahead), calendar):
                prefix = "slot" if calendar == "main" else f"slot_{calendar}"
                slot = f"{prefix}_{starts_at:%Y%m%dT%H%M}"
                if slot in known:
                    continue
                yield Slot(
                    id=slot,
                    starts_at=starts_at,
                    provider=providers[starts_at.weekday() % 2],
                    calendar=calendar,
                )


def slots_of(day: date, calendar: str = "main") -> Iterator[datetime]:
    """The calendar's open half-hours of a day that nobody had taken before the demo began: Monday to Friday from
    eight to five, Saturday from nine to noon, less about one in three. The same for the same day, always."""
    if day.weekday() == 6:
        return
    opens, closes = (time(9), time(12)) if day.weekday() == 5 else (time(8), time(17))
    at = datetime.combine(day, opens)
    seed = "" if calendar == "main" else calendar
    while at.time() < closes:
        taken = hashlib.sha256((seed + at.isoformat()).encode()).digest()[0] % 3 == 0
        if not taken or (at.weekday(), at.time()) == _ALWAYS_FREE:
            yield at
        at += timedelta(minutes=30)
