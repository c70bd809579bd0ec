"""Days of the year, relative to today, and how they stand in what is said; for any language."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date, timedelta

from gateway.providers.embedded.findings import Clock, Moment
from gateway.providers.embedded.grammar import Words

__all__ = [
    "Found", "day_written", "moment_of", "nearest_day", "nearest_day_of_month", "nearest_weekday", "stands"
]  # fmt: skip

Found = tuple[date | None, set[int], bool]
"""A day, the words that it was read from, and whether it is sure. None: they name one that there is not."""


def moment_of(
    words: Words,
    found: Found | None,
    find_time: Callable[..., Clock],
    soonest: Collection[Words],
    *,
    past: bool,
    expected: bool,
) -> Moment:
    """A day that was found in `words`, with the time of day there. `soonest`: phrases for any day, if none is named."""
    day, taken, sure = found or (None, set[int](), True)
    clock = find_time(words, taken, expected=expected or day is not None)
    any_day = day is None and not past and any(stands(words, phrase) for phrase in soonest)
    return Moment(day, clock.at, clock.part, any_day, sure and clock.sure, frozenset(taken | clock.taken))


def stands(words: Words, phrase: Words) -> bool:
    """Whether the phrase stands somewhere in the words."""
    return any(words[at : at + len(phrase)] == phrase for at in range(len(words)))


def day_written(words: Words, today: date, *, past: bool) -> Found | None:
    """A day in numerals: `2026-11-27`, `27/11/2026`, `27-11`: the day before the month."""
    for at, word in enumerate(words):
        iso = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", word)
        written = re.fullmatch(r"(\d{1,2})[/-](\d{1,2})(?:[/-](\d{2,4}))?", word)
        try:
            if iso:
                return date(*map(int, iso.groups())), {at}, True
            if written:
                day, month, year = written.groups()
                if year:
                    whole = int(year) + (2000 if len(year) == 2 else 0)
                    return date(whole, int(month), int(day)), {at}, True
                near = nearest_day(today, int(month), int(day), past=past)
                if near is not None:
                    return near, {at}, True
        except ValueError:
            continue
    return None


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


def nearest_day_of_month(today: date, day: int, *, past: bool) -> date | None:
    """The next day of this number, or with `past` the last one; today too."""
    for ahead in range(62):
        found = today + timedelta(days=-ahead if past else ahead)
        if found.day == day:
            return found
    return None


def nearest_weekday(today: date, number: int, *, past: bool, next_week: bool, this: bool) -> date:
    """The next such day of the week (Monday is 0), or with `past` the last one; never today but with `this`."""
    ahead = (number - today.weekday()) % 7
    if past:
        return today - timedelta(days=(today.weekday() - number) % 7 or 7)
    if next_week:
        return today - timedelta(days=today.weekday()) + timedelta(days=7 + number)
    if ahead == 0 and this:
        return today
    return today + timedelta(days=ahead or 7)
