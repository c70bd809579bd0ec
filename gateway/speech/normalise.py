"""Written text as a person would read it aloud: amounts, times, dates, phone numbers and codes as words.

Only what goes to the synthesiser is rewritten; transcripts keep the written text. American usage throughout.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from gateway.speech.numerals import cardinal, codes, digits, letters, ordinal, phone, year

__all__ = ["LONGEST", "clean", "spoken"]

LONGEST = 2000
"""Characters of one utterance; the rest is not spoken."""

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
MONTH = rf"(?:{'|'.join(MONTHS)}|{'|'.join(name[:3] for name in MONTHS)}|Sept)"
HALF = r"(?P<half>[AaPp])(?:\.[Mm]\b(?:\.(?= [a-z]))?|[Mm]\b)"
MONEY = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny")}
PLURALS = {"penny": "pence"}
TITLES = {"Dr": "Doctor", "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Prof": "Professor", "St": "Saint"}
SHORT = {"e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "approx.": "about", "vs.": "versus"}
SIGNS = {"&": " and ", "@": " at ", "+": " plus ", "=": " equals ", "%": " percent", "°": " degrees "}
TYPOGRAPHY = str.maketrans({
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "…": ". ", "–": "-", "—": ", ", "−": "-",
    "\u00a0": " ", "•": ", ", "×": " by ", "½": " and a half",
})  # fmt: skip
SPELLED = frozenset(
    {"ID", "ATM", "FAQ", "URL", "SMS", "PDF", "VIN", "CVV", "SSN", "DOB", "ETA", "TV", "US", "UK"}
)
"""Words in capitals that are said letter by letter; others in capitals are left to the lexicon."""
COUNTED = re.compile(
    r"\b(?:digits?|ending|ends|last|number|code|card|account|pin|reference|extension)\b[^.!?]{0,24}$", re.I
)
"""What stands before four digits that are read one by one."""

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def clean(text: str) -> str:
    """Plain characters that a synthesiser takes: no control characters, markup, emoji or accents; one space."""
    text = unicodedata.normalize("NFC", text[: LONGEST * 4]).translate(TYPOGRAPHY)
    kept = []
    for character in text:
        if character in "€£°":
            kept.append(character)
            continue
        kept.extend(
            c if c.isprintable() else " "
            for c in unicodedata.normalize("NFKD", character)
            if c < "\x80" or c.isspace()
        )
    text = re.sub(r"[*_`~#<>\[\]{}|\\^]+", " ", "".join(kept))
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition(" ")[0]


def spoken(text: str) -> str:
    """`text` in words: `$320.50` → `three hundred twenty dollars and fifty cents`, `9:30 AM` → `nine thirty ay em`,
    `555-0172` → `five five five, oh one seven two`, `K7Q2` → `kay, seven, cue, two`. ASCII, without digits."""
    text = clean(text)
    for written, said in SHORT.items():
        text = text.replace(written, said)
    for pattern, say in RULES:
        text = pattern.sub(say, text)
    for sign, said in SIGNS.items():
        text = text.replace(sign, said)
    text = text.replace("/", " ").encode("ascii", "ignore").decode("ascii")
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" ([,.;:!?])", r"\1", text).strip()


# ── one function per kind ─────────────────────────────────────────────────────────────────────────────────


def _number(text: str) -> str:
    """`1,250` or `3.5` or `007`."""
    whole, _, fraction = text.replace(",", "").partition(".")
    read_out = len(whole) > 1 and whole.startswith("0")
    said = digits(whole) if read_out else cardinal(int(whole or "0"))
    return f"{said} point {digits(fraction)}" if fraction else said


def _money(match: re.Match[str]) -> str:
    unit, small = MONEY[match["sign"]]
    whole, _, fraction = match["amount"].replace(",", "").partition(".")
    if match["scale"]:
        return f"{_number(match['amount'])} {match['scale']} {unit}s"
    count, cents = int(whole), int(fraction) if len(fraction) == 2 else None
    if fraction and cents is None:
        return f"{_number(match['amount'])} {unit}s"
    said = f"{cardinal(count)} {unit}{'' if count == 1 else 's'}"
    if not cents:
        return said
    coins = f"{cardinal(cents)} {small if cents == 1 else PLURALS.get(small, small + 's')}"
    return coins if count == 0 else f"{said} and {coins}"


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match["hour"]), int(match["minute"] or 0), match["half"]
    if hour > 24 or minute > 59:
        return match[0]
    said = cardinal(hour)
    if minute:
        said += f" {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    elif not half:
        said += " o'clock" if hour <= 12 else " hundred"
    return f"{said} {letters(half[0] + 'm')}" if half else said


def _iso_date(match: re.Match[str]) -> str:
    return _date(int(match["year"]), int(match["month"]), int(match["day"]), match[0])


def _us_date(match: re.Match[str]) -> str:
    value = int(match["year"]) if match["year"] else None
    if value is not None and value < 100:
        value += 2000
    return _date(value, int(match["month"]), int(match["day"]), match[0])


def _date(the_year: int | None, month: int, day: int, written: str) -> str:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return written
    said = f"{MONTHS[month - 1]} {ordinal(day)}"
    return f"{said}, {year(the_year)}" if the_year else said


def _named_date(match: re.Match[str]) -> str:
    month = next(name for name in MONTHS if name.startswith(match["month"][:3]))
    said = f"{month} {ordinal(int(match['day']))}"
    return f"{said}, {year(int(match['year']))}" if match["year"] else said


def _bare_number(match: re.Match[str]) -> str:
    written = match[0]
    plain = written.isdigit()
    if plain and (len(written) >= 5 or (len(written) >= 3 and written.startswith("0"))):
        return phone(written)
    if plain and 3 <= len(written) <= 4 and COUNTED.search(match.string[: match.start()]):
        return digits(written)
    if plain and len(written) == 4 and written[:2] in ("19", "20"):
        return year(int(written))
    return _number(written)


def _only_digits(text: str) -> str:
    return re.sub(r"\D", "", text)


RULES: tuple[Rule, ...] = (
    (re.compile(r"\bhttps?://(?:www\.)?|\bwww\."), lambda m: ""),
    (re.compile(r"\b(Dr|Mr|Mrs|Ms|Prof|St)\.(?= [A-Z])"), lambda m: TITLES[m[1]]),
    (re.compile(r"(?<=\w)\.(?=(?:[a-z0-9-]+\.)*(?:com|org|net|gov|edu|io|co|us)\b)"), lambda m: " dot "),
    (
        re.compile(
            r"(?P<sign>[$€£]) ?(?P<amount>\d[\d,]*(?:\.\d+)?)(?: (?P<scale>thousand|million|billion)\b)?"
        ),
        _money,
    ),
    (re.compile(r"\b(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)"), _iso_date),
    (re.compile(r"\b(?P<month>\d\d?)/(?P<day>\d\d?)(?:/(?P<year>\d{4}|\d\d))?\b"), _us_date),
    (
        re.compile(rf"\b(?P<month>{MONTH})\.? (?P<day>\d\d?)(?:st|nd|rd|th)?\b(?:,? (?P<year>\d{{4}})\b)?"),
        _named_date,
    ),
    (re.compile(rf"\b(?P<hour>\d\d?):(?P<minute>\d\d)(?::\d\d)?(?: ?{HALF})?"), _time),
    (re.compile(rf"\b(?P<hour>\d\d?)(?P<minute>) ?{HALF}"), _time),
    (
        re.compile(r"(?<![\w.])\+?1?[ -]?\(?\d{3}\)?[ -.]\d{3}[ -.]\d{4}\b"),
        lambda m: phone(_only_digits(m[0])),
    ),
    (re.compile(r"(?<![\w.-])\d{3}-\d{4}\b(?!-)"), lambda m: phone(_only_digits(m[0]))),
    (re.compile(r"\b(\d+)(?:st|nd|rd|th)\b"), lambda m: ordinal(int(m[1])) if len(m[1]) < 5 else m[0]),
    (re.compile(r"\b(?=[A-Z0-9-]*[A-Z])(?=[A-Z0-9-]*\d)[A-Z0-9]+(?:-[A-Z0-9]+)*\b"), lambda m: codes(m[0])),
    (re.compile(r"\b[A-Z]{2,4}\b"), lambda m: letters(m[0]) if m[0] in SPELLED else m[0]),
    (re.compile(r"(?<!\w)-(?=\d)"), lambda m: "minus "),
    (re.compile(r"(?<=\b\d)-(?=\d\d?\b)|(?<=\b\d\d)-(?=\d\d?\b)"), lambda m: " to "),
    (re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"), _bare_number),
    (re.compile(r"-"), lambda m: " "),
)
"""In order: what is most specific first. Each leaves words, so that a later rule does not see its digits."""
