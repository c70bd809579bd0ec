"""The values of slots: found in what the caller said, judged, and spoken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from gateway.providers.embedded.clock import PARTS
from gateway.providers.embedded.dates import Moment, find_moment, say_date, say_time
from gateway.providers.embedded.grammar import FILLERS, polarity, spot_any
from gateway.providers.embedded.names import find_name
from gateway.providers.embedded.numbers import digit_runs, say_digits
from gateway.providers.embedded.words import OPTIONAL, tokens
from personas.dialogue import Slot

__all__ = ["Found", "Value", "complete", "find_value", "fits", "merged", "named", "say_moment", "say_value"]

Value = str | bool | Moment | dict[str, Any]
"""choice, name, phone, digits, text: str; yes_no: bool; date, time, datetime: Moment; item: the item."""

_PHONE_LENGTHS = (7, 10, 11)


@dataclass(frozen=True, slots=True)
class Found:
    """A value for a slot, as it was understood."""

    value: Value
    sure: bool = True
    """False when it was only like what it was taken for."""
    partial: bool = False
    """Only a beginning: some of the digits, the first name."""


def find_value(slot: Slot, text: str, now: datetime, *, expected: bool, begun: str = "") -> Found | None:
    """The value for `slot` in `text`, if there is one. `expected`: the caller was just asked for it, so bare words
    count. `begun`: a partial value from before. Item slots are chosen in `items.py`."""
    words = tokens(text)
    match slot.kind:
        case "choice":
            return _choice(slot, _affirmed(words), expected) or _choice(slot, words, expected)
        case "date" | "time" | "datetime":
            return _moment(slot, _affirmed(words), now, expected) or _moment(slot, words, now, expected)
        case "name":
            return _name(slot, text, expected, begun)
        case "phone" | "digits":
            return _digits(slot, words, expected, begun)
        case "yes_no":
            return _yes_no(slot, words, expected)
        case "text":
            meant = [word for word in words if word not in FILLERS]
            return Found(text.strip()[:1000]) if expected and len(meant) >= 2 else None
        case "item":
            return None


def _affirmed(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words without what is denied: `a checkup, not a cleaning` → `a checkup`."""
    kept: list[str] = []
    at = 0
    while at < len(words):
        if words[at] == "not":
            at += 1
            while at < len(words) and words[at] in OPTIONAL:
                at += 1
        else:
            kept.append(words[at])
        at += 1
    return tuple(kept)


def _choice(slot: Slot, words: tuple[str, ...], expected: bool) -> Found | None:
    best: tuple[float, int, str] | None = None
    for option in slot.options:
        hit = spot_any(option.phrases, words, 0.7 if expected else 0.85)
        if hit is not None and (best is None or hit > best[:2]):
            best = *hit, option.value
    if best is None:
        return None
    return Found(best[2], sure=best[0] >= 0.9)


def _moment(slot: Slot, words: tuple[str, ...], now: datetime, expected: bool) -> Found | None:
    found = find_moment(words, now.date(), past=slot.tense == "past", expected=expected)
    if not found or (slot.kind == "date" and found.day is None):
        return None
    if slot.kind == "time" and found.at is None:
        return None
    if slot.kind == "date":
        found = Moment(found.day, sure=found.sure)
    return Found(found, sure=found.sure)


def _name(slot: Slot, text: str, expected: bool, begun: str) -> Found | None:
    found = find_name(text, expected=expected)
    if found is None:
        return None
    whole = found.text
    if begun and len(whole.split()) == 1 and whole.lower() != begun.lower():
        return Found(f"{begun} {whole}")
    return Found(whole, sure=found.sure, partial=slot.full_name and len(whole.split()) == 1)


def _digits(slot: Slot, words: tuple[str, ...], expected: bool, begun: str) -> Found | None:
    lengths = (slot.length,) if slot.kind == "digits" else _PHONE_LENGTHS
    runs = digit_runs(words, lenient=expected)
    candidates = [run.digits for run in runs]
    if expected:
        candidates.append("".join(run.digits for run in runs))
    for digits in reversed(candidates):
        if len(digits) in lengths:
            return Found(digits)
    if not expected or not candidates or not candidates[-1]:
        return None
    if begun and len(begun + candidates[-1]) in lengths:
        return Found(begun + candidates[-1])
    longest = max(candidates, key=len)
    return Found(longest, sure=False, partial=True) if len(longest) >= 2 else None


def _yes_no(slot: Slot, words: tuple[str, ...], expected: bool) -> Found | None:
    for patterns, value in ((slot.no, False), (slot.yes, True)):
        if spot_any(patterns, words):
            return Found(value)
    answer = polarity(words, expected=True) if expected else None
    return Found(answer) if answer is not None else None


def fits(slot: Slot, value: Value, now: datetime) -> bool:
    """Whether the value can be: a day on the right side of today."""
    if isinstance(value, Moment) and value.day is not None:
        ahead = (value.day - now.date()).days
        if slot.tense == "past":
            return -3660 <= ahead <= 0
        timed = value.at is not None and ahead == 0 and value.at <= now.time()
        return 0 <= ahead <= 366 and not timed
    return True


def merged(slot: Slot, old: Value | None, new: Value) -> Value:
    """A new value over an older one: `make it Saturday` keeps the time."""
    if isinstance(new, Moment) and isinstance(old, Moment):
        if new.soonest and new.at is None and new.part is None:
            return replace(new, at=None, part=None)
        return new.over(old)
    return new


def complete(slot: Slot, value: Value) -> bool:
    """Whether the value says all that the slot needs: a datetime at least the day, a time the time."""
    if isinstance(value, Moment):
        return value.at is not None if slot.kind == "time" else value.day is not None or value.soonest
    return True


def named(slot: Slot, words: tuple[str, ...]) -> bool:
    """Whether the caller speaks of this slot: `the phone number`."""
    return spot_any((*slot.cues, slot.title), words) is not None


def say_moment(value: Moment, today: date | None = None) -> str:
    """`Friday, November 27th at 9:30 AM`, `Friday, November 27th in the morning`, `as soon as possible`."""
    if value.day is None and value.at is None and value.part is None:
        return "as soon as possible"
    parts = []
    if value.day is not None:
        parts.append(say_date(value.day))
    if value.at is not None:
        parts.append(f"at {say_time(value.at)}")
    elif value.part in PARTS:
        parts.append("at night" if value.part == "night" else f"in the {value.part}")
    return " ".join(parts)


def say_value(slot: Slot, value: Value) -> str:
    """The value as it is read back. An item is spoken by its label elsewhere."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Moment):
        return say_moment(value)
    if isinstance(value, dict):
        return str(value.get(slot.key, ""))
    if slot.kind == "choice":
        return next((option.say for option in slot.options if option.value == value), value)
    return say_digits(value) if slot.kind in ("phone", "digits") else value
