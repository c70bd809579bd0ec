"""How numbers stand in what is said, in any language: runs of digits, and sums."""

from __future__ import annotations

from collections.abc import Callable, Collection

from gateway.providers.embedded.findings import DigitRun
from gateway.providers.embedded.grammar import Words

__all__ = ["run_on", "sums"]

LONGEST = 24
"""Words that one number of a sum can have; what follows them begins another."""
CENTS_BELOW = 100_000
"""Nobody says the cents of more."""

Number = tuple[int, int]
"""A whole number, and where its words end."""
Digits = tuple[str, int]
"""Digits, and where their words end."""


def run_on(
    words: Words, start: int, first: Digits, more: Callable[[int], Digits | None], between: Collection[str]
) -> tuple[DigitRun, int]:
    """The run of digits that begins at `start` with `first`, and where to look for the next. `more`: the digits at a
    place; `between`: words that do not end a run."""
    digits, at = first
    end = at
    while at < len(words):
        found = more(at)
        if found is not None:
            digits += found[0]
            end = at = found[1]
        elif words[at] in between:
            at += 1
        else:
            break
    return DigitRun(digits, start, end), max(end, start + 1)


def sums(
    words: Words,
    cardinal: Callable[[Words, int], Number | None],
    cents: Callable[[int], Number | None] = lambda _at: None,
    never: Collection[str] = (),
) -> tuple[float, ...]:
    """Sums of money and other numbers named. `cents`: those that follow a whole number that ends there; `never`: words
    that are no number by themselves."""
    found: list[float] = []
    at = 0
    while at < len(words):
        plain = words[at].lstrip("$").replace(",", "")
        if "." in plain and plain.replace(".", "", 1).isdigit():
            found.append(float(plain))
            at += 1
            continue
        whole = None if plain in never else cardinal((plain, *words[at + 1 : at + LONGEST]), 0)
        if whole is None:
            at += 1
            continue
        value, at = whole[0], at + whole[1]
        part = cents(at) if value < CENTS_BELOW else None
        if part is not None:
            found.append(value + part[0] / 100)
            at = part[1]
        found.append(float(value))
    return tuple(found)
