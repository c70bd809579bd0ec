"""A calendar on a CalDAV server (RFC 4791): what is free of it, and an appointment put into it.

Three requests do: the free-busy report, which every CalDAV server has to know and which tells nothing of what others
have there; a PUT that makes an event only where there is none (`If-None-Match: *`); and a GET. An event's name is made
of when it begins, so of two callers who want one time the server lets in one, whichever process they talk to.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
from yarl import URL

from tools.connectors.model import CalDav
from tools.contract import ToolError, ToolUnavailable
from tools.http.proof import proof
from tools.outbound.guard import Refused
from tools.outbound.sender import Answer, BrokenOff, Outgoing, Sender, TooLarge, Unreachable
from tools.secrets import SecretError, Secrets

__all__ = ["Calendar"]

logger = logging.getLogger(__name__)

WINDOW_DAYS = 14
"""How many days one report is asked for while the soonest times are looked for."""
NEAREST = 3
KEY, SERVICE = "X-PARLEY-KEY", "X-PARLEY-SERVICE"
REPORT = (
    '<?xml version="1.0" encoding="utf-8"?><C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">'
    '<C:time-range start="{:%Y%m%dT%H%M%SZ}" end="{:%Y%m%dT%H%M%SZ}"/></C:free-busy-query>'
)
_SAMPLE = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VFREEBUSY\r\nDTSTAMP:20260101T000000Z\r\n"
    b"FREEBUSY:20260101T000000Z/PT1H\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"
)
_LETTERS, _DIGITS = "ABCDEFGHJKLMNPQRTUVWXYZ", "23456789"

Span = tuple[datetime, datetime]


class Calendar:
    def __init__(self, name: str, about: CalDav, sender: Sender, secrets: Secrets) -> None:
        self._name = name
        self._about = about
        self._sender = sender
        self._secrets = secrets
        self._zone = ZoneInfo(about.timezone)
        # icalendar reads files of time zones at the first moment that it meets; here nobody waits for that.
        _periods(_SAMPLE)

    @property
    def about(self) -> str:
        return f"calendar {self._name}"

    async def probe(self) -> str:
        now = datetime.now(UTC)
        try:
            await self._busy(now, now + timedelta(hours=1))
        except ToolError as fault:
            return str(fault.__cause__ or fault)
        return ""

    async def find_slots(self, *, on: date | None, limit: int, now: datetime) -> list[dict[str, Any]]:
        """As `tools.contract.Records`. `now` is local. Raises ToolError."""
        now = self._local(now)
        first = max(on or now.date(), now.date())
        last = on or now.date() + timedelta(days=self._about.days_ahead)
        found: list[datetime] = []
        while first <= last and len(found) < limit:
            until = min(last, first + timedelta(days=WINDOW_DAYS - 1))
            found += [slot for slot in await self._free(first, until) if slot > now]
            first = until + timedelta(days=1)
        return [self._slot(at) for at in found[:limit]]

    async def book(
        self, *, key: str, service: str, starts_at: datetime, name: str, phone: str, now: datetime
    ) -> dict[str, Any]:
        """As `tools.contract.Records`. Raises ToolError."""
        at, now = self._local(starts_at), self._local(now)
        mark = hashlib.sha256(key.encode()).hexdigest()
        if (mine := await self._mine(at, mark)) is not None:
            return mine
        if at <= now or at not in await self._free(at.date(), at.date()):
            raise ToolError(await self._sorry(at, now))
        event = self._event(at, mark, service, name, phone)
        headers = {"Content-Type": "text/calendar; charset=utf-8", "If-None-Match": "*"}
        try:
            answer = await self._ask("PUT", self._place(at), event, headers)
        except BrokenOff:
            # It may be there. The same again makes no second one.
            answer = await self._ask("PUT", self._place(at), event, headers)
        if answer.status == 412:
            if (mine := await self._mine(at, mark)) is not None:
                return mine
            raise ToolError(await self._sorry(at, now))
        self._accepted(answer, 200, 201, 204)
        return self._booking(at, mark, service)

    # ── what is free ──

    async def _free(self, first: date, last: date) -> list[datetime]:
        begin, end = self._midnight(first), self._midnight(last + timedelta(days=1))
        busy = await self._busy(begin, end)
        length = timedelta(minutes=self._about.slot_minutes)
        free = []
        day = first
        while day <= last:
            for opens, closes in self._about.opening(day.weekday()):
                at, close = (
                    datetime.combine(day, opens, self._zone),
                    datetime.combine(day, closes, self._zone),
                )
                while at + length <= close:
                    if not any(start < at + length and at < stop for start, stop in busy):
                        free.append(at)
                    at += length
            day += timedelta(days=1)
        return free

    async def _busy(self, begin: datetime, end: datetime) -> list[Span]:
        body = REPORT.format(begin.astimezone(UTC), end.astimezone(UTC)).encode()
        headers = {"Content-Type": "application/xml; charset=utf-8", "Depth": "1"}
        answer = self._accepted(await self._ask("REPORT", self._url, body, headers), 200)
        try:
            return list(_periods(answer.body))
        except (ValueError, KeyError, IndexError):
            logger.error("%s: its free-busy report cannot be read", self.about)
            raise ToolError(
                "The calendar cannot be read at the moment. Say so, and offer a call back."
            ) from None

    async def _sorry(self, wanted: datetime, now: datetime) -> str:
        around = [
            slot
            for slot in await self._free(
                max(wanted.date() - timedelta(days=3), now.date()),
                max(wanted.date(), now.date()) + timedelta(days=4),
            )
            if slot > now and slot != wanted
        ]
        nearest = sorted(sorted(around, key=lambda at: abs(at - wanted))[:NEAREST])
        if not nearest:
            return f"{_naive(wanted)} is not free, and no time near it is."
        return f"{_naive(wanted)} is not free. The nearest free times: {', '.join(map(_naive, nearest))}."

    # ── what is there ──

    async def _mine(self, at: datetime, mark: str) -> dict[str, Any] | None:
        """The booking that this key made before, if it did."""
        answer = await self._ask("GET", self._place(at), None, {"Accept": "text/calendar"})
        if answer.status in (404, 410):
            return None
        self._accepted(answer, 200)
        try:
            for event in icalendar.Calendar.from_ical(answer.body).walk("VEVENT"):
                if str(event.get(KEY, "")) == mark:
                    return self._booking(at, mark, str(event.get(SERVICE, "")))
        except ValueError:
            logger.error("%s: an event cannot be read", self.about)
        return None

    def _event(self, at: datetime, mark: str, service: str, name: str, phone: str) -> bytes:
        event = icalendar.Event()
        event.add("uid", f"parley-{mark[:32]}")
        event.add("dtstamp", datetime.now(UTC))
        event.add("dtstart", at.astimezone(UTC))
        event.add("dtend", at.astimezone(UTC) + timedelta(minutes=self._about.slot_minutes))
        event.add("summary", f"{service}: {name}")
        event.add("description", f"{name}, {phone}. Confirmation code {_code(mark)}. Booked by telephone.")
        event.add(KEY, mark)
        event.add(SERVICE, service)
        calendar = icalendar.Calendar()
        calendar.add("prodid", "-//Parley//Parley//EN")
        calendar.add("version", "2.0")
        calendar.add_component(event)
        return bytes(calendar.to_ical())

    def _booking(self, at: datetime, mark: str, service: str) -> dict[str, Any]:
        return {
            "booking_id": f"appt_{mark[:16]}",
            "confirmation_code": _code(mark),
            "service": service,
            "starts_at": _naive(at),
            "provider": self._about.provider,
        }

    def _slot(self, at: datetime) -> dict[str, Any]:
        return {"slot_id": f"{at:%Y%m%dT%H%M}", "starts_at": _naive(at), "provider": self._about.provider}

    # ── asking ──

    @property
    def _url(self) -> URL:
        return URL(self._about.url, encoded=True)

    def _place(self, at: datetime) -> URL:
        return URL(
            f"{self._about.url.rstrip('/')}/parley-{at.astimezone(UTC):%Y%m%dT%H%M}Z.ics", encoded=True
        )

    async def _ask(self, method: str, url: URL, body: bytes | None, headers: dict[str, str]) -> Answer:
        """Raises ToolError, ToolUnavailable; BrokenOff for what may have been done."""
        try:
            asked = Outgoing(
                method, url, {**headers, **await proof(self._about.auth, self._secrets)}, body, 6.0
            )
            return await self._sender.send(asked)
        except (SecretError, Refused) as fault:
            logger.error("%s: %s", self.about, fault)
            raise _not_set_up() from fault
        except TooLarge:
            raise ToolError("The calendar answered too much. Ask for one day.") from None
        except (Unreachable, BrokenOff) as fault:
            if isinstance(fault, BrokenOff) and method == "PUT":
                raise
            raise ToolUnavailable(
                "The calendar cannot be reached at the moment. Say so, offer to try again."
            ) from fault

    def _accepted(self, answer: Answer, *good: int) -> Answer:
        """Raises ToolError, ToolUnavailable."""
        if answer.status in good:
            return answer
        if answer.status in (429, 503):
            raise ToolUnavailable("The calendar is too busy at the moment. Say so, and offer to try again.")
        why = _Answered(f"its server answers {answer.status}; look at its url, and at its auth")
        logger.error("%s: %s", self.about, why)
        raise _not_set_up() from why

    def _local(self, moment: datetime) -> datetime:
        """With the calendar's zone; a time without one is there already."""
        local = (
            moment.replace(tzinfo=self._zone) if moment.tzinfo is None else moment.astimezone(self._zone)
        )
        return local.replace(second=0, microsecond=0)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self._zone)


class _Answered(Exception):
    """What a server said that is of no use."""


def _not_set_up() -> ToolError:
    return ToolError("The calendar cannot be used at the moment. Say so, and offer a call back.")


def _periods(report: bytes) -> Sequence[Span]:
    """The busy periods of a free-busy report. Raises ValueError."""
    found: list[Span] = []
    for part in icalendar.Calendar.from_ical(report).walk("VFREEBUSY"):
        given = part.get("FREEBUSY", [])
        for each in given if isinstance(given, list) else [given]:
            if str(each.params.get("FBTYPE", "BUSY")).upper() != "FREE":
                begin, end = each.dt
                end = begin + end if isinstance(end, timedelta) else end
                found.append((begin.astimezone(UTC), end.astimezone(UTC)))
    return found


def _naive(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat()


def _code(mark: str) -> str:
    """Two letters and four digits, the same for the same booking."""
    number = int(mark[:16], 16)
    letters = ""
    for _ in range(2):
        number, place = divmod(number, len(_LETTERS))
        letters += _LETTERS[place]
    digits = ""
    for _ in range(4):
        number, place = divmod(number, len(_DIGITS))
        digits += _DIGITS[place]
    return letters + digits
