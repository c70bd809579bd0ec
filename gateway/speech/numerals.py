"""Numbers, digits and letters as words."""

from __future__ import annotations

import re

__all__ = ["cardinal", "codes", "digits", "letters", "ordinal", "phone", "year"]

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
LETTERS = {
    "a": "ay", "b": "bee", "c": "see", "d": "dee", "e": "ee", "f": "eff", "g": "gee", "h": "aitch", "i": "eye",
    "j": "jay", "k": "kay", "l": "ell", "m": "em", "n": "en", "o": "oh", "p": "pee", "q": "cue", "r": "ar",
    "s": "ess", "t": "tee", "u": "you", "v": "vee", "w": "double-you", "x": "ex", "y": "why", "z": "zee",
}  # fmt: skip
"""Names that an English lexicon reads as the letter, unlike a lone `a` or `i`."""


def cardinal(value: int) -> str:
    """`320` → `three hundred twenty`. Beyond the trillions: digit by digit."""
    if value < 0:
        return f"minus {cardinal(-value)}"
    if value < 20:
        return ONES[value]
    if value < 100:
        ten, one = divmod(value, 10)
        return TENS[ten] if one == 0 else f"{TENS[ten]} {ONES[one]}"
    if value < 1000:
        hundred, rest = divmod(value, 100)
        return f"{ONES[hundred]} hundred" + (f" {cardinal(rest)}" if rest else "")
    for scale, name in SCALES:
        if value >= scale:
            many, rest = divmod(value, scale)
            if many >= 1000:
                return digits(str(value))
            return f"{cardinal(many)} {name}" + (f" {cardinal(rest)}" if rest else "")
    raise AssertionError("every number from a thousand up has a scale")


def ordinal(value: int) -> str:
    """`12` → `twelfth`, `21` → `twenty first`."""
    head, _, last = cardinal(value).rpartition(" ")
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{head} {ORDINALS.get(last, regular)}".strip()


def year(value: int) -> str:
    """`2026` → `twenty twenty six`, `2005` → `two thousand five`, `1900` → `nineteen hundred`."""
    century, rest = divmod(value, 100)
    if 2000 <= value < 2010:
        return cardinal(value)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def digits(text: str) -> str:
    """`0172` → `zero one seven two`."""
    return " ".join(ONES[int(digit)] for digit in text)


def phone(text: str) -> str:
    """A run of digits in groups as people say them: four, else three by three, the last of two to four."""
    lengths = {7: (3, 4), 10: (3, 3, 4), 11: (1, 3, 3, 4)}.get(len(text))
    if lengths is None:
        threes, rest = divmod(len(text), 3)
        if len(text) <= 4:
            lengths = (len(text),)
        elif rest == 1:
            lengths = (3,) * (threes - 1) + (4,)
        else:
            lengths = (3,) * threes + ((rest,) if rest else ())
    groups, at = [], 0
    for length in lengths:
        groups.append(digits(text[at : at + length]).replace("zero", "oh"))
        at += length
    return ", ".join(groups)


def letters(text: str) -> str:
    """`ATM` → `ay tee em`."""
    return " ".join(LETTERS[letter] for letter in text.lower())


def codes(text: str) -> str:
    """`K7Q2` → `kay, seven, cue, two`; `CLM-48213` → `see ell em, four eight two, one three`. Each character is
    said, letters by name; the commas make the short pauses that let a listener write along."""
    parts = re.findall(r"[A-Za-z]+|\d+", text)
    if all(len(part) == 1 for part in parts):
        return ", ".join(letters(part) if part.isalpha() else digits(part) for part in parts)
    return ", ".join(letters(part) if part.isalpha() else phone(part) for part in parts)
