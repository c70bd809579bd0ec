"""Numbers in spoken English: digit strings, cardinals, ordinals, amounts; and how to speak them."""

from __future__ import annotations

from functools import lru_cache

from gateway.providers.embedded.counting import run_on, sums
from gateway.providers.embedded.english.words import alike
from gateway.providers.embedded.findings import DigitRun
from gateway.providers.embedded.reading import grouped, spelled

__all__ = [
    "DIGIT_WORDS", "amounts", "cardinal", "digit_runs", "one_word", "ordinal", "say_digits", "spell"
]  # fmt: skip

DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_UNITS = {word: value for value, word in enumerate(DIGIT_WORDS)} | {
    "oh": 0, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90
}  # fmt: skip
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15,
    "sixteenth": 16, "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip
_HOMOPHONES = {
    "o": 0,
    "won": 1,
    "to": 2,
    "too": 2,
    "tree": 3,
    "for": 4,
    "fore": 4,
    "ate": 8,
    "sex": 6,
    "nein": 9,
}
"""What the ears write for a digit now and then; only believed between digits."""
_BETWEEN = frozenset(("and", "dash", "um", "uh", "area", "code", "then", "hyphen", "space"))


def one_word(word: str) -> int | None:
    """The value of a number word or numeral below 100 (`thirty`, `7`)."""
    if word.isascii() and word.isdigit() and len(word) <= 2:
        return int(word)
    if word == "o":
        return None
    return _UNITS.get(word, _TENS.get(word))


def _spoken_digits(words: tuple[str, ...], at: int, lenient: bool) -> tuple[str, int] | None:
    word = words[at]
    bare = word.replace("-", "").replace(".", "").replace(",", "")
    if bare.isascii() and bare.isdigit() and ":" not in word and "/" not in word:
        return bare, at + 1
    if word in ("double", "triple") and at + 1 < len(words) and words[at + 1] not in ("double", "triple"):
        after = _spoken_digits(words, at + 1, lenient)
        if after is not None and len(after[0]) == 1:
            return after[0] * (2 if word == "double" else 3), after[1]
        return None
    if word in _TENS:
        unit = _UNITS.get(words[at + 1], 0) if at + 1 < len(words) else 0
        return (str(_TENS[word] + unit), at + 2) if 1 <= unit <= 9 else (str(_TENS[word]), at + 1)
    if word in _UNITS:
        if at + 1 < len(words) and words[at + 1] in ("hundred", "thousand"):
            return str(_UNITS[word]) + ("00" if words[at + 1] == "hundred" else "000"), at + 2
        return str(_UNITS[word]), at + 1
    if lenient:
        if word in _HOMOPHONES:
            return str(_HOMOPHONES[word]), at + 1
        for value, name in enumerate(DIGIT_WORDS):
            if alike(word, name) >= 0.75:
                return str(value), at + 1
    return None


@lru_cache(maxsize=4096)
def digit_runs(words: tuple[str, ...], *, lenient: bool = False) -> tuple[DigitRun, ...]:
    """Every run of digits in `words`. `lenient`: digits are expected, so homophones and near misses between or
    after sure digits count too."""
    runs: list[DigitRun] = []
    at = 0
    while at < len(words):
        first = _spoken_digits(words, at, False)
        if first is None and lenient and words[at] in _HOMOPHONES and at + 1 < len(words):
            sure = _spoken_digits(words, at + 1, False)
            before = words[at - 1] if at else ""
            first = (
                _spoken_digits(words, at, True)
                if sure is not None and before not in ("number", "is")
                else None
            )
        if first is None:
            at += 1
            continue
        run, at = run_on(words, at, first, lambda place: _spoken_digits(words, place, lenient), _BETWEEN)
        runs.append(run)
    return tuple(runs)


def cardinal(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    """The whole number that begins at `words[at]`, and where it ends: `three hundred and twenty` → 320."""
    total = current = 0
    end = at
    last = ""
    while end < len(words):
        word = words[end]
        bare = word.replace(",", "")
        if bare.isascii() and bare.isdigit() and len(bare) <= 12:
            if end > at:
                break
            current = int(bare)
        elif word in _UNITS and word != "oh":
            if last in ("unit",) or (last == "tens" and _UNITS[word] > 9):
                break
            current += _UNITS[word]
            last = "unit"
        elif word in _TENS:
            if last in ("unit", "tens"):
                break
            current += _TENS[word]
            last = "tens"
        elif word == "hundred" and (current or end == at):
            current = max(current, 1) * 100
            last = "hundred"
        elif word in ("thousand", "million") and (current or end == at):
            total += max(current, 1) * (1000 if word == "thousand" else 1_000_000)
            current = 0
            last = "thousand"
        elif word == "and" and last in ("hundred", "thousand") and end + 1 < len(words):
            if words[end + 1] not in _UNITS and words[end + 1] not in _TENS:
                break
            end += 1
            continue
        else:
            break
        end += 1
    return (total + current, end) if end > at else None


def ordinal(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    """The ordinal at `words[at]`, and where it ends: `twenty first` → 21, `12th` → 12."""
    word = words[at]
    if word[-2:] in ("st", "nd", "rd", "th") and word[:-2].strip().isdigit():
        return int(word[:-2]), at + 1
    if word in ("twenty", "thirty") and at + 1 < len(words) and 1 <= _ORDINALS.get(words[at + 1], 0) <= 9:
        return _TENS[word] + _ORDINALS[words[at + 1]], at + 2
    if word in _ORDINALS:
        return _ORDINALS[word], at + 1
    return None


@lru_cache(maxsize=4096)
def amounts(words: tuple[str, ...]) -> tuple[float, ...]:
    """Sums of money and other numbers named: `forty two fifty`, `$42.50`, `forty two dollars and fifty cents`."""
    return sums(words, cardinal, lambda at: _cents(words, at))


def _cents(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    """Those that follow: `fifty`, `dollars and fifty`. Below ten nobody says them so."""
    while at < len(words) and words[at] in ("dollars", "dollar", "and", "bucks"):
        at += 1
    cents = cardinal(words, at) if at < len(words) else None
    return cents if cents is not None and 10 <= cents[0] < 100 else None


_READ = ("oh", *DIGIT_WORDS[1:])
_GROUPS = {5: (5,), 7: (3, 4), 10: (3, 3, 4), 11: (1, 3, 3, 4), 6: (3, 3), 8: (4, 4), 9: (3, 3, 3)}
"""How so many digits are read back."""


def say_digits(digits: str) -> str:
    """Digits one by one in groups, as they are read back: `five five five, oh one seven two`."""
    return grouped(digits, _READ, _GROUPS, ", ")


def spell(code: str) -> str:
    """A code sign by sign: `K7Q2` → `K, seven, Q, two`."""
    return spelled(code, DIGIT_WORDS, ", ")
