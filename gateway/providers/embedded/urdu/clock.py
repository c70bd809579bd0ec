"""Times of day in Urdu: `صبح ساڑھے نو بجے`, `نو بج کر بیس منٹ`, `14:30`."""

from __future__ import annotations

import re
from datetime import time

from gateway.providers.embedded.findings import Clock
from gateway.providers.embedded.urdu.numbers import NAMES, digit_runs, one_word
from gateway.providers.embedded.urdu.words import fold, listed

__all__ = ["find_time", "say_time"]

_PARTS = {
    fold("صبح"): "morning", fold("سویرے"): "morning", fold("دوپہر"): "afternoon", fold("شام"): "evening",
    fold("رات"): "night", fold("پہر"): "afternoon",
}  # fmt: skip
_OCLOCK = listed("بجے بجہ")
_QUARTERS = {fold("ساڑھے"): 30, fold("سوا"): 15, fold("پونے"): -15}
_WORDS = {fold("ڈیڑھ"): (1, 30), fold("ڈھائی"): (2, 30)}
_PAST, _TO = fold("بج"), fold("بجنے")
_BY = fold("کر")
_IN = fold("میں")
_MINUTE = listed("منٹ")
_NO_TIMES = listed("دن ہفتے ہفتہ مہینے روپے افراد لوگ تاریخ سو ہزار لاکھ نمبر سال بچے")


def find_time(words: tuple[str, ...], used: set[int], *, expected: bool) -> Clock:
    """The time of day in `words`, apart from the tokens in `used`. Without a part of the day one to six is the
    afternoon: business hours. `expected`: a bare `نو` counts."""
    part_at = next((at for at, word in enumerate(words) if word in _PARTS and at not in used), None)
    part = None if part_at is None else _PARTS[words[part_at]]
    part_taken = set[int]() if part_at is None else {part_at}
    strings = _strings(words)
    for at in range(len(words)):
        if at in used or at in strings:
            continue
        found = _clock(words, at, used, expected or part is not None)
        if found is not None:
            hour, minute, end = found
            at_time = time(_hour(hour, part), minute)
            return Clock(at_time, part, True, frozenset({*range(at, end), *part_taken}))
    return Clock(None, part, True, frozenset(part_taken))


def _hour(hour: int, part: str | None) -> int:
    if hour > 12:
        return hour % 24
    match part:
        case "morning":
            return hour % 12
        case "afternoon":
            return hour if 10 <= hour <= 12 else hour + 12
        case "evening":
            return hour % 12 + 12
        case "night":
            return hour % 12 + 12 if 7 <= hour < 12 else hour % 12
        case _:
            return hour + 12 if 1 <= hour <= 6 else hour % 24


def _clock(words: tuple[str, ...], at: int, used: set[int], expected: bool) -> tuple[int, int, int] | None:
    """Hour, minute and where it ends, of the time that begins at `at`."""
    word = words[at]
    numeral = re.fullmatch(r"(\d{1,2})[:.](\d\d)", word)
    if numeral and int(numeral[1]) < 24 and int(numeral[2]) < 60:
        return int(numeral[1]), int(numeral[2]), _after(words, at + 1)
    if word in _QUARTERS and at + 1 < len(words):
        hour = one_word(words[at + 1])
        if hour is None or not 1 <= hour <= 12:
            return None
        minutes = _QUARTERS[word]
        end = _after(words, at + 2)
        return (hour - 1 or 12, 60 + minutes, end) if minutes < 0 else (hour, minutes, end)
    if word in _WORDS:
        end = _after(words, at + 1)
        return (*_WORDS[word], end) if expected or end > at + 1 else None
    hour = one_word(word)
    if hour is None or not 0 <= hour <= 23 or (hour == 0 and not word.isdigit()):
        return None
    after = words[at + 1] if at + 1 < len(words) else ""
    if after in _OCLOCK:
        return hour, 0, at + 2
    if after in (_PAST, _TO) and at + 3 < len(words) and words[at + 2] in (_BY, _IN):
        minute = one_word(words[at + 3])
        if minute is not None and 1 <= minute <= 59:
            end = at + 4 + (words[at + 4 : at + 5] != () and words[at + 4] in _MINUTE)
            return (hour, minute, end) if after == _PAST else (hour - 1 or 12, 60 - minute, end)
    bare = expected and hour >= 1 and after not in _NO_TIMES and at + 1 not in used
    return (hour, 0, at + 1) if bare else None


def _after(words: tuple[str, ...], at: int) -> int:
    """Where the time ends whose numbers end at `at`."""
    return at + 1 if at < len(words) and words[at] in _OCLOCK else at


def _strings(words: tuple[str, ...]) -> frozenset[int]:
    """The tokens that are single digits or short numerals of a number read out."""
    taken: set[int] = set()
    for run in digit_runs(words):
        single = sum(1 for word in words[run.start : run.end] if (one_word(word) or 10) < 10)
        if single >= 3 or any(word.isdigit() and len(word) > 4 for word in words[run.start : run.end]):
            taken |= set(range(run.start, run.end))
    return frozenset(taken)


def say_time(at: time) -> str:
    """`صبح ساڑھے نو بجے`."""
    if 5 <= at.hour < 12:
        part = "صبح"
    elif 12 <= at.hour < 16:
        part = "دوپہر"
    else:
        part = "شام" if 16 <= at.hour < 19 else "رات"
    name, following = NAMES[at.hour % 12 or 12], NAMES[at.hour % 12 + 1]
    match at.minute:
        case 0:
            return f"{part} {name} بجے"
        case 15:
            return f"{part} سوا {name} بجے"
        case 30:
            half = {1: "ڈیڑھ", 2: "ڈھائی"}.get(at.hour % 12, f"ساڑھے {name}")
            return f"{part} {half} بجے"
        case 45:
            return f"{part} پونے {following} بجے"
        case minute:
            return f"{part} {name} بج کر {NAMES[minute]} منٹ"
