"""Days in Urdu, relative to now; and how to speak them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

from gateway.providers.embedded.calendar import (
    Found,
    day_written,
    moment_of,
    nearest_day,
    nearest_day_of_month,
    nearest_weekday,
)
from gateway.providers.embedded.findings import Moment
from gateway.providers.embedded.urdu.clock import find_time, say_time
from gateway.providers.embedded.urdu.numbers import cardinal
from gateway.providers.embedded.urdu.words import best, fold, listed, tokens

__all__ = ["apart", "find_moment", "say_date", "say_moment", "say_month_day", "say_when"]

_DAYS = ("پیر", "منگل", "بدھ", "جمعرات", "جمعہ", "ہفتہ", "اتوار")
_MONTHS = (
    "جنوری",
    "فروری",
    "مارچ",
    "اپریل",
    "مئی",
    "جون",
    "جولائی",
    "اگست",
    "ستمبر",
    "اکتوبر",
    "نومبر",
    "دسمبر",
)
_WEEKDAYS = {fold(day): number for number, day in enumerate(_DAYS) if day != "ہفتہ"} | {fold("سنیچر"): 5}
_MONTH_NUMBERS = {fold(month): number for number, month in enumerate(_MONTHS, 1)}
_WEEK = listed("ہفتہ ہفتے ہفتوں")
"""A week, and Saturday."""
_NEXT, _LAST, _THIS = listed("اگلے اگلا اگلی آئندہ"), listed("پچھلے پچھلا گزشتہ گذشتہ"), listed("اس اسی")
_AFTER, _AGO = listed("بعد"), listed("پہلے قبل")
_ON = listed("کو کے بروز والے")
_FIRST = fold("یکم")
_DATE = fold("تاریخ")
_OF = listed("کی کے کا کو")
_SOONEST = tuple(
    tokens(phrase)
    for phrase in (
        "جلد از جلد", "جتنی جلدی", "کسی بھی دن", "کسی بھی وقت", "کبھی بھی", "سب سے پہلے", "پہلا دستیاب", "جلدی سے جلدی",
        "جو بھی پہلے", "سب سے جلدی",
    )
)  # fmt: skip


@lru_cache(maxsize=4096)
def find_moment(
    words: tuple[str, ...], today: date, *, past: bool = False, expected: bool = False
) -> Moment:
    """What `words` say about day and time (`gateway.providers.embedded.tongue.Finding.moment`)."""
    found = _find_day(words, today, past, expected)
    return moment_of(words, found, find_time, _SOONEST, past=past, expected=expected)


def _find_day(words: tuple[str, ...], today: date, past: bool, expected: bool) -> Found | None:
    return (
        day_written(words, today, past=past)
        or _month_day(words, today, past, expected)
        or _counted(words, today, past)
        or _weekday(words, today, past, expected)
        or _relative(words, today, past)
        or _bare_day(words, today, past)
    )


def _relative(words: tuple[str, ...], today: date, past: bool) -> Found | None:
    sign = -1 if past else 1
    days = {fold("آج"): 0, fold("کل"): sign, fold("پرسوں"): 2 * sign}
    for at, word in enumerate(words):
        if word in days:
            return today + timedelta(days=days[word]), {at}, True
        if word in _WEEK and words[at - 1 : at] != () and at and words[at - 1] in _NEXT and not past:
            return today + timedelta(days=7 - today.weekday()), {at - 1, at}, True
    return None


def _counted(words: tuple[str, ...], today: date, past: bool) -> Found | None:
    """`دو دن بعد`, `ایک ہفتے پہلے`."""
    for at, word in enumerate(words):
        if not at or (word != fold("دن") and word not in _WEEK):
            continue
        count = cardinal(words, at - 1)
        if count is None or count[1] != at or not 1 <= count[0] <= 60:
            continue
        days = count[0] * (7 if word in _WEEK else 1)
        near = words[at + 1 : at + 3]
        if not _AGO.isdisjoint(near):
            return today - timedelta(days=days), {at - 1, at}, True
        if not past and not _AFTER.isdisjoint(near):
            return today + timedelta(days=days), {at - 1, at}, True
    return None


def _month_day(words: tuple[str, ...], today: date, past: bool, expected: bool) -> Found | None:
    for at, word in enumerate(words):
        near = (
            word if word in _MONTH_NUMBERS else best(word, tuple(_MONTH_NUMBERS), 0.8) if expected else None
        )
        if near is None:
            continue
        taken, after = {at}, at + 1
        found = _day_number(words, at - 1) if at else None
        if found is not None and found[1] == at:
            taken.add(at - 1)
        else:
            start = at + 1 + (words[at + 1 : at + 2] != () and words[at + 1] in _OF)
            found = _day_number(words, start)
            if found is None:
                continue
            taken |= set(range(at, found[1]))
            after = found[1]
        year = cardinal(words, after) if after < len(words) else None
        try:
            if year is not None and 1990 <= year[0] <= 2100:
                taken |= set(range(after, year[1]))
                return date(year[0], _MONTH_NUMBERS[near], found[0]), taken, near == word
            day = nearest_day(today, _MONTH_NUMBERS[near], found[0], past=past)
        except ValueError:
            continue
        if day is not None:
            return day, taken, near == word
    return None


def _day_number(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    if not 0 <= at < len(words):
        return None
    if words[at] == _FIRST:
        return 1, at + 1
    found = cardinal(words[: at + 1], at)
    return found if found is not None and 1 <= found[0] <= 31 else None


def _weekday(words: tuple[str, ...], today: date, past: bool, expected: bool) -> Found | None:
    for at in range(len(words)):
        number, sure = _weekday_at(words, at, expected)
        if number is None:
            continue
        before = words[at - 1] if at else ""
        week = any(
            words[place] in _NEXT and words[place + 1] in _WEEK
            for place in range(len(words) - 1)
            if place + 1 != at
        )
        day = nearest_weekday(
            today, number, past=past or before in _LAST, next_week=week, this=before in _THIS
        )
        return day, {at}, sure
    return None


def _weekday_at(words: tuple[str, ...], at: int, expected: bool) -> tuple[int | None, bool]:
    """The weekday there, and whether it is sure. `ہفتہ` is Saturday where somebody comes on it, else a week."""
    word = words[at]
    if word in _WEEKDAYS:
        return _WEEKDAYS[word], True
    if word in _WEEK:
        before, after = words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
        counted = at > 0 and (before in _NEXT | _LAST | _THIS or cardinal(words, at - 1) is not None)
        meant = after in _ON or before in _ON or (expected and after not in _AFTER)
        if after == fold("کو") or (meant and not counted):
            return 5, True
        return None, True
    near = best(word, tuple(_WEEKDAYS), 0.8) if expected else None
    return (None, True) if near is None else (_WEEKDAYS[near], False)


def _bare_day(words: tuple[str, ...], today: date, past: bool) -> Found | None:
    """`12 تاریخ`."""
    for at in range(1, len(words)):
        found = _day_number(words, at - 1) if words[at] == _DATE else None
        if found is None:
            continue
        day = nearest_day_of_month(today, found[0], past=past)
        if day is not None:
            return day, {at - 1, at}, True
    return None


def say_month_day(day: date) -> str:
    """`27 نومبر`."""
    return f"{'یکم' if day.day == 1 else day.day} {_MONTHS[day.month - 1]}"


def say_date(day: date, today: date | None = None) -> str:
    """`جمعہ 27 نومبر`; with another year, that too; today, tomorrow and yesterday as such."""
    if today is not None and abs((day - today).days) <= 1:
        return {0: "آج", 1: "آنے والے کل", -1: "گزشتہ کل"}[(day - today).days]
    text = f"{_DAYS[day.weekday()]} {say_month_day(day)}"
    return f"{text} {day.year}" if today is not None and day.year != today.year else text


def say_when(moment: datetime) -> str:
    """`جمعہ 27 نومبر کو صبح ساڑھے نو بجے`."""
    return f"{say_date(moment.date())} کو {say_time(moment.time())}"


def say_moment(value: Moment) -> str:
    """As far as it is known; `جلد از جلد` where nothing is."""
    parts = []
    if value.day is not None:
        parts.append(f"{say_date(value.day)} کو")
    if value.at is not None:
        parts.append(say_time(value.at))
    elif value.part is not None:
        parts.append({"morning": "صبح", "afternoon": "دوپہر", "evening": "شام"}.get(value.part, "رات"))
    return " ".join(parts) or "جلد از جلد"


def apart(label: str) -> tuple[str, str]:
    """The day and the time of what `say_when` made."""
    head, on, tail = label.rpartition(" کو ")
    return (head, tail) if on else ("", label)
