"""Times of day in Mexican Spanish: `a las nueve y media de la mañana`, `cuarto para las diez`, `14:30`."""

from __future__ import annotations

import re
from datetime import time

from gateway.providers.embedded.findings import Clock
from gateway.providers.embedded.spanish.numbers import cardinal, digit_runs, one_word

__all__ = ["find_time", "is_part", "say_at", "say_time"]

_PARTS = {"mañana": "morning", "madrugada": "morning", "tarde": "afternoon", "noche": "night"}
_CUES = ("las", "la")
_NO_TIMES = ("dias", "dia", "semanas", "semana", "meses", "mes", "personas", "pesos", "años", "de")


def find_time(words: tuple[str, ...], used: set[int], *, expected: bool) -> Clock:
    """The time of day in `words`, apart from the tokens in `used`. Without a part of the day one to six is the
    afternoon: business hours. `expected`: a bare `nueve` counts."""
    part, part_taken = _part(words)
    strings = _strings(words)
    for at, word in enumerate(words):
        if at in used or at in strings:
            continue
        if word == "mediodia" or words[at : at + 2] == ("medio", "dia"):
            return Clock(time(12), None, True, frozenset({at}))
        if word == "medianoche":
            return Clock(time(0), None, True, frozenset({at}))
        found = _before(words, at) or _clock(words, at, used, expected)
        if found is None:
            continue
        hour, minute, end = found
        half = (
            words[end]
            if end < len(words) and words[end] in ("am", "pm", "hrs", "hr", "h", "horas")
            else None
        )
        if half is not None:
            end += 1
        noon = words[end : end + 3] == ("de", "el", "dia")
        hour = 12 if noon and hour == 12 else _hour(hour, half, part, words[at:])
        return Clock(time(hour, minute), part, True, frozenset({*range(at, end), *part_taken}))
    return Clock(None, part, True, frozenset(part_taken))


def is_part(words: tuple[str, ...], at: int) -> bool:
    """Whether the word there is a part of the day: `la mañana` is, `mañana` alone is tomorrow, `más tarde` is later."""
    word, before = words[at], words[at - 1] if at else ""
    if word not in _PARTS or before in ("mas", "pasado"):
        return False
    return word != "mañana" or before in ("la", "esta", "toda")


def _part(words: tuple[str, ...]) -> tuple[str | None, set[int]]:
    for at, word in enumerate(words):
        if is_part(words, at):
            return _PARTS[word], {at}
    return None, set()


def _hour(hour: int, half: str | None, part: str | None, words: tuple[str, ...]) -> int:
    if hour > 12 or half in ("hrs", "hr", "h", "horas"):
        return hour % 24
    if half == "am" or "madrugada" in words or (half is None and part == "morning"):
        return hour % 12
    if half == "pm" or (half is None and part == "afternoon"):
        return hour % 12 + 12
    if part == "night":
        return hour % 12 + 12 if 5 <= hour < 12 else hour % 12
    return hour + 12 if 1 <= hour <= 6 else hour % 24


def _hour_at(words: tuple[str, ...], at: int) -> int | None:
    if at >= len(words):
        return None
    hour = 1 if words[at] == "una" and at and words[at - 1] in _CUES else one_word(words[at])
    return hour if hour is not None and 0 <= hour <= 23 else None


def _before(words: tuple[str, ...], at: int) -> tuple[int, int, int] | None:
    """`cuarto para las diez`, `diez para las nueve`."""
    if words[at + 1 : at + 2] != ("para",) or words[at + 2 : at + 3] not in (("las",), ("la",)):
        return None
    minutes = 15 if words[at] == "cuarto" else one_word(words[at])
    hour = _hour_at(words, at + 3)
    if minutes is None or not 1 <= minutes <= 30 or hour is None or not 1 <= hour <= 12:
        return None
    return hour - 1 or 12, 60 - minutes, at + 4


def _clock(words: tuple[str, ...], at: int, used: set[int], expected: bool) -> tuple[int, int, int] | None:
    """Hour, minute and where it ends, of the time that begins at `at`."""
    word = words[at]
    numeral = re.fullmatch(r"(\d{1,2})[:.](\d\d)", word)
    if numeral and int(numeral[1]) < 24 and int(numeral[2]) < 60:
        return int(numeral[1]), int(numeral[2]), at + 1
    hour = _hour_at(words, at)
    if hour is None or (hour == 0 and not word.isdigit()):
        return None
    cued = at > 0 and words[at - 1] in _CUES
    after = words[at + 1] if at + 1 < len(words) else ""
    if after in ("am", "pm", "hrs", "hr", "horas"):
        return hour, 0, at + 1
    if words[at + 1 : at + 3] == ("en", "punto"):
        return hour, 0, at + 3
    if words[at + 1 : at + 3] == ("menos", "cuarto") and 1 <= hour <= 12:
        return hour - 1 or 12, 45, at + 3
    minute, end = _minute(words, at + 1)
    if minute is not None and at + 1 not in used and (cued or expected or end - at > 2):
        return hour, minute, end
    if (
        after == "de"
        and words[at + 2 : at + 3] == ("la",)
        and at + 3 < len(words)
        and is_part(words, at + 3)
    ):
        return hour, 0, at + 1
    if after == "de" and words[at + 2 : at + 4] == ("el", "dia"):
        return hour, 0, at + 1
    return (hour, 0, at + 1) if (cued or expected) and after not in _NO_TIMES else None


def _minute(words: tuple[str, ...], at: int) -> tuple[int | None, int]:
    start = at + 1 if words[at : at + 1] == ("y",) else at
    if start >= len(words):
        return None, at
    if start > at and words[start] in ("media", "cuarto"):
        return (30 if words[start] == "media" else 15), start + 1
    if words[start] == "cero" and start + 1 < len(words):
        unit = one_word(words[start + 1])
        if unit is not None and 1 <= unit <= 9:
            return unit, start + 2
    found = cardinal(words, start) if one_word(words[start]) is not None else None
    if found is None or not (1 if start > at else 10) <= found[0] <= 59:
        return None, at
    return found


def _strings(words: tuple[str, ...]) -> frozenset[int]:
    """The tokens that are single digits or short numerals of a number read out."""
    taken: set[int] = set()
    for run in digit_runs(words):
        single = sum(1 for word in words[run.start : run.end] if (one_word(word) or 10) < 10)
        if single >= 3 or any(word.isdigit() and len(word) > 4 for word in words[run.start : run.end]):
            taken |= set(range(run.start, run.end))
    return frozenset(taken)


def say_time(at: time) -> str:
    """`9:30 de la mañana`, `12 del día`, `8 de la noche`."""
    if (at.hour, at.minute) == (0, 0):
        return "medianoche"
    clock = f"{at.hour % 12 or 12}{f':{at.minute:02d}' if at.minute else ''}"
    if at.hour == 12:
        return f"{clock} {'del día' if at.minute == 0 else 'de la tarde'}"
    if at.hour == 0 or at.hour >= 19:
        return f"{clock} de la noche"
    if at.hour < 6:
        return f"{clock} de la madrugada"
    return f"{clock} de la {'mañana' if at.hour < 12 else 'tarde'}"


def say_at(at: time) -> str:
    """`a las 9:30 de la mañana`, `a la 1 de la tarde`, `a medianoche`."""
    if (at.hour, at.minute) == (0, 0):
        return "a medianoche"
    return f"{'a la' if at.hour % 12 == 1 else 'a las'} {say_time(at)}"
