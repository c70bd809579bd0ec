"""Days in Mexican Spanish, relative to now; and how to speak them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from gateway.providers.embedded.calendar import (
    Found,
    day_written,
    moment_of,
    nearest_day,
    nearest_day_of_month,
    nearest_weekday,
    stands,
)
from gateway.providers.embedded.findings import Moment
from gateway.providers.embedded.spanish.clock import find_time, is_part, say_at
from gateway.providers.embedded.spanish.numbers import cardinal
from gateway.providers.embedded.spanish.words import best

__all__ = [
    "MONTHS",
    "WEEKDAYS",
    "apart",
    "find_moment",
    "say_date",
    "say_moment",
    "say_month_day",
    "say_when",
]

WEEKDAYS = ("lunes", "martes", "miercoles", "jueves", "viernes", "sabado", "domingo")
MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
    "diciembre",
)  # fmt: skip
_WRITTEN = {"miercoles": "miércoles", "sabado": "sábado"}
_SOONEST = (
    ("lo", "antes", "posible"), ("cuanto", "antes"), ("lo", "mas", "pronto"), ("primera", "disponible"),
    ("primer", "horario"), ("primer", "lugar"), ("cuando", "sea"), ("cualquier", "dia"), ("cualquier", "hora"),
    ("lo", "mas", "temprano"), ("primera", "cita"), ("cuando", "haya"), ("el", "mas", "proximo"),
)  # fmt: skip
_NEXT_WEEK = (
    ("proxima", "semana"), ("siguiente", "semana"), ("otra", "semana"), ("semana", "que", "viene"),
    ("semana", "entrante"), ("semana", "proxima"), ("semana", "siguiente"),
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
        or _weekday(words, today, past, expected)
        or _relative(words, today, past)
        or _bare_day(words, today, past, expected)
    )


def _relative(words: tuple[str, ...], today: date, past: bool) -> Found | None:
    for at, word in enumerate(words):
        if word == "hoy" or (is_part(words, at) and words[at - 1] == "esta"):
            return today, {at}, True
        if word in ("ayer", "anoche"):
            far = words[max(at - 2, 0) : at] == ("antes", "de")
            return today - timedelta(days=2 if far else 1), {at}, True
        if word in ("antier", "anteayer"):
            return today - timedelta(days=2), {at}, True
        if word == "mañana" and not is_part(words, at):
            far = words[at - 1 : at] == ("pasado",)
            return today + timedelta(days=2 if far else 1), {at - 1, at} if far else {at}, True
        if word in ("dia", "dias", "semana", "semanas") and at:
            counted = _count(words, at)
            days = (counted or 0) * (7 if word.startswith("semana") else 1)
            before = words[max(at - 3, 0) : at - 1]
            if counted and "hace" in before:
                return today - timedelta(days=days), {at - 2, at - 1, at}, True
            if counted and not past and (before[-1:] == ("en",) or before[-2:] == ("dentro", "de")):
                return today + timedelta(days=days), {at - 2, at - 1, at}, True
    if not past and any(stands(words, each) for each in _NEXT_WEEK):
        at = words.index("semana")
        return today + timedelta(days=7 - today.weekday()), {at}, True
    return None


def _count(words: tuple[str, ...], at: int) -> int | None:
    """The number just before `at`."""
    found = cardinal(words, at - 1)
    return found[0] if found is not None and found[1] == at else None


def _month_day(words: tuple[str, ...], today: date, past: bool, expected: bool) -> Found | None:
    for at, word in enumerate(words):
        near = word if word in MONTHS else best(word, MONTHS, 0.8) if expected else None
        if near is None:
            continue
        month, taken = MONTHS.index(near) + 1, {at}
        back = at - 1
        while back >= 0 and words[back] in ("de", "el"):
            back -= 1
        found = _day_ending(words, back)
        if found is not None:
            taken |= set(range(found[1], at))
            after = at + 1
        else:
            later = _day_number(words, at + 1)
            if later is None:
                continue
            found = later[0], at + 1
            taken |= set(range(at, later[1]))
            after = later[1]
        while after < len(words) and words[after] in ("de", "el"):
            after += 1
        year = cardinal(words, after) if after < len(words) else None
        try:
            if year is not None and 1990 <= year[0] <= 2100:
                taken |= set(range(after, year[1]))
                return date(year[0], month, found[0]), taken, near == word
            day = nearest_day(today, month, found[0], past=past)
        except ValueError:
            continue
        if day is not None:
            return day, taken, near == word
    return None


def _day_number(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    if at >= len(words):
        return None
    if words[at] in ("primero", "primer", "1o", "1ro"):
        return 1, at + 1
    found = cardinal(words, at)
    return found if found is not None and 1 <= found[0] <= 31 and words[at] not in ("un", "una") else None


def _day_ending(words: tuple[str, ...], last: int) -> tuple[int, int] | None:
    """The day of the month whose words end at `last`, and where they begin: `treinta y uno`."""
    for start in (last - 2, last - 1, last):
        found = _day_number(words, start) if 0 <= start <= last else None
        if found is not None and found[1] == last + 1:
            return found[0], start
    return None


def _weekday(words: tuple[str, ...], today: date, past: bool, expected: bool) -> Found | None:
    for at, word in enumerate(words):
        name = word.removesuffix("s") if word in ("sabados", "domingos") else word
        sure = name in WEEKDAYS
        if not sure:
            near = best(word, WEEKDAYS, 0.8) if expected else None
            if near is None:
                continue
            name = near
        number = WEEKDAYS.index(name)
        before, after = words[at - 1] if at else "", words[at + 1 : at + 2]
        day = nearest_weekday(
            today, number,
            past=past or before == "pasado" or after == ("pasado",),
            next_week=any(stands(words, each) for each in _NEXT_WEEK), this=before == "este",
        )  # fmt: skip
        return day, {at}, sure
    return None


def _bare_day(words: tuple[str, ...], today: date, past: bool, expected: bool) -> Found | None:
    """`el doce`, `el día 12`."""
    for at in range(1, len(words)):
        cued = words[at - 1] == "dia" or (words[at - 1] == "el" and expected)
        found = _day_number(words, at) if cued else None
        if found is None or words[at] == "primer" or words[found[1] : found[1] + 1] == ("de",):
            continue
        day = nearest_day_of_month(today, found[0], past=past)
        if day is not None:
            return day, set(range(at, found[1])), True
    return None


def say_month_day(day: date) -> str:
    """`27 de noviembre`, `primero de diciembre`."""
    return f"{'primero' if day.day == 1 else day.day} de {MONTHS[day.month - 1]}"


def say_date(day: date, today: date | None = None) -> str:
    """`viernes 27 de noviembre`; with another year, that too; `hoy` and `mañana` as such."""
    if today is not None and abs((day - today).days) <= 1:
        return {0: "hoy", 1: "mañana", -1: "ayer"}[(day - today).days]
    name = WEEKDAYS[day.weekday()]
    text = f"{_WRITTEN.get(name, name)} {say_month_day(day)}"
    return f"{text} de {day.year}" if today is not None and day.year != today.year else text


def say_when(moment: datetime) -> str:
    """`viernes 27 de noviembre a las 9:30 de la mañana`."""
    return f"{say_date(moment.date())} {say_at(moment.time())}"


def say_moment(value: Moment) -> str:
    """As far as it is known; `lo antes posible` where nothing is."""
    parts = []
    if value.day is not None:
        parts.append(say_date(value.day))
    if value.at is not None:
        parts.append(say_at(value.at))
    elif value.part is not None:
        named = {"morning": "mañana", "afternoon": "tarde"}.get(value.part, "noche")
        parts.append(f"por la {named}")
    return " ".join(parts) or "lo antes posible"


def apart(label: str) -> tuple[str, str]:
    """The day and the time of what `say_when` made."""
    found = re.search(r"^(.*\S) (a las? .*|a medianoche)$", label)
    return (found[1], found[2]) if found else ("", label)
