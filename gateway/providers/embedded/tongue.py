"""The port of a language: all that the dialogue needs to know of one, so that it can be held in any that has a pack.

A pack is a folder here (`english`, `spanish`, `urdu`) that exports one `Tongue`. It understands what callers say and
speaks values; what a persona says stands in its file. `known.py` lists the packs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Protocol

from gateway.providers.embedded.findings import DigitRun, Moment, Name
from gateway.providers.embedded.grammar import Grammar, Words

__all__ = ["Choosing", "Finding", "Lines", "Repairs", "Speaking", "Tongue"]


class FindMoment(Protocol):
    def __call__(
        self, words: Words, today: date, *, past: bool = False, expected: bool = False
    ) -> Moment: ...


class FindName(Protocol):
    def __call__(self, text: str, *, expected: bool) -> Name | None: ...


class DigitRuns(Protocol):
    def __call__(self, words: Words, *, lenient: bool = False) -> tuple[DigitRun, ...]: ...


class SayDate(Protocol):
    def __call__(self, day: date, today: date | None = None) -> str: ...


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What callers say, as values."""

    moment: FindMoment
    """What words say about day and time; an empty Moment when nothing. `past`: it has happened, so a weekday is the
    last one, not the next. `expected`: a bare hour or day of the month counts."""
    name: FindName
    """`expected`: the bare words of a short utterance are one."""
    names_somebody: Callable[[Words], bool]
    """Whether `no, it's Susan Miller` may be meant."""
    digit_runs: DigitRuns
    """Every run of digits. `lenient`: digits are expected, so near misses count too."""
    amounts: Callable[[Words], tuple[float, ...]]
    """Sums of money and other numbers named."""
    ordinal: Callable[[Words, int], tuple[int, int] | None]
    """The ordinal that begins there, and where it ends."""
    affirmed: Callable[[Words], Words]
    """The words without what is denied: `a checkup, not a cleaning` → `a checkup`."""
    denies: Callable[[Words, int, int], bool]
    """Whether what stands from the one place until the other is denied: `nobody is unconscious`."""
    phone_lengths: tuple[int, ...]
    """Digits that a telephone number may have."""


@dataclass(frozen=True, slots=True, eq=False)
class Speaking:
    """Values as they are spoken."""

    day: SayDate
    """`Friday, November 27th`; with another year than `today`'s, that too; `today` and `tomorrow` as such."""
    month_day: Callable[[date], str]
    """Without the weekday."""
    clock: Callable[[time], str]
    when: Callable[[datetime], str]
    """Day and time of day."""
    moment: Callable[[Moment], str]
    """As far as it is known; `as soon as possible` where nothing is."""
    apart: Callable[[str], tuple[str, str]]
    """What `when` made, as the day and the rest, so that of several times on one day only the first names it; the
    empty text and the whole where there is no day."""
    either: Callable[[list[str]], str]
    """`a, b or c`."""
    items: Callable[[list[str]], str]
    """The same of items that may have commas themselves."""
    digits: Callable[[str], str]
    """One by one, in groups."""
    spell: Callable[[str], str]
    """A code sign by sign."""
    money: Callable[[Any], str]


@dataclass(frozen=True, slots=True, eq=False)
class Choosing:
    """How callers choose from what they are offered."""

    any: tuple[str, ...]
    """Phrases: whichever."""
    earlier: frozenset[str]
    other: frozenset[str]
    """Later ones, and other ones."""
    last: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Repairs:
    """How callers take something back, or have nothing more."""

    corrections: tuple[str, ...]
    """Phrases."""
    done: tuple[str, ...]
    """Phrases: nothing else."""
    dropping: frozenset[str]
    """Words: all of it, when asked what should change."""
    nothing: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """What the engine says by itself, between the persona's own words."""

    goodbye: str
    hello: str
    welcome: str
    """To thanks."""
    all_right: str
    sorry: str
    """For something misunderstood."""
    yes_or_no: str
    need: str
    """With `{0}`, what is expected."""
    can_change: str
    """With `{0}`, the things that can be changed."""
    something: str
    cannot_be: str
    incomplete: str
    """With `{0}`, the digits that were heard."""
    nothing_there: str
    """No earlier, no later ones."""
    heard: str
    """The question whether the slot `{0}` was understood; the field is put in braces."""
    last_name: str
    pass_on: str
    """The question whether a person shall take over."""
    about: str
    """With `{0}`, a task's title: for whoever takes over."""
    soonest: str
    yes: str
    no: str
    again: str
    """Nothing was understood."""
    unable: str
    """There is no dialogue, and nothing that could be done."""
    how_can_i_help: str
    moment: str
    took_time: str
    """To somebody who asked to wait."""


@dataclass(frozen=True, slots=True, eq=False)
class Tongue:
    """One language."""

    language: str
    """ISO 639-1."""
    grammar: Grammar
    find: Finding
    say: Speaking
    choosing: Choosing
    repairs: Repairs
    lines: Lines

    def tokens(self, text: str) -> Words:
        """The words of `text` in normal form."""
        return self.grammar.vocabulary.tokens(text)
