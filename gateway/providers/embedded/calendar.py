"""Days of the year, relative to today."""

from __future__ import annotations

from datetime import date

__all__ = ["nearest_day"]


def nearest_day(today: date, month: int, day: int, *, past: bool) -> date | None:
    """The next such day, or with `past` the last one; the 29th of February up to four years away."""
    years = (today.year, today.year - 1) if past else (today.year, today.year + 1, today.year + 2)
    for year in (*years, today.year - 4 if past else today.year + 4):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if (found <= today) if past else (found >= today):
            return found
    return None
