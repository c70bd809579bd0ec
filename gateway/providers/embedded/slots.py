"""The values of slots: found in what the caller said, judged, and spoken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway.providers.embedded.findings import Moment
from gateway.providers.embedded.tongue import Tongue
from personas.dialogue import Slot

__all__ = ["Found", "Value", "complete", "find_value", "fits", "merged", "named", "say_value"]

Value = str | bool | Moment | dict[str, Any]
"""choice, name, phone, digits, text: str; yes_no: bool; date, time, datetime: Moment; item: the item."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value for a slot, as it was understood."""

    value: Value
    sure: bool = True
    """False when it was only like what it was taken for."""
    partial: bool = False
    """Only a beginning: some of the digits, the first name."""


def find_value(
    tongue: Tongue, slot: Slot, text: str, now: datetime, *, expected: bool, begun: str = ""
) -> Found | None:
    """The value for `slot` in `text`, if there is one. `expected`: the caller was just asked for it, so bare words
    count. `begun`: a partial value from before. Item slots are chosen in `items.py`."""
    words = tongue.tokens(text)
    match slot.kind:
        case "choice":
            words = words if expected else _without_numbers(tongue, words)
            affirmed = tongue.find.affirmed(words)
            return _choice(tongue, slot, affirmed, expected) or _choice(tongue, slot, words, expected)
        case "date" | "time" | "datetime":
            affirmed = tongue.find.affirmed(words)
            return _moment(tongue, slot, affirmed, now, expected) or _moment(
                tongue, slot, words, now, expected
            )
        case "name":
            return _name(tongue, slot, text, expected, begun)
        case "phone" | "digits":
            return _digits(tongue, slot, words, expected, begun)
        case "yes_no":
            return _yes_no(tongue, slot, words, expected)
        case "text":
            meant = [word for word in words if word not in tongue.grammar.vocabulary.fillers]
            return Found(text.strip()[:1000]) if expected and len(meant) >= slot.least else None
        case "item":
            return None


def _without_numbers(tongue: Tongue, words: tuple[str, ...]) -> tuple[str, ...]:
    """The words without digits said one after another: an order number names no `three`."""
    runs = tongue.find.digit_runs(words, lenient=False)
    digits = {at for run in runs if len(run.digits) > 2 for at in range(run.start, run.end)}
    return tuple(word for at, word in enumerate(words) if at not in digits)


def _choice(tongue: Tongue, slot: Slot, words: tuple[str, ...], expected: bool) -> Found | None:
    best: tuple[float, int, str] | None = None
    for option in slot.options:
        hit = tongue.grammar.spot_any(option.phrases, words, 0.7 if expected else 0.85)
        if hit is not None and (best is None or hit > best[:2]):
            best = *hit, option.value
    if best is None:
        return None
    return Found(best[2], sure=best[0] >= 0.9)


def _moment(
    tongue: Tongue, slot: Slot, words: tuple[str, ...], now: datetime, expected: bool
) -> Found | None:
    found = tongue.find.moment(words, now.date(), past=slot.tense == "past", expected=expected)
    if not found or (slot.kind == "date" and found.day is None):
        return None
    if slot.kind == "time" and found.at is None:
        return None
    if slot.kind == "date":
        found = Moment(found.day, sure=found.sure)
    return Found(found, sure=found.sure)


def _name(tongue: Tongue, slot: Slot, text: str, expected: bool, begun: str) -> Found | None:
    found = tongue.find.name(text, expected=expected)
    if found is None:
        return None
    whole = found.text
    if begun and len(whole.split()) == 1 and whole.lower() != begun.lower():
        return Found(f"{begun} {whole}")
    return Found(whole, sure=found.sure, partial=slot.full_name and len(whole.split()) == 1)


def _digits(tongue: Tongue, slot: Slot, words: tuple[str, ...], expected: bool, begun: str) -> Found | None:
    lengths = (slot.length,) if slot.kind == "digits" else tongue.find.phone_lengths
    runs = tongue.find.digit_runs(words, lenient=expected)
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


def _yes_no(tongue: Tongue, slot: Slot, words: tuple[str, ...], expected: bool) -> Found | None:
    for patterns, value in ((slot.no, False), (slot.yes, True)):
        if tongue.grammar.spot_any(patterns, words):
            return Found(value)
    answer = tongue.grammar.polarity(words, expected=True) if expected else None
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


def named(tongue: Tongue, slot: Slot, words: tuple[str, ...]) -> bool:
    """Whether the caller speaks of this slot: `the phone number`."""
    return tongue.grammar.spot_any((*slot.cues, slot.title), words) is not None


def say_value(tongue: Tongue, slot: Slot, value: Value) -> str:
    """The value as it is read back. An item is spoken by its label elsewhere."""
    if isinstance(value, bool):
        return tongue.lines.yes if value else tongue.lines.no
    if isinstance(value, Moment):
        return tongue.say.moment(value)
    if isinstance(value, dict):
        return str(value.get(slot.key, ""))
    if slot.kind == "choice":
        return next((option.say for option in slot.options if option.value == value), value)
    return tongue.say.digits(value) if slot.kind in ("phone", "digits") else value
