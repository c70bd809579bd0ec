"""Opening hours as people write them: `mon-fri 08:00-17:00, sat 09:00-12:00`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time

__all__ = ["Opening", "is_open", "read_hours"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ENTRY = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d{2}:\d{2})-(\d{2}:\d{2})")


@dataclass(frozen=True, slots=True)
class Opening:
    """Some days of the week (0 is Monday) from one time to another."""

    days: frozenset[int]
    opens: time
    closes: time


def read_hours(text: str) -> tuple[Opening, ...]:
    """Empty: always open. Raises ValueError with how to write it."""
    return tuple(_opening(part.strip().lower()) for part in text.split(",") if part.strip())


def _opening(part: str) -> Opening:
    found = _ENTRY.fullmatch(part)
    if found is None or not {found[1], found[2] or found[1]} <= set(DAYS):
        raise ValueError(f"{part!r} are no hours; write them as mon-fri 08:00-17:00, sat 09:00-12:00")
    first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
    days = frozenset((first + more) % 7 for more in range((last - first) % 7 + 1))
    try:
        opens, closes = time.fromisoformat(found[3]), time.fromisoformat(found[4])
    except ValueError:
        raise ValueError(f"{part!r}: hours run from 00:00 to 23:59") from None
    if closes <= opens:
        raise ValueError(f"{part!r} closes before it opens; give each day its own hours")
    return Opening(days, opens, closes)


def is_open(openings: tuple[Opening, ...], now: datetime) -> bool:
    """`now` is local time of the business."""
    at = now.time().replace(tzinfo=None)
    return not openings or any(
        now.weekday() in one.days and one.opens <= at < one.closes for one in openings
    )
