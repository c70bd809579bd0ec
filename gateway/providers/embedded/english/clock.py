"""Times of day in spoken English: `half past nine`, `nine thirty in the morning`, `2 pm`."""

from __future__ import annotations

import re
from datetime import time

from gateway.providers.embedded.english.numbers import digit_runs, one_word, ordinal
from gateway.providers.embedded.english.words import best
from gateway.providers.embedded.findings import PARTS, Clock

__all__ = ["find_time"]

_POINTING = frozenset(
    ("the", "that", "this", "last", "which", "earliest", "latest", "earlier", "later", "no")
)
_PART_WORDS = tuple(PARTS)


def find_time(words: tuple[str, ...], used: set[int], *, expected: bool) -> Clock:
    """The time of day in `words`, apart from the tokens in `used`. Without am, pm or a part of the day, one to six
    is the afternoon: business hours. `expected`: a bare `nine` counts."""
    part, sure, part_taken = _part(words)
    strings = _strings(words)
    for at, word in enumerate(words):
        if at in used:
            continue
        if word in ("noon", "midday", "lunchtime"):
            return Clock(time(12), None, True, frozenset({at}))
        if word == "midnight":
            return Clock(time(0), None, True, frozenset({at}))
        found = None if at in strings else _clock(words, at, used, expected)
        if found is None:
            continue
        hour, minute, end = found
        half = words[end] if end < len(words) and words[end] in ("am", "pm") else None
        if half is not None:
            end += 1
        hour = _hour(hour, half, part)
        return Clock(time(hour, minute), part, sure, frozenset({*range(at, end), *part_taken}))
    return Clock(None, part, sure, frozenset(part_taken))


def _part(words: tuple[str, ...]) -> tuple[str | None, bool, set[int]]:
    for at, word in enumerate(words):
        if word in PARTS:
            return word, True, {at}
        if word == "tonight":
            return "evening", True, {at}
        if words[at - 2 : at] == ("in", "the") or words[at - 1 : at] == ("this",):
            near = best(word, _PART_WORDS, 0.68)
            if near:
                return near, False, {at}
    return None, True, set()


def _hour(hour: int, half: str | None, part: str | None) -> int:
    if hour > 12:
        return hour
    if half == "am" or (half is None and part == "morning"):
        return hour % 12
    if half == "pm" or (half is None and part in ("afternoon", "evening")):
        return hour % 12 + 12
    if half is None and part == "night":
        return hour % 12 + 12 if 5 <= hour < 12 else hour % 12
    return hour + 12 if 1 <= hour <= 6 else hour % 24


def _clock(words: tuple[str, ...], at: int, used: set[int], expected: bool) -> tuple[int, int, int] | None:
    """Hour, minute and where it ends, of the time that begins at `at`."""
    word = words[at]
    numeral = re.fullmatch(r"(\d{1,2})[:.](\d\d)", word)
    if numeral and int(numeral[1]) < 24 and int(numeral[2]) < 60:
        return int(numeral[1]), int(numeral[2]), at + 1
    if (
        word in ("half", "quarter")
        and at + 2 < len(words)
        and words[at + 1] in ("past", "to", "after", "of")
    ):
        hour = one_word(words[at + 2])
        if hour is not None and 1 <= hour <= 12:
            if word == "half":
                return hour, 30, at + 3
            return (
                (hour, 15, at + 3) if words[at + 1] in ("past", "after") else (hour - 1 or 12, 45, at + 3)
            )
    hour = one_word(word)
    if word == "one" and at and (words[at - 1] in _POINTING or ordinal(words, at - 1)):
        return None
    if hour is None or not 1 <= hour <= 23 or (hour > 12 and not word.isdigit()):
        return None
    after = words[at + 1] if at + 1 < len(words) else ""
    if after == "oclock":
        return hour, 0, at + 2
    if after in ("am", "pm"):
        return hour, 0, at + 1
    minute, end = _minute(words, at + 1)
    cued = at > 0 and words[at - 1] in ("at", "around", "about", "by", "for", "after", "before", "until")
    if minute is not None and at + 1 not in used:
        return hour, minute, end
    if after == "in" and words[at + 2 : at + 3] == ("the",):
        return hour, 0, at + 1
    if (cued or expected) and after not in (
        "days",
        "weeks",
        "day",
        "week",
        "hundred",
        "people",
        "of",
        "dollars",
    ):
        return hour, 0, at + 1
    return None


def _minute(words: tuple[str, ...], at: int) -> tuple[int | None, int]:
    if at >= len(words):
        return None, at
    if words[at] in ("oh", "zero", "o") and at + 1 < len(words):
        unit = one_word(words[at + 1])
        if unit is not None and 1 <= unit <= 9:
            return unit, at + 2
    tens = one_word(words[at])
    if tens is None or not 10 <= tens <= 59:
        return None, at
    unit = one_word(words[at + 1]) if tens % 10 == 0 and tens >= 20 and at + 1 < len(words) else None
    return (tens + unit, at + 2) if unit is not None and 1 <= unit <= 9 else (tens, at + 1)


def _strings(words: tuple[str, ...]) -> frozenset[int]:
    """The tokens that are single digits or short numerals of a number read out."""
    runs = (run for run in digit_runs(words) if _is_string(words, run.start, run.end))
    spoken = (at for run in runs for at in range(run.start, run.end))
    return frozenset(at for at in spoken if one_word(words[at]) is not None)


def _is_string(words: tuple[str, ...], start: int, end: int) -> bool:
    """Whether the digits there are a number read out, not a time: three single digits (but `nine oh five`), or a
    long numeral."""
    if end - start == 3 and words[start + 1] in ("oh", "zero", "o"):
        return False
    single = sum(1 for word in words[start:end] if (one_word(word) or 0) < 10)
    long = any(word.isdigit() and len(word) > 4 for word in words[start:end])
    return long or single >= 3
