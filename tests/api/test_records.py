"""The business records behind the tools: who gets the slot, and what a repeated write does. On both engines."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from api.records.demo import CALENDARS, seed, slots_of
from api.records.scheduling import BUSINESS_ZONE
from api.records.tools import SqlRecords
from gateway.stores.business import Appointment, OnceKey, Policy, Slot
from gateway.stores.engine import Database
from gateway.stores.schema import DEFAULT_TENANT
from tests.stores.calls import add_session
from tools.contract import Records, ToolError

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 18, 20, 0, tzinfo=BUSINESS_ZONE)
"""A Wednesday evening."""


def local(year: int, month: int, day: int, hour: int, minute: int, second: int = 0) -> datetime:
    """Wall-clock time at the business."""
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - callers say times without a zone


FRIDAY = date(2026, 11, 20)
HALF_PAST_NINE = local(2026, 11, 20, 9, 30)


class Desk:
    """The records of the demo tenant, and one session to act in."""

    def __init__(self, database: Database, session: str) -> None:
        self.database = database
        self.session = session
        self.records: Records = SqlRecords(database, DEFAULT_TENANT, clock=NOW.astimezone)

    async def book(self, key: str | None = None, starts_at: datetime = HALF_PAST_NINE) -> dict[str, Any]:
        return await self.records.book_appointment(
            key=key or uuid.uuid4().hex,
            service="cleaning",
            starts_at=starts_at,
            name="Ada Byron",
            phone="212-555-0143",
            session_id=self.session,
        )

    async def free_on(self, day: date) -> list[str]:
        return [
            slot["starts_at"]
            for slot in await self.records.find_slots(service="cleaning", on=day, limit=40)
        ]


@asynccontextmanager
async def desk(url: str) -> AsyncIterator[Desk]:
    async with Database.open(url) as database:
        await seed(database, NOW)
        yield Desk(database, await add_session(database))


# ── the calendar ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_calendar_of_a_week() -> None:
    week = {day: list(slots_of(FRIDAY + timedelta(days=day))) for day in range(7)}
    assert HALF_PAST_NINE in week[0]
    assert all(9 <= at.hour < 12 for at in week[1]), "Saturday morning"
    assert week[2] == [], "Sunday"
    for day in (0, 3, 4, 5, 6):
        assert all(8 <= at.hour < 17 and at.minute in (0, 30) for at in week[day])
        assert 6 <= len(week[day]) < 18
    assert list(slots_of(FRIDAY)) == week[0]


def test_friday_half_past_nine_is_always_there() -> None:
    for weeks in range(60):
        assert HALF_PAST_NINE + timedelta(weeks=weeks) in set(slots_of(FRIDAY + timedelta(weeks=weeks)))


async def test_seeding_again_adds_only_the_days_to_come(any_database: str) -> None:
    async with desk(any_database) as at:
        await at.book()

        async def counts() -> tuple[int, int, int]:
            async with at.database.reading(DEFAULT_TENANT) as db:
                numbers = [
                    await db.scalar(select(func.count()).select_from(t))
                    for t in (Slot, Appointment, Policy)
                ]
            return numbers[0] or 0, numbers[1] or 0, numbers[2] or 0

        before = await counts()
        await seed(at.database, NOW.astimezone(UTC))
        assert await counts() == before
        await seed(at.database, NOW + timedelta(days=1))
        new = sum(
            len(list(slots_of(NOW.date() + timedelta(days=days_ahead + 1), calendar)))
            for calendar, (days_ahead, _) in CALENDARS.items()
        )
        assert await counts() == (before[0] + new, 1, 3)
        assert HALF_PAST_NINE.isoformat() not in await at.free_on(FRIDAY)


async def test_slots_are_free_future_and_soonest_first(any_database: str) -> None:
    async with desk(any_database) as at:
        soonest = await at.records.find_slots(service="checkup", on=None, limit=5)
        assert len(soonest) == 5
        times = [slot["starts_at"] for slot in soonest]
        assert times == sorted(times)
        assert times[0] > NOW.replace(tzinfo=None).isoformat()
        assert set(soonest[0]) == {"slot_id", "starts_at", "provider"}
        assert await at.free_on(NOW.date()) == [], "the evening is past the day's hours"
        friday = await at.free_on(FRIDAY)
        assert HALF_PAST_NINE.isoformat() in friday
        assert all(time.startswith("2026-11-20T") for time in friday)
        assert await at.free_on(date(2030, 1, 1)) == []


# ── booking ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_slot_is_booked(any_database: str) -> None:
    async with desk(any_database) as at:
        booked = await at.book()
        assert set(booked) == {"booking_id", "confirmation_code", "service", "starts_at", "provider"}
        assert booked["starts_at"] == "2026-11-20T09:30:00"
        assert HALF_PAST_NINE.isoformat() not in await at.free_on(FRIDAY)


async def test_a_taken_slot_names_the_nearest_free_ones(any_database: str) -> None:
    async with desk(any_database) as at:
        await at.book()
        with pytest.raises(ToolError) as refused:
            await at.book()
        named = [word.strip(".,") for word in str(refused.value).split() if word.startswith("2026-11-20T")]
        assert named[0] == "2026-11-20T09:30:00"
        assert len(named) == 4
        assert set(named[1:]) <= set(await at.free_on(FRIDAY))


@pytest.mark.parametrize("callers", [2, 6])
async def test_of_several_callers_one_gets_the_slot(any_database: str, callers: int) -> None:
    async with desk(any_database) as at:
        outcomes: list[str] = []

        async def call() -> None:
            try:
                await at.book()
                outcomes.append("booked")
            except ToolError as error:
                outcomes.append("refused" if "nearest free" in str(error) else str(error))

        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(call())
        assert sorted(outcomes) == ["booked"] + ["refused"] * (callers - 1)
        async with at.database.reading(DEFAULT_TENANT) as db:
            assert await db.scalar(select(func.count()).select_from(Appointment)) == 1


async def test_the_same_key_gives_the_first_result(any_database: str) -> None:
    async with desk(any_database) as at:
        first = await at.book("call:1")
        assert await at.book("call:1") == first
        results: list[dict[str, Any]] = []

        async def again() -> None:
            results.append(await at.book("call:2", local(2026, 11, 27, 9, 30)))

        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(again())
        assert all(result == results[0] for result in results)
        async with at.database.reading(DEFAULT_TENANT) as db:
            assert await db.scalar(select(func.count()).select_from(Appointment)) == 2


async def test_a_refusal_is_not_kept(any_database: str) -> None:
    async with desk(any_database) as at:
        with pytest.raises(ToolError):
            await at.book("call:1", local(2026, 11, 22, 9, 30))
        async with at.database.reading(DEFAULT_TENANT) as db:
            assert await db.scalar(select(func.count()).select_from(OnceKey)) == 0
        await at.book("call:1")


@pytest.mark.parametrize(
    "starts_at",
    [
        local(2026, 11, 20, 9, 30, 12),
        datetime(2026, 11, 20, 14, 30, tzinfo=UTC),
        datetime(2026, 11, 20, 8, 30, tzinfo=ZoneInfo("America/Chicago")),
    ],
)
async def test_times_as_models_write_them(sqlite_url: str, starts_at: datetime) -> None:
    async with desk(sqlite_url) as at:
        assert (await at.book(starts_at=starts_at))["starts_at"] == "2026-11-20T09:30:00"


async def test_the_past_cannot_be_booked(sqlite_url: str) -> None:
    async with desk(sqlite_url) as at:
        with pytest.raises(ToolError):
            await at.book(starts_at=local(2026, 11, 18, 9, 30))


async def test_another_tenant_has_records_of_its_own(any_database: str) -> None:
    async with desk(any_database) as at:
        other = SqlRecords(at.database, "other-practice", clock=NOW.astimezone)
        assert await other.find_slots(service="cleaning", on=FRIDAY, limit=40) == []
        with pytest.raises(ToolError):
            await other.find_policy(number="481926")
        await seed(at.database, NOW, "other-practice")
        theirs = await add_session(at.database, "other-practice")
        await at.book("call:1")
        booked = await other.book_appointment(
            key="call:1",
            service="x",
            starts_at=HALF_PAST_NINE,
            name="A B",
            phone="1234567",
            session_id=theirs,
        )
        assert booked["starts_at"] == "2026-11-20T09:30:00"


# ── claims, disputes, handovers ───────────────────────────────────────────────────────────────────────────


async def test_policies_and_claims(any_database: str) -> None:
    async with desk(any_database) as at:
        policy = await at.records.find_policy(number="48 19 26")
        assert policy == {
            "policy_number": "481926",
            "holder": "Jordan Ellis",
            "product": "auto",
            "status": "active",
            "deductible": 500,
        }
        with pytest.raises(ToolError, match="000000"):
            await at.records.find_policy(number="000000")
        claims = [
            await at.records.open_claim(
                key="call:1",
                policy_number="481926",
                loss_type="collision",
                occurred_on=date(2026, 11, 17),
                injured=False,
                description="A van touched the bumper.",
                session_id=at.session,
            )
            for _ in range(2)
        ]
        assert claims[0] == claims[1]
        assert claims[0]["status"] == "open"


async def test_cards_and_disputes(any_database: str) -> None:
    async with desk(any_database) as at:
        card = await at.records.find_card(last4="7305")
        assert len(card["charges"]) >= 3
        posted = [charge["posted_on"] for charge in card["charges"]]
        assert posted == sorted(posted, reverse=True)
        with pytest.raises(ToolError):
            await at.records.find_card(last4="0000")
        charge = card["charges"][0]
        asked = {
            "last4": "7305",
            "charge_id": charge["charge_id"],
            "reason": "not mine",
            "session_id": at.session,
        }
        dispute = await at.records.open_dispute(key="call:1", **asked)
        assert (dispute["merchant"], dispute["amount"]) == (charge["merchant"], charge["amount"])
        assert await at.records.open_dispute(key="call:1", **asked) == dispute
        with pytest.raises(ToolError, match=dispute["reference"]):
            await at.records.open_dispute(key="call:2", **asked)
        with pytest.raises(ToolError, match="no such charge"):
            await at.records.open_dispute(key="call:3", **{**asked, "last4": "4412"})


async def test_handovers_queue_by_department(any_database: str) -> None:
    async with desk(any_database) as at:
        positions = []
        for key, department in ("1", "billing"), ("2", "billing"), ("1", "billing"), ("3", "claims"):
            answer = await at.records.request_handover(
                key=key, department=department, reason="asked for a person", session_id=at.session
            )
            positions.append(answer["position"])
        assert positions == [1, 2, 1, 1]


async def test_a_database_that_fails_is_something_the_agent_can_say(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(sqlite_url) as at:

        @asynccontextmanager
        async def away(*_: object) -> AsyncIterator[None]:
            raise OperationalError("SELECT", None, OSError("disk"))
            yield

        monkeypatch.setattr(at.database, "reading", away)
        with pytest.raises(ToolError, match="cannot be reached"):
            await at.records.find_card(last4="7305")
