"""Dates and times as models write them: ISO 8601, and the near misses that are unambiguous."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

__all__ = ["LocalDate", "LocalDateTime"]

_DATES = ("%Y/%m/%d", "%m/%d/%Y", "%B %d %Y", "%d %B %Y", "%b %d %Y")
_TIMES = ("%H:%M:%S", "%H:%M", "%I:%M %p", "%I:%M%p", "%I %p", "%I%p")
_NEAR = {"today": 0, "tomorrow": 1, "yesterday": -1}


def _now(info: ValidationInfo) -> datetime | None:
    context = info.context
    return context.get("now") if isinstance(context, dict) else None


def _read_date(text: str, now: datetime | None) -> date | None:
    text = text.strip().replace(",", "")
    if now is not None and text.lower() in _NEAR:
        return (now + timedelta(days=_NEAR[text.lower()])).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    for pattern in _DATES:
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - only the date is kept
        except ValueError:
            continue
    return None


def _date(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, datetime):
        return value.date()
    if not isinstance(value, str):
        return value
    text = re.split(r"[T ](?=\d{1,2}:)", value.strip(), maxsplit=1)[0]
    found = _read_date(text, _now(info))
    if found is None:
        raise ValueError("write the date as YYYY-MM-DD")
    return found


def _datetime(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if not isinstance(value, str):
        raise ValueError("write date and time as YYYY-MM-DDTHH:MM:SS")  # noqa: TRY004 - pydantic wants ValueError
    text = value.strip()
    try:
        return (
            datetime.fromisoformat(text).replace(tzinfo=None)
            if re.search(r"[T ]\d", text)
            else _halves(text, info)
        )
    except ValueError:
        return _halves(text, info)


def _halves(text: str, info: ValidationInfo) -> datetime:
    halves = re.split(r"(?:T|\s+at\s+|\s+)(?=\d{1,2}(?::\d\d|\s*[APap]\.?[Mm]))", text, maxsplit=1)
    if len(halves) == 2:
        day = _read_date(halves[0], _now(info))
        clock = halves[1].replace(".", "").strip().upper()
        for pattern in _TIMES:
            try:
                moment = datetime.strptime(clock, pattern).time()  # noqa: DTZ007 - local wall-clock time
            except ValueError:
                continue
            if day is not None:
                return datetime.combine(day, moment)
    raise ValueError("write date and time as YYYY-MM-DDTHH:MM:SS")


LocalDate = Annotated[date, BeforeValidator(_date)]
"""A day in the business's timezone; of a date with a time, the date."""
LocalDateTime = Annotated[datetime, BeforeValidator(_datetime), WithJsonSchema({"type": "string"})]
"""Wall-clock time at the business, naive. An offset is dropped: models put a `Z` behind local times
(and the schema names no `date-time` format, which would demand one)."""
