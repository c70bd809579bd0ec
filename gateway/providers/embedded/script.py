"""Sentences a caller of a persona may say: what the ears' language model for that persona is built from.

An n-gram model learns word sequences, so completeness of pairs and triples matters, not of sentences: digits come
from a de Bruijn sequence, in which every three digits follow each other exactly once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gateway.providers.embedded.english.dates import MONTHS, WEEKDAYS
from gateway.providers.embedded.english.grammar import ACTS
from gateway.providers.embedded.english.numbers import DIGIT_WORDS
from gateway.providers.embedded.english.people import FIRST, LAST
from personas.dialogue import Dialogue, Slot
from personas.persona import Persona
from personas.phrases import expand

__all__ = ["MOST", "sentences"]

MOST = 3200
"""Sentences of one script; beyond it the ears take noticeably longer to get ready."""

_ANSWERS = (
    "yes", "yes please", "yes that's right", "yes that is right", "yes that's correct", "yes that works", "yes it is",
    "yes that works for me", "that works for me", "that works", "sounds good", "that's right", "that's fine", "right",
    "correct", "sure", "perfect", "okay", "yes go ahead", "please do", "yes book it", "of course", "absolutely",
    "no", "no thank you", "no thanks", "no that's wrong", "that's wrong", "that's not right", "no that is not right",
    "no that's all", "no that is all", "that is all thank you", "that's all thank you", "that's it", "nothing else",
    "no that's it thank you", "not really", "i don't know", "i'm not sure", "no change it", "change the time",
    "change the name", "change the number", "change the date", "the first one", "the second one", "the third one",
    "the last one", "the first one please", "the second one please", "yeah", "yep", "nope", "exactly", "i think so",
)  # fmt: skip
_SHORTER = (
    ("i would", "i'd"), ("i am", "i'm"), ("what is", "what's"), ("that is", "that's"), ("it is", "it's"),
    ("where is", "where's"), ("do not", "don't"), ("did not", "didn't"), ("can not", "can't"), ("is not", "isn't"),
    ("who is", "who's"), ("i have", "i've"), ("i will", "i'll"), ("there is", "there's"), ("let us", "let's"),
    ("was not", "wasn't"), ("does not", "doesn't"), ("name is", "name's"),
)  # fmt: skip
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "twenty first", "twenty second", "twenty third", "twenty fourth", "twenty fifth", "twenty sixth",
    "twenty seventh", "twenty eighth", "twenty ninth", "thirtieth", "thirty first",
)  # fmt: skip
_HOURS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
_BEFORE_NOON = frozenset(("seven", "eight", "nine", "ten", "eleven"))
_MINUTES = ("", "fifteen", "thirty", "forty five")
_UNSPOKEN = re.compile(r"[^a-z'. -]+")


def sentences(persona: Persona) -> tuple[str, ...]:
    """At most 3200 sentences, lower case, words apart by one space, each once."""
    dialogue = persona.dialogue
    # What would be too much is cut off at the end, so what everybody says comes first.
    parts: list[Iterable[str]] = [_ANSWERS, *(_phrases(patterns, 30) for patterns in ACTS.values())]
    if dialogue is not None:
        slots = {slot.id: slot for task in dialogue.tasks for slot in task.slots}
        parts += [_tasks(dialogue), _answers(dialogue)]
        parts += [
            _phrases(dialogue.hear, 60),
            _phrases(dialogue.goodbye, 20),
            _phrases(dialogue.person, 20),
        ]
        parts += [_slot(slot) for slot in slots.values()]
    parts += [_phrases(persona.hear, 600)]
    seen: dict[str, None] = {}
    for part in parts:
        for sentence in part:
            for form in _forms(sentence):
                seen.setdefault(form, None)
    return tuple(seen)[:MOST]


def _forms(sentence: str) -> Iterator[str]:
    """As written, and with the usual contractions."""
    text = " ".join(_UNSPOKEN.sub(" ", sentence.lower().replace("-", " ")).split())
    if not text:
        return
    yield text
    short = text
    for long, contracted in _SHORTER:
        short = re.sub(rf"\b{long}\b", contracted, short)
    if short != text:
        yield short


def _thin(texts: Iterable[str], most: int) -> list[str]:
    """At most `most` of them, evenly spread."""
    every = list(dict.fromkeys(texts))
    if len(every) <= most:
        return every
    return [every[at * len(every) // most] for at in range(most)]


def _phrases(patterns: Iterable[str], most: int) -> list[str]:
    return _thin((phrase for pattern in patterns for phrase in expand(pattern)), most)


def _tasks(dialogue: Dialogue) -> Iterator[str]:
    for task in dialogue.tasks:
        triggers = _phrases(task.triggers, 120)
        yield from triggers
        for at, trigger in enumerate(_thin(triggers, 40)):
            opening = (
                "i would like to",
                "i want to",
                "i need to",
                "hi i would like to",
                "can i",
                "um",
                "hello",
                "yes",
            )
            yield f"{opening[at % len(opening)]} {trigger}"
            yield f"{opening[0]} {trigger}" if at % 2 else f"{opening[1]} {trigger}"
        options = [
            phrase
            for slot in task.slots
            for option in slot.options
            for phrase in _phrases(option.phrases, 5)
        ]
        for at, trigger in enumerate(_thin(triggers, 60)):
            if options:
                yield f"i'd like to {trigger} for {options[at % len(options)]}"
                yield f"{trigger} for {options[(at * 7 + 3) % len(options)]}"


def _answers(dialogue: Dialogue) -> Iterator[str]:
    for answer in dialogue.answers:
        yield from _phrases(answer.ask, 14)


# ── by kind of slot ───────────────────────────────────────────────────────────────────────────────────────


def _slot(slot: Slot) -> Iterator[str]:
    yield from _phrases(slot.hear, 80)
    yield from _phrases(slot.cues, 12)
    yield from (f"change {cue}" for cue in _phrases(slot.cues, 6))
    match slot.kind:
        case "choice":
            for option in slot.options:
                for at, phrase in enumerate(_phrases(option.phrases, 24)):
                    yield phrase
                    yield f"{('it is', 'i need', 'i would like', 'it was', 'um', 'just')[at % 6]} {phrase}"
        case "date" | "datetime" | "time":
            yield from _thin(_days(slot.tense == "past"), 260)
            if slot.kind != "date":
                yield from _thin(_times(), 150)
                yield from _thin(_days_and_times(slot.tense == "past"), 420)
        case "name":
            yield from _names()
        case "digits":
            yield from _digits(slot, slot.length)
        case "phone":
            yield from _digits(slot, 7)
            yield from _thin(_digits(slot, 10), 60)
        case "yes_no":
            yield from _phrases((*slot.yes, *slot.no), 80)
        case "text" | "item":
            pass


def _clock() -> Iterator[str]:
    for hour in _HOURS:
        for minute in _MINUTES:
            yield f"{hour} {minute}".strip()


def _times() -> Iterator[str]:
    for at, clock in enumerate(_clock()):
        yield clock
        yield f"at {clock}"
        yield f"{clock} {('in the morning', 'in the afternoon', 'p.m.', 'a.m.')[at % 4]}"
        yield f"at {clock} {('a.m.', 'p.m.', 'in the morning', 'in the afternoon')[at % 4]}"
    for hour in _HOURS:
        yield f"{hour} o'clock"
        yield f"half past {hour}"
        yield f"quarter (past|to) {hour}".replace("(past|to)", "past" if len(hour) % 2 else "to")
    yield from ("noon", "at noon", "in the morning", "in the afternoon", "in the evening", "around noon")


def _days(past: bool) -> Iterator[str]:
    near = ("today", "yesterday", "last night", "this morning", "the day before yesterday", "last week") if past else (
        "today", "tomorrow", "tomorrow morning", "tomorrow afternoon", "the day after tomorrow", "next week",
        "as soon as possible", "this afternoon",
    )  # fmt: skip
    yield from near
    for day in WEEKDAYS:
        yield from (day, f"on {day}", f"{'last' if past else 'next'} {day}", f"this {day}")
        yield from (f"{day} morning", f"{day} afternoon", f"on {day} morning", f"on {day} afternoon")
        yield f"{'last' if past else 'next'} {day} morning"
    for at, ordinal in enumerate(_ORDINALS):
        for turn in range(4):
            month = MONTHS[(at + turn * 3) % 12]
            yield (f"the {ordinal} of {month}", f"{month} {ordinal}", f"on the {ordinal} of {month}",
                   f"on {month} {ordinal}")[turn]  # fmt: skip
        yield f"on the {ordinal}"
    for month in MONTHS:
        yield f"the first of {month}"
        yield f"{month} the second"
    for count in ("two", "three", "four", "five", "six", "ten"):
        yield f"{count} days ago" if past else f"in {count} days"
    yield "a week ago" if past else "in a week"


def _days_and_times(past: bool) -> Iterator[str]:
    opening = (
        ("it happened on", "on", "it was", "") if past else ("", "on", "how about", "can we do", "make it")
    )
    number = 0
    for day in WEEKDAYS:
        for hour in _HOURS:
            part = "in the morning" if hour in _BEFORE_NOON else "in the afternoon"
            for minute in ("", "thirty"):
                number += 1
                clock = f"{day} at {hour} {minute}".strip()
                yield f"{opening[number % len(opening)]} {clock}".strip()
                yield f"{clock} {part}"
            late = _MINUTES[1 + number % 2 * 2]
            yield f"{day} at {hour} {late} {('a.m.', 'p.m.', part)[number % 3]}"


def _names() -> Iterator[str]:
    first, last = sorted(FIRST), sorted(LAST)
    count = max(len(first), len(last))
    for at in range(count):
        name = f"{first[at % len(first)]} {last[(at * 7 + 3) % len(last)]}"
        yield f"my name is {name}"
        if at % 3 == 0:
            yield name
        if at % 5 == 0:
            yield f"it's {name}"
            yield f"this is {name}"
        if at % 12 == 0:
            yield f"{name} {' '.join(last[(at * 7 + 3) % len(last)])}"
    for at, name in enumerate(last):
        if at % 6 == 0:
            yield f"{first[(at * 5 + 1) % len(first)]} {name}"


def _de_bruijn() -> list[int]:
    """The digits in an order of 1000 in which, cyclically, every three follow each other once."""
    digits = [0] * 30
    sequence: list[int] = []

    def extend(at: int, period: int) -> None:
        if at > 3:
            if 3 % period == 0:
                sequence.extend(digits[1 : period + 1])
            return
        digits[at] = digits[at - period]
        extend(at + 1, period)
        for digit in range(digits[at - period] + 1, 10):
            digits[at] = digit
            extend(at + 1, at)

    extend(1, 1)
    return sequence


def _digits(slot: Slot, length: int) -> Iterator[str]:
    sequence = _de_bruijn()
    cues = _phrases(slot.cues, 4) or ["it"]
    openings = [
        "",
        "",
        *(f"{cue if cue.startswith(('my', 'the')) else f'my {cue}'} is" for cue in cues),
        "it's",
        "yes",
    ]
    for count, at in enumerate(range(0, len(sequence), max(length - 2, 1))):
        window = [sequence[(at + step) % len(sequence)] for step in range(length)]
        zero = "oh" if count % 2 else "zero"
        spoken = " ".join(zero if digit == 0 else DIGIT_WORDS[digit] for digit in window)
        yield f"{openings[count % len(openings)]} {spoken}".strip()
