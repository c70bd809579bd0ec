"""Numbers in Urdu: digit strings, cardinals, ordinals, amounts; and how to speak them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from gateway.providers.embedded.counting import run_on, sums
from gateway.providers.embedded.findings import DigitRun
from gateway.providers.embedded.reading import grouped, spelled
from gateway.providers.embedded.urdu.words import fold, listed

__all__ = [
    "NAMES", "amounts", "cardinal", "digit_runs", "one_word", "ordinal", "say_digits", "say_money", "spell"
]  # fmt: skip

_NAMED = """
صفر ایک دو تین چار پانچ چھ سات آٹھ نو دس گیارہ بارہ تیرہ چودہ پندرہ سولہ سترہ اٹھارہ انیس بیس اکیس
بائیس تئیس چوبیس پچیس چھبیس ستائیس اٹھائیس انتیس تیس اکتیس بتیس تینتیس چونتیس پینتیس چھتیس سینتیس
اڑتیس انتالیس چالیس اکتالیس بیالیس تینتالیس چوالیس پینتالیس چھیالیس سینتالیس اڑتالیس انچاس پچاس
اکیاون باون ترپن چون پچپن چھپن ستاون اٹھاون انسٹھ ساٹھ اکسٹھ باسٹھ تریسٹھ چونسٹھ پینسٹھ چھیاسٹھ
سڑسٹھ اڑسٹھ انہتر ستر اکہتر بہتر تہتر چوہتر پچہتر چھہتر ستتر اٹھہتر اناسی اسی اکیاسی بیاسی تراسی
چوراسی پچاسی چھیاسی ستاسی اٹھاسی نواسی نوے اکانوے بانوے ترانوے چورانوے پچانوے چھیانوے ستانوے اٹھانوے
ننانوے
"""
NAMES = tuple(_NAMED.split())
"""Zero to ninety-nine: each has a name of its own."""
_VALUES = {fold(name): value for value, name in enumerate(NAMES)} | {fold("زیرو"): 0, fold("چھے"): 6}
_SCALES = {fold("ہزار"): 1000, fold("لاکھ"): 100_000, fold("کروڑ"): 10_000_000}
_HUNDRED = fold("سو")
_ORDINALS = {
    fold(word): value
    for value, words in enumerate(
        (
            "پہلا پہلی", "دوسرا دوسری دوسرے", "تیسرا تیسری تیسرے", "چوتھا چوتھی چوتھے", "پانچواں پانچویں",
            "چھٹا چھٹی چھٹے", "ساتواں ساتویں", "آٹھواں آٹھویں", "نواں نویں", "دسواں دسویں",
        ),
        1,
    )
    for word in words.split()
}  # fmt: skip
_REPEATED = {fold("ڈبل"): 2, fold("ٹرپل"): 3}
_BETWEEN = listed("اور پھر ڈیش تو")


def one_word(word: str) -> int | None:
    """The value of a number word or numeral below 100."""
    if word.isascii() and word.isdigit() and len(word) <= 2:
        return int(word)
    return _VALUES.get(word)


def _spoken_digits(words: tuple[str, ...], at: int) -> tuple[str, int] | None:
    word = words[at]
    bare = word.replace("-", "").replace(".", "").replace(",", "")
    if bare.isascii() and bare.isdigit() and ":" not in word and "/" not in word:
        return bare, at + 1
    if word in _REPEATED and at + 1 < len(words):
        digit = one_word(words[at + 1])
        return (str(digit) * _REPEATED[word], at + 2) if digit is not None and digit < 10 else None
    value = _VALUES.get(word)
    return None if value is None else (str(value), at + 1)


@lru_cache(maxsize=4096)
def digit_runs(words: tuple[str, ...], *, lenient: bool = False) -> tuple[DigitRun, ...]:
    """Every run of digits in `words`. The names of numbers are too alike to take one for another, so `lenient` allows
    no more."""
    del lenient
    runs: list[DigitRun] = []
    at = 0
    while at < len(words):
        first = _spoken_digits(words, at)
        if first is None:
            at += 1
            continue
        run, at = run_on(words, at, first, lambda place: _spoken_digits(words, place), _BETWEEN)
        runs.append(run)
    return tuple(runs)


def cardinal(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    """The whole number that begins at `words[at]`, and where it ends: `تین سو بیس` → 320."""
    bare = words[at].replace(",", "")
    if bare.isascii() and bare.isdigit() and len(bare) <= 12:
        scale = _SCALES.get(words[at + 1]) if at + 1 < len(words) else None
        return (int(bare) * scale, at + 2) if scale else (int(bare), at + 1)
    total, end = 0, at
    while True:
        part = _below_thousand(words, end)
        if part is None:
            break
        value, end = part
        scale = _SCALES.get(words[end]) if end < len(words) else None
        if scale is None:
            return total + value, end
        total += value * scale
        end += 1
    return (total, end) if end > at else None


def _below_thousand(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    if at >= len(words):
        return None
    value = _VALUES.get(words[at])
    if words[at] == _HUNDRED or (value is not None and words[at + 1 : at + 2] == (_HUNDRED,)):
        hundreds, end = (1, at + 1) if value is None else (value, at + 2)
        rest = _VALUES.get(words[end]) if end < len(words) else None
        return (hundreds * 100 + rest, end + 1) if rest is not None else (hundreds * 100, end)
    return None if value is None else (value, at + 1)


def ordinal(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    """The ordinal at `words[at]`, and where it ends. `پہلے` is `earlier`, unless something of that place follows."""
    if words[at] == fold("پہلے") and words[at + 1 : at + 2] == (fold("والا"),):
        return 1, at + 2
    value = _ORDINALS.get(words[at])
    return None if value is None else (value, at + 1)


@lru_cache(maxsize=4096)
def amounts(words: tuple[str, ...]) -> tuple[float, ...]:
    """Sums of money and other numbers named."""
    return sums(words, cardinal)


_GROUPS = {7: (3, 4), 10: (3, 3, 4), 11: (4, 3, 4), 6: (3, 3), 8: (4, 4), 9: (3, 3, 3)}
"""How so many digits are read back."""


def say_digits(digits: str) -> str:
    """Digits one by one in groups, as they are read back."""
    return grouped(digits, NAMES, _GROUPS, "، ")


def spell(code: str) -> str:
    """A code sign by sign: `K7Q2` → `K، سات، Q، دو`."""
    return spelled(code, NAMES, "، ")


def say_money(amount: Any) -> str:
    """`1,250 روپے`."""
    try:
        number = round(float(amount), 2)
    except (TypeError, ValueError, OverflowError):
        return str(amount)
    return f"{number:,.0f} روپے" if number == int(number) else f"{number:,.2f} روپے"
