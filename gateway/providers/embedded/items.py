"""Choosing from a list that a tool returned: by ordinal, by time, by amount, by its words."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from gateway.providers.embedded.findings import PARTS, Moment
from gateway.providers.embedded.tongue import Tongue
from personas.dialogue import Slot

__all__ = ["Item", "beyond", "choose", "exact", "near"]

Item = dict[str, Any]


def _start(slot: Slot, item: Item) -> datetime | None:
    """The moment of an item: of its key, or of the first field the caller may match that is one."""
    for name in (slot.key, *slot.match):
        value = item.get(name)
        if isinstance(value, str) and len(value) >= 10:
            try:
                return datetime.fromisoformat(value).replace(tzinfo=None)
            except ValueError:
                continue
    return None


def exact(slot: Slot, items: list[Item], wish: Moment) -> Item | None:
    """The item at exactly the wished moment."""
    if wish.day is None or wish.at is None:
        return None
    return next((item for item in items if _start(slot, item) == datetime.combine(wish.day, wish.at)), None)


def near(slot: Slot, items: list[Item], wish: Moment | None) -> list[Item]:
    """At most `slot.at_once` items, those nearest to the wish, in their order."""
    if wish is None or (wish.at is None and wish.part is None):
        return items[: slot.at_once]
    if wish.at is None:
        first, last = PARTS.get(wish.part or "", (time.min, time.max))
        inside = [
            item for item in items if (at := _start(slot, item)) is not None and first <= at.time() < last
        ]
        return (inside or items)[: slot.at_once]
    target = wish.at

    def away(item: Item) -> float:
        at = _start(slot, item)
        if at is None:
            return float("inf")
        days = abs((at.date() - (wish.day or at.date())).days)
        return days * 1440 + abs((at.hour - target.hour) * 60 + at.minute - target.minute)

    best = sorted(items, key=away)[: slot.at_once]
    return [item for item in items if any(item is each for each in best)]


def choose(
    tongue: Tongue, slot: Slot, items: list[Item], offered: list[Item], text: str, today: date
) -> list[Item]:
    """The items that `text` may mean, best first; one means it is clear. `offered` are those just named."""
    words, find, choosing = tongue.tokens(text), tongue.find, tongue.choosing
    pool = offered or items
    if len(pool) == 1 and tongue.grammar.polarity(words, expected=True):
        return pool
    timed = _by_moment(tongue, slot, items, pool, words, today)
    if timed:
        return timed
    priced = [
        item
        for item in items
        for amount in find.amounts(words)
        if any(_equals(item.get(name), amount) for name in slot.match)
    ]
    if priced:
        return _distinct(priced)
    worded = _by_words(tongue, slot, items, words)
    if len(worded) == 1:
        return worded
    for at, word in enumerate(words):
        if word in choosing.last:
            return [pool[-1]] if pool else []
        found = find.ordinal(words, at)
        if found is not None and 1 <= found[0] <= len(pool):
            return [pool[found[0] - 1]]
    moving = choosing.earlier | choosing.other
    if pool and moving.isdisjoint(words) and tongue.grammar.spot_any(choosing.any, words):
        return [pool[0]]
    return worded


def beyond(
    tongue: Tongue, slot: Slot, items: list[Item], offered: list[Item], words: tuple[str, ...]
) -> list[Item]:
    """The items before or after those offered, when the caller asks for earlier, later or other ones; the offered
    ones themselves when there are none, and nothing when that was not asked."""
    places = [
        at
        for at, item in enumerate(items)
        if any(item.get(slot.key) == each.get(slot.key) for each in offered)
    ]
    choosing = tongue.choosing
    if not places or (choosing.earlier | choosing.other).isdisjoint(words):
        return []
    if not choosing.earlier.isdisjoint(words):
        return items[max(0, places[0] - slot.at_once) : places[0]] or offered
    return items[places[-1] + 1 : places[-1] + 1 + slot.at_once] or offered


def _distinct(items: list[Item]) -> list[Item]:
    return [item for at, item in enumerate(items) if not any(item is each for each in items[:at])]


def _by_moment(
    tongue: Tongue, slot: Slot, items: list[Item], pool: list[Item], words: tuple[str, ...], today: date
) -> list[Item]:
    wish = tongue.find.moment(
        words, today, past=slot.tense == "past", expected=_start(slot, (pool or [{}])[0]) is not None
    )
    if not wish or wish.soonest:
        return []
    for among in (pool, items):
        hits = [item for item in among if _at(slot, item, wish)]
        if hits and wish.at is None and wish.day is None:
            return hits[:1]
        if hits:
            return hits
    return []


def _at(slot: Slot, item: Item, wish: Moment) -> bool:
    start = _start(slot, item)
    if start is None or (wish.day is not None and start.date() != wish.day):
        return False
    if wish.at is not None:
        hours = {wish.at.hour, (wish.at.hour + 12) % 24} if wish.part is None else {wish.at.hour}
        return start.minute == wish.at.minute and start.hour in hours
    first, last = PARTS.get(wish.part or "", (time.min, time.max))
    return first <= start.time() < last if wish.part else True


def _equals(value: Any, amount: float) -> bool:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return abs(number - amount) < 0.005 or (amount == int(amount) and int(number) == int(amount))


def _by_words(tongue: Tongue, slot: Slot, items: list[Item], words: tuple[str, ...]) -> list[Item]:
    lexicon = tongue.grammar.vocabulary
    told = [word for word in words if word not in lexicon.stop]
    scored = []
    for item in items:
        theirs = [
            word
            for name in slot.match
            for word in tongue.tokens(str(item.get(name) or ""))
            if word not in lexicon.stop and word.isalpha()
        ]
        score = sum(1 for word in told if any(lexicon.alike(word, other) >= 0.75 for other in theirs))
        if score:
            scored.append((score, item))
    if not scored:
        return []
    top = max(score for score, _ in scored)
    return [item for score, item in scored if score == top]
