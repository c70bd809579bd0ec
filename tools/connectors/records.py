"""The records of a tenant with the appointments elsewhere: in a calendar of the business's own."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

from tools.connectors.caldav import Calendar
from tools.contract import Records

__all__ = ["with_calendar"]


def with_calendar(records: Records, calendar: Calendar, now: datetime) -> Records:
    """`now`: local time of the persona's business."""
    return cast(Records, _WithCalendar(records, calendar, now))


class _WithCalendar:
    """`tools.contract.Records`: appointments by the calendar, all else by the records."""

    def __init__(self, records: Records, calendar: Calendar, now: datetime) -> None:
        self._records = records
        self._calendar = calendar
        self._now = now

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    async def find_slots(
        self, *, service: str, on: date | None, limit: int, calendar: str = "main"
    ) -> list[dict[str, Any]]:
        return await self._calendar.find_slots(on=on, limit=limit, now=self._now)

    async def book_appointment(
        self,
        *,
        key: str,
        service: str,
        starts_at: datetime,
        name: str,
        phone: str,
        session_id: str,
        calendar: str = "main",
    ) -> dict[str, Any]:
        return await self._calendar.book(
            key=key, service=service, starts_at=starts_at, name=name, phone=phone, now=self._now
        )
