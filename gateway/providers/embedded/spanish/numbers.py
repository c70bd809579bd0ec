"""Numbers in Mexican Spanish: digit strings, cardinals, ordinals, amounts; and how to speak them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from gateway.providers.embedded.counting import run_on, sums
from gateway.providers.embedded.findings import DigitRun
from gateway.providers.embedded.reading import grouped, spelled
from gateway.providers.embedded.spanish.words import alike

__all__ = [
    "DIGIT_WORDS", "amounts", "cardinal", "digit_runs", "one_word", "ordinal", "say_digits", "say_money", "spell"
]  # fmt: skip

DIGIT_WORDS = ("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve")
_UNITS = {word: value for value, word in enumerate(DIGIT_WORDS)} | {
    "diez": 10, "once": 11, "doce": 12, "trece": 13, "catorce": 14, "quince": 15, "dieciseis": 16, "diecisiete": 17,
    "dieciocho": 18, "diecinueve": 19, "veinte": 20, "veintiuno": 21, "veintiun": 21, "veintiuna": 21, "veintidos": 22,
    "veintitres": 23, "veinticuatro": 24, "veinticinco": 25, "veintiseis": 26, "veintisiete": 27, "veintiocho": 28,
    "veintinueve": 29,
}  # fmt: skip
_TENS = {
    "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90
}  # fmt: skip
_HUNDREDS = {
    "cien": 100, "ciento": 100, "doscientos": 200, "trescientos": 300, "cuatrocientos": 400, "quinientos": 500,
    "seiscientos": 600, "setecientos": 700, "ochocientos": 800, "novecientos": 900,
}  # fmt: skip
_HUNDREDS |= {word.replace("ientos", "ientas"): value for word, value in _HUNDREDS.items()}
_ARTICLES = ("un", "una")
"""One, where a number is: alone they are articles."""
_ORDINALS = {
    "primer": 1, "primero": 1, "primera": 1, "segundo": 2, "segunda": 2, "tercer": 3, "tercero": 3, "tercera": 3,
    "cuarto": 4, "cuarta": 4, "quinto": 5, "quinta": 5, "sexto": 6, "sexta": 6, "septimo": 7, "septima": 7,
    "octavo": 8, "octava": 8, "noveno": 9, "novena": 9, "decimo": 10, "decima": 10,
}  # fmt: skip
_BETWEEN = frozenset(("y", "guion", "espacio", "eh", "este", "luego", "despues"))


def one_word(word: str) -> int | None:
    """The value of a number word or numeral below 100 (`treinta`, `7`)."""
    if word.isascii() and word.isdigit() and len(word) <= 2:
        return int(word)
    return _UNITS.get(word, _TENS.get(word))


def _tens(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    """`cuarenta`, `cuarenta y dos`."""
    ten = _TENS.get(words[at])
    if ten is None:
        return None
    if words[at + 1 : at + 2] == ("y",) and at + 2 < len(words):
        unit = 1 if words[at + 2] in _ARTICLES else _UNITS.get(words[at + 2], 0)
        if 1 <= unit <= 9:
            return ten + unit, at + 3
    return ten, at + 1


def _spoken_digits(words: tuple[str, ...], at: int, lenient: bool) -> tuple[str, int] | None:
    word = words[at]
    bare = word.replace("-", "").replace(".", "").replace(",", "")
    if bare.isascii() and bare.isdigit() and ":" not in word and "/" not in word:
        return bare, at + 1
    if (tens := _tens(words, at)) is not None:
        return str(tens[0]), tens[1]
    if word in _UNITS:
        return str(_UNITS[word]), at + 1
    if word in _HUNDREDS:
        found = cardinal(words[: at + 5], at)
        return None if found is None else (str(found[0]), found[1])
    if lenient:
        for value, name in enumerate(DIGIT_WORDS):
            if alike(word, name) >= 0.75:
                return str(value), at + 1
    return None


@lru_cache(maxsize=4096)
def digit_runs(words: tuple[str, ...], *, lenient: bool = False) -> tuple[DigitRun, ...]:
    """Every run of digits in `words`. `lenient`: digits are expected, so near misses count too."""
    runs: list[DigitRun] = []
    at = 0
    while at < len(words):
        first = _spoken_digits(words, at, False)
        if first is None:
            at += 1
            continue
        run, at = run_on(words, at, first, lambda place: _spoken_digits(words, place, lenient), _BETWEEN)
        runs.append(run)
    return tuple(runs)


def cardinal(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    """The whole number that begins at `words[at]`, and where it ends: `trescientos veinte` → 320."""
    bare = words[at].replace(",", "")
    if bare.isascii() and bare.isdigit() and len(bare) <= 12:
        end = at + 1
        if words[end : end + 1] == ("mil",) and len(bare) <= 3:
            return int(bare) * 1000, end + 1
        return int(bare), end
    total, end = 0, at
    low = _below_thousand(words, end)
    if low is not None:
        value, end = low
    elif words[at] == "mil":
        value = 1
    else:
        return None
    for name, times in (("millon", 1_000_000), ("millones", 1_000_000), ("mil", 1000)):
        if words[end : end + 1] == (name,):
            total += value * times
            end += 1
            more = _below_thousand(words, end) if end < len(words) else None
            value, end = more if more is not None else (0, end)
    return total + value, end


def _below_thousand(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    value, end = 0, at
    if words[end] in _HUNDREDS:
        value, end = _HUNDREDS[words[end]], end + 1
    if end < len(words) and (tens := _tens(words, end)) is not None:
        return value + tens[0], tens[1]
    if end < len(words) and words[end] in _UNITS:
        return value + _UNITS[words[end]], end + 1
    if end == at and words[end] in _ARTICLES:
        return 1, end + 1
    return (value, end) if end > at else None


def ordinal(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    """The ordinal at `words[at]`, and where it ends."""
    value = _ORDINALS.get(words[at])
    return None if value is None else (value, at + 1)


@lru_cache(maxsize=4096)
def amounts(words: tuple[str, ...]) -> tuple[float, ...]:
    """Sums of money and other numbers named: `$42.50`, `cuarenta y dos pesos con cincuenta centavos`."""
    return sums(words, cardinal, lambda at: _cents(words, at), _ARTICLES)


def _cents(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    """Those that follow, by a word between: `pesos con cincuenta`."""
    rest = at
    while rest < len(words) and words[rest] in ("pesos", "peso", "con", "y"):
        rest += 1
    cents = cardinal(words, rest) if at < rest < len(words) else None
    return cents if cents is not None and 1 <= cents[0] < 100 else None


_GROUPS = {7: (3, 4), 10: (2, 4, 4), 6: (3, 3), 8: (4, 4), 9: (3, 3, 3), 12: (2, 2, 4, 4)}
"""How so many digits are read back."""


def say_digits(digits: str) -> str:
    """Digits one by one in groups, as they are read back: `cinco cinco, cinco cinco cero uno, …`."""
    return grouped(digits, DIGIT_WORDS, _GROUPS, ", ")


def spell(code: str) -> str:
    """A code sign by sign: `K7Q2` → `K, siete, Q, dos`."""
    return spelled(code, DIGIT_WORDS, ", ")


def say_money(amount: Any) -> str:
    """`500 pesos`, `1,250 pesos con 50 centavos`."""
    try:
        cents = round(float(amount) * 100)
    except (TypeError, ValueError, OverflowError):
        return str(amount)
    whole, rest = divmod(cents, 100)
    name = "peso" if whole == 1 else "pesos"
    return f"{whole:,} {name} con {rest} centavos" if rest else f"{whole:,} {name}"
