"""Filling the slots of a task from one utterance: the one asked for first, then whatever else was said."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.providers.embedded.findings import Moment
from gateway.providers.embedded.items import Item, beyond, choose
from gateway.providers.embedded.slots import Found, Value, find_value, fits, merged
from gateway.providers.embedded.state import Expect, State
from gateway.providers.embedded.steps import listed_items
from gateway.providers.embedded.turns import CallerTurn
from personas.dialogue import Slot

__all__ = ["Filled", "fill_slots"]

_DIGITS = ("digits", "phone")


@dataclass(slots=True)
class Filled:
    """What an utterance gave."""

    names: list[str] = field(default_factory=list)
    """The slots that got a value."""
    acknowledged: list[str] = field(default_factory=list)
    """What to say to that."""
    objection: str = ""
    """What was understood and cannot be."""
    moved: bool = False
    """Other items are offered now."""

    def __bool__(self) -> bool:
        return bool(self.names or self.objection or self.moved)


def fill_slots(
    state: State, turn: CallerTurn, *, changing: bool = False, correcting: Slot | None = None
) -> Filled:
    """Put what `turn` says into the task's slots. `changing`: the caller is correcting the whole. `correcting`:
    this slot was just read back."""
    filled = Filled()
    task = state.task
    if task is None:
        return filled
    words = state.tongue.tokens(turn.text)
    asked = correcting or (state.expecting.slot if state.expecting.what is Expect.SLOT else None)
    if asked is not None and asked not in task.slots:
        asked = None
    if asked is not None and asked.kind == "item":
        _pick(state, asked, turn, filled)
    elif asked is not None:
        _take(state, asked, turn, filled, expected=True, partly=True)
    if asked is not None and asked.kind == "text" and asked.id in filled.names:
        return filled
    corrected = changing or correcting is not None or _corrects(state, words)
    for slot in task.slots:
        if (
            slot is not asked
            and slot.id not in filled.names
            and not _blocked(state, slot, asked, filled, words)
        ):
            _also(state, slot, turn, filled, asked, changing=changing, corrected=corrected)
    if asked is not None and asked.kind in _DIGITS and filled.names and asked.id not in filled.names:
        # The few digits belonged to what the caller told instead: `Monday around eleven thirty`.
        state.partial.pop(asked.id, None)
        filled.objection = ""
    if not filled and corrected:
        for slot in task.slots:
            if slot.kind == "item" and slot is not asked and (changing or state.offered.get(slot.id)):
                _pick(state, slot, turn, filled)
    if not filled and (asked is None or asked.kind not in _DIGITS):
        _change_unasked(state, turn, filled, asked)
    if not filled and corrected and state.tongue.find.names_somebody(words):
        for slot in task.slots:
            if slot.kind == "name" and slot is not asked and slot.id in state.values:
                _take(state, slot, turn, filled, expected=True)
    return filled


def _also(
    state: State,
    slot: Slot,
    turn: CallerTurn,
    filled: Filled,
    asked: Slot | None,
    *,
    changing: bool,
    corrected: bool,
) -> None:
    """Take a slot that was not asked for along: one that is open, or a known one when the caller corrects."""
    if slot.kind in ("text", "item"):
        return
    reopened = _reopens(slot, asked)
    if slot.id in state.values and not corrected and not reopened:
        return
    bare = changing and slot.kind not in ("name", "choice", "yes_no")
    _take(state, slot, turn, filled, expected=bare or reopened)


def _change_unasked(state: State, turn: CallerTurn, filled: Filled, asked: Slot | None) -> None:
    """Nothing else fits: a known day, time or choice named anew replaces the old one."""
    for slot in state.task.slots if state.task else ():
        if (
            slot is not asked
            and slot.kind in ("choice", "date", "time", "datetime")
            and slot.id in state.values
        ):
            _take(state, slot, turn, filled, expected=False)


def _corrects(state: State, words: tuple[str, ...]) -> bool:
    return state.tongue.grammar.spot_any(state.tongue.repairs.corrections, words) is not None


def _reopens(slot: Slot, asked: Slot | None) -> bool:
    """Whether a known slot may be changed without a word of correction: the day, while choosing a time near it."""
    return asked is not None and asked.nearest == slot.id


def _blocked(state: State, slot: Slot, asked: Slot | None, filled: Filled, words: tuple[str, ...]) -> bool:
    """Digits that were just taken for one slot are not another one too, unless that one is named; an offered time is
    no new wish; of several names in a task only the one that was asked for or named is meant."""
    if slot.kind == "name" and not _cued(state, slot, words):
        names = [each for each in state.task.slots if each.kind == "name"] if state.task else []
        if len(names) > 1:
            return True
    if asked is None or asked.id not in filled.names:
        return False
    if asked.kind in _DIGITS and slot.kind in _DIGITS:
        return not (asked.length != slot.length and slot.cues and _cued(state, slot, words))
    return (asked.kind in _DIGITS and slot.kind in ("date", "time", "datetime")) or asked.nearest == slot.id


def _cued(state: State, slot: Slot, words: tuple[str, ...]) -> bool:
    return state.tongue.grammar.spot_any(slot.cues, words) is not None


def _take(
    state: State, slot: Slot, turn: CallerTurn, filled: Filled, *, expected: bool, partly: bool = False
) -> None:
    words = state.tongue.tokens(turn.text)
    cued = _cued(state, slot, words)
    found = find_value(
        state.tongue,
        slot,
        turn.text,
        state.now,
        expected=expected or cued,
        begun=state.partial.get(slot.id, ""),
    )
    if found is None or (turn.doubtful and not found.sure):
        return
    if found.partial:
        if partly or cued:
            _partly(state, slot, found, filled)
        return
    value = merged(slot, state.values.get(slot.id), found.value)
    if not fits(slot, value, state.now):
        filled.objection = (
            state.scope(heard=_spoken(state, value)).say(slot.invalid) or state.tongue.lines.cannot_be
        )
        return
    _store(state, slot, value, filled, doubtful=not found.sure or (turn.doubtful and expected))


def _store(state: State, slot: Slot, value: Value, filled: Filled, *, doubtful: bool) -> None:
    changed = state.values.get(slot.id) != value
    state.values[slot.id] = value
    state.partial.pop(slot.id, None)
    state.unchecked.discard(slot.id)
    if slot.check == "always" or (slot.check == "doubtful" and doubtful):
        state.unchecked.add(slot.id)
    elif changed and _heard(slot, value):
        filled.acknowledged.append(state.scope().say(_heard(slot, value)))
    filled.names.append(slot.id)
    if changed and state.task is not None:
        for other in state.task.slots:
            if other.nearest == slot.id:
                state.values.pop(other.id, None)
                state.asked.pop(other.id, None)
                state.offered.pop(other.id, None)
                state.shortlist.pop(other.id, None)


def _heard(slot: Slot, value: Value) -> str:
    return next((each.heard for each in slot.options if each.value == value and each.heard), slot.heard)


def _partly(state: State, slot: Slot, found: Found, filled: Filled) -> None:
    text = str(found.value)
    state.partial[slot.id] = text
    if slot.kind == "name":
        filled.names.append(slot.id)
        return
    heard = state.tongue.say.digits(text)
    filled.objection = state.scope(heard=heard).say(slot.invalid) or state.tongue.lines.incomplete.format(
        heard
    )


def _spoken(state: State, value: Value) -> str:
    if isinstance(value, Moment) and value.day is not None:
        return state.tongue.say.day(value.day)
    return str(value)


def _pick(state: State, slot: Slot, turn: CallerTurn, filled: Filled) -> None:
    items: list[Item] = listed_items(state, slot)
    if not items:
        return
    words, offered = state.tongue.tokens(turn.text), state.offered.get(slot.id, [])
    hits = choose(state.tongue, slot, items, offered, turn.text, state.now.date())
    if len(hits) == 1:
        _store(state, slot, hits[0], filled, doubtful=turn.doubtful)
        return
    others = hits[: slot.at_once] if len(hits) < len(items) else []
    if not hits and offered:
        others = beyond(state.tongue, slot, items, offered, words)
        if others == offered:
            filled.objection = state.tongue.lines.nothing_there
            return
    if others:
        state.shortlist[slot.id] = others
        filled.moved = True
