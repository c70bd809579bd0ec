"""Where a text is cut so that its first words are heard while the rest is still being synthesised."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Clause", "clauses"]

FIRST = 48
"""Characters of the first clause: about 30 ms of synthesis."""
LONGEST = 150
"""Characters of any other: about 100 ms, so that no one waits long behind it."""
PAUSES_MS = {".": 280, "!": 280, "?": 300, ":": 180, ";": 180, ",": 110}
BREAK_MS = 40
"""Where a clause had to be cut between two words."""

SENTENCE = re.compile(r"(?<=[.!?])[\"')]*\s+")
INNER = re.compile(r"[,;:] ")


@dataclass(frozen=True, slots=True)
class Clause:
    """What is synthesised in one go, and how long to be silent after it."""

    text: str
    pause_ms: int


def clauses(text: str) -> tuple[Clause, ...]:
    """Cut at sentence ends; sentences that are too long at the last comma that fits, else between words. Without
    the silences, the clauses joined by spaces are `text`."""
    cut: list[Clause] = []
    for sentence in SENTENCE.split(text):
        rest = sentence.strip()
        while rest:
            limit = LONGEST if cut else FIRST
            piece, rest = _take(rest, limit) if len(rest) > limit else (rest, "")
            cut.append(Clause(piece, PAUSES_MS.get(piece[-1], BREAK_MS)))
    if cut:
        cut[-1] = Clause(cut[-1].text, 0)
    return tuple(cut)


def _take(text: str, limit: int) -> tuple[str, str]:
    """The first piece of a text that is longer than `limit`, and what is left."""
    ends = [match.end() for match in INNER.finditer(text, 0, limit)]
    good = [end for end in ends if end >= limit // 4]
    if good:
        at = good[-1]
    elif (space := text.rfind(" ", 0, limit)) > 0:
        at = space + 1
        if (following := INNER.search(text, at)) and following.end() <= limit * 2:
            at = following.end()
    else:
        at = limit
    return text[:at].strip(), text[at:].strip()
