"""Days and times in spoken English, relative to now; and how to speak them."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from functools import lru_cache

from gateway.providers.embedded.calendar import (
    Found,
    moment_of,
    nearest_day,
    nearest_day_of_month,
    nearest_weekday,
)
from gateway.providers.embedded.english.clock import find_time
from gateway.providers.embedded.english.numbers import cardinal, one_word, ordinal
from gateway.providers.embedded.english.words import alike, best
from gateway.providers.embedded.findings import Moment

__all__ = ["MONTHS", "WEEKDAYS", "Moment", "find_moment", "say_date", "say_time"]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_SHORT_DAYS = {day[:3]: day for day in WEEKDAYS} | {
    "tues": "tuesday",
    "thurs": "thursday",
    "thur": "thursday",
}
_SHORT_MONTHS = {month[:3]: month for month in MONTHS if month != "may"} | {"sept": "september"}
_SOONEST = (
    ("as", "soon", "as"), ("soonest",), ("earliest",), ("first", "available"), ("next", "available"), ("any", "time"),
    ("anytime",), ("any", "day"), ("whenever",), ("asap",),
)  # fmt: skip


@lru_cache(maxsize=4096)
def find_moment(
    words: tuple[str, ...], today: date, *, past: bool = False, expected: bool = False
) -> Moment:
    """What `words` say about day and time; an empty Moment when nothing. `past`: it has happened, so a weekday or
    a month's day is the last one, not the next. `expected`: a bare `nine` or `the twelfth` counts, and so do
    near misses of the words for days."""
    found = _find_day(words, today, past, expected)
    return moment_of(words, found, find_time, _SOONEST, past=past, expected=expected)


def _weekday(word: str, expected: bool) -> tuple[int, bool] | None:
    if word in WEEKDAYS or word in _SHORT_DAYS:
        name = _SHORT_DAYS.get(word, word)
        return (
            (WEEKDAYS.index(name), True) if word not in ("sun", "sat", "wed", "mon") or expected else None
        )
    plural = word.removesuffix("s")
    if plural in WEEKDAYS:
        return WEEKDAYS.index(plural), True
    near = best(word, WEEKDAYS, 0.7) if expected and word not in ("today", "monthly") else None
    return (WEEKDAYS.index(near), False) if near else None


def _month(word: str, expected: bool) -> tuple[int, bool] | None:
    name = _SHORT_MONTHS.get(word, word)
    if name in MONTHS:
        return MONTHS.index(name) + 1, True
    near = best(word, MONTHS, 0.78) if expected else None
    return (MONTHS.index(near) + 1, False) if near else None


def _find_day(words: tuple[str, ...], today: date, past: bool, expected: bool) -> Found | None:
    for finder in (_numeral, _relative, _month_day):
        found = finder(words, today, past, expected)
        if found is not None:
            return found
    for at, word in enumerate(words):
        joined = word + words[at + 1] if at + 1 < len(words) else ""
        named, split = (
            _weekday(word, expected),
            best(joined, WEEKDAYS, 0.8) if joined.endswith("day") else None,
        )
        two = split is not None and (named is None or not named[1])
        if split is not None and two:
            named = WEEKDAYS.index(split), False
        if named is None:
            continue
        before = words[at - 1] if at else ""
        week_on = words[at + 1 : at + 3] == ("next", "week") or before == "next"
        day = nearest_weekday(
            today, named[0], past=before == "last" or past, next_week=week_on, this=before == "this"
        )
        taken = {at, at + 1} if two else {at}
        if before in ("on", "next", "last", "this", "by", "for", "coming"):
            taken.add(at - 1)
        return day, taken, named[1]
    return _bare_ordinal(words, today, past, expected)


def _numeral(words: tuple[str, ...], today: date, past: bool, expected: bool) -> Found | None:
    for at, word in enumerate(words):
        iso = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", word)
        american = re.fullmatch(r"(\d{1,2})/(\d{1,2})(?:/(\d{2,4}))?", word)
        try:
            if iso:
                return date(*map(int, iso.groups())), {at}, True
            if american:
                month, day, year = american.groups()
                if year:
                    return (
                        date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day)),
                        {at},
                        True,
                    )
                return nearest_day(today, int(month), int(day), past=past), {at}, True
        except ValueError:
            continue
    return None


def _relative(words: tuple[str, ...], today: date, past: bool, expected: bool) -> Found | None:
    for at, word in enumerate(words):
        before = words[at - 2 : at] if at >= 2 else ()
        if word in ("today", "tonight") or words[at : at + 2] in (
            ("this", "morning"), ("this", "afternoon"), ("this", "evening"),
        ):  # fmt: skip
            return today, {at}, True
        if words[at : at + 2] == ("last", "night"):
            return today - timedelta(days=1), {at, at + 1}, True
        if word in ("tomorrow", "yesterday"):
            sign = 1 if word == "tomorrow" else -1
            far = before in (("day", "after"), ("day", "before"))
            return today + timedelta(days=sign * (2 if far else 1)), {at}, True
        if expected and not past and alike(word, "tomorrow") >= 0.75:
            return today + timedelta(days=1), {at}, False
        if expected and past and alike(word, "yesterday") >= 0.75:
            return today - timedelta(days=1), {at}, False
        if word in ("day", "days", "week", "weeks") and at:
            count = (
                1
                if words[at - 1] in ("a", "one")
                else 2
                if words[at - 1] == "couple"
                else one_word(words[at - 1])
            )
            days = (count or 0) * (7 if word.startswith("week") else 1)
            if count and at + 1 < len(words) and words[at + 1] in ("ago", "earlier"):
                return today - timedelta(days=days), {at - 1, at, at + 1}, True
            if count and not past and at >= 2 and words[at - 2] == "in":
                return today + timedelta(days=days), {at - 2, at - 1, at}, True
        if (
            words[at : at + 2] == ("next", "week")
            and not past
            and not any(_weekday(each, False) for each in words)
        ):
            return today + timedelta(days=7 - today.weekday()), {at, at + 1}, True
    return None


def _month_day(words: tuple[str, ...], today: date, past: bool, expected: bool) -> Found | None:
    for at, word in enumerate(words):
        month = _month(word, expected)
        if month is None or (word in ("may", "march") and not _dated(words, at)):
            continue
        after = at + 1 + (words[at + 1 : at + 2] == ("the",))
        found = (ordinal(words, after) or _small(words, after)) if after < len(words) else None
        taken = {at}
        if found is None:
            back = at - 2 if words[at - 1 : at] == ("of",) else at - 1
            for start in (back - 1, back):
                earlier = (ordinal(words, start) or _small(words, start)) if start >= 0 else None
                if earlier is not None and earlier[1] == back + 1:
                    found = earlier
                    taken |= set(range(start, at))
                    break
        else:
            taken |= set(range(at, found[1]))
        if found is None or not 1 <= found[0] <= 31:
            continue
        year = _year(words, max(taken) + 1)
        if year is not None:
            taken |= set(range(max(taken) + 1, year[1]))
        try:
            day = (
                date(year[0], month[0], found[0])
                if year
                else nearest_day(today, month[0], found[0], past=past)
            )
        except ValueError:
            continue
        if day is not None:
            return day, taken, month[1]
    return None


def _dated(words: tuple[str, ...], at: int) -> bool:
    """Whether the `may` or `march` at `at` stands by a day of the month."""
    around = [each for each in (at + 1, at + 2, at - 1, at - 2) if 0 <= each < len(words)]
    return any(ordinal(words, each) or _small(words, each) for each in around)


def _small(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    found = cardinal(words, at)
    return found if found is not None and 1 <= found[0] <= 31 and words[at] != "a" else None


def _year(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    if at >= len(words):
        return None
    found = cardinal(words, at)
    if found is not None and 1990 <= found[0] <= 2100:
        return found
    if words[at] == "twenty":
        rest = cardinal(words, at + 1) if at + 1 < len(words) else None
        if rest is not None and 10 <= rest[0] <= 99:
            return 2000 + rest[0], rest[1]
    return None


def _bare_ordinal(words: tuple[str, ...], today: date, past: bool, expected: bool) -> Found | None:
    for at in range(len(words)):
        if not expected and words[at - 1 : at] != ("the",) and words[at - 2 : at] != ("on", "the"):
            continue
        found = ordinal(words, at)
        named = words[found[1] : found[1] + 1] if found else ()
        if found is None or not 1 <= found[0] <= 31 or (not expected and found[0] < 4) or named == ("one",):
            continue
        day = nearest_day_of_month(today, found[0], past=past)
        if day is not None:
            return day, set(range(at, found[1])), True
    return None


def say_date(day: date, today: date | None = None) -> str:
    """`Friday, November 27th`; with another year, that too; `today` and `tomorrow` as such."""
    if today is not None and abs((day - today).days) <= 1:
        return {0: "today", 1: "tomorrow", -1: "yesterday"}[(day - today).days]
    ending = "th" if 11 <= day.day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    text = f"{WEEKDAYS[day.weekday()].title()}, {MONTHS[day.month - 1].title()} {day.day}{ending}"
    return f"{text}, {day.year}" if today is not None and day.year != today.year else text


def say_time(at: time) -> str:
    """`9:30 AM`, `10 AM`, `noon`."""
    if (at.hour, at.minute) == (12, 0):
        return "noon"
    hour = at.hour % 12 or 12
    return f"{hour}{f':{at.minute:02d}' if at.minute else ''} {'AM' if at.hour < 12 else 'PM'}"
