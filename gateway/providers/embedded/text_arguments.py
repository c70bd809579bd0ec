"""A text argument out of what was said: a day, an address, a name, or the words after the right little word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

from gateway.providers.embedded.english.dates import find_moment
from gateway.providers.embedded.english.names import find_name
from gateway.providers.embedded.english.numbers import digit_runs
from gateway.providers.embedded.english.words import STOP
from gateway.providers.embedded.retelling import words_of
from gateway.providers.embedded.schema import accepts

__all__ = ["text_value"]

_PLACES = ("city", "location", "place", "town", "country", "destination", "address", "region", "where")
_WHOLE = ("query", "question", "text", "message", "prompt", "input", "note", "content", "search", "topic", "request",
          "description", "reason", "comment", "body", "title", "subject", "task")  # fmt: skip
_BEFORE = (
    "in",
    "at",
    "for",
    "near",
    "from",
    "to",
    "about",
    "called",
    "named",
    "of",
    "on",
    "with",
    "is",
    "saying",
)
_AFTER = frozenset(
    ("in", "at", "for", "on", "please", "and", "today", "tomorrow", "with", "from", "to", "by", "now")
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def text_value(
    name: str, schema: Mapping[str, Any], text: str, words: tuple[str, ...], now: datetime, eager: bool
) -> str | None:
    """What `text` (its tokens `words`) has for the parameter `name`. `eager`: it was asked for, so bare words count."""
    label = words_of(name)
    form = schema.get("format")
    if form in ("date", "date-time", "time") or label.split(" ")[-1] in ("date", "day", "datetime", "time"):
        return _moment(form or label.rsplit(" ", maxsplit=1)[-1], words, now, eager)
    if form == "email" or "email" in label:
        return _email(text)
    runs = digit_runs(words) or digit_runs(words, lenient=eager)
    pattern = str(schema.get("pattern", ""))
    if runs and (
        re.search(r"phone|zip|postal|digits|account|pin\b", label) or re.search(r"\\d|0-9", pattern)
    ):
        longest = max((run.digits for run in runs), key=len)
        together = "".join(run.digits for run in runs)
        return next((digits for digits in (longest, together) if accepts(digits, schema)), None)
    if re.search(r"\bname\b|\bperson\b|\bcontact\b", label) and not re.search(
        r"file|city|product|user", label
    ):
        named = find_name(text, expected=eager)
        if named is not None:
            return named.text
    if any(word in label.split() for word in _WHOLE):
        return _object_of(text) if eager or len(words) > 2 else None
    place = any(word in label for word in _PLACES)
    return _words_after(label, text, place=place, eager=eager)


def _moment(form: str, words: tuple[str, ...], now: datetime, eager: bool) -> str | None:
    found = find_moment(words, now.date(), expected=eager)
    if form in ("date", "day"):
        return found.day.isoformat() if found.day else None
    if form == "time":
        return found.at.replace(tzinfo=UTC).isoformat() if found.at else None
    if found.day is None and found.at is None:
        return None
    return datetime.combine(found.day or now.date(), found.at or time(9), now.tzinfo).isoformat(
        timespec="seconds"
    )


def _email(text: str) -> str | None:
    written = _EMAIL.search(text)
    if written:
        return written.group()
    spoken = re.sub(r"\s+at\s+", "@", re.sub(r"\s+dot\s+", ".", text.lower()))
    found = _EMAIL.search(spoken)
    return found.group() if found else None


def _object_of(text: str) -> str:
    """What a sentence is about: `search for cheap flights` → `cheap flights`."""
    found = re.search(
        r"\b(?:for|about|that|saying|says|to say|called|titled|on)\s+(?P<rest>.{2,})$", text, re.IGNORECASE
    )
    return (found["rest"] if found else text).strip().rstrip("?.!")


def _words_after(label: str, text: str, *, place: bool, eager: bool) -> str | None:
    plain = [word.strip(',.?!;:"') for word in text.split()]
    low = [word.lower() for word in plain]
    named = label.split(" ")[-1]
    for at, word in enumerate(low):
        after = at + 1
        while word == named and after < len(low) and low[after] in ("is", "of", "to", "named", "called"):
            after += 1
        if (word == named and after < len(low)) or (place and word in _BEFORE[:6]):
            phrase = _until(plain, low, after)
            if phrase:
                return phrase
    if not eager:
        return None
    for cue in _BEFORE:
        if cue in low[1:]:
            phrase = _until(plain, low, low.index(cue, 1) + 1)
            if phrase:
                return phrase
    kept = [word for word, small in zip(plain, low, strict=True) if small not in STOP]
    kept = [word.capitalize() if place and word.islower() else word for word in kept[-4:]]
    return " ".join(kept) or None


def _until(plain: list[str], low: list[str], start: int) -> str:
    while start < len(low) and low[start] in ("the", "a", "an", "my"):
        start += 1
    end = start
    while end < len(low) and low[end] not in _AFTER and not low[end][:1].isdigit() and end - start < 5:
        end += 1
    words = plain[start:end]
    if words and words[0].lower() in STOP:
        return ""
    return " ".join(word.capitalize() if word.islower() and len(word) > 2 else word for word in words)
