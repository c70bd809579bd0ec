"""Where a text is cut so that its first words are heard while the rest is still being synthesised, or thought."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Clause", "ClauseCutter", "Phrasing", "clauses"]


@dataclass(frozen=True, slots=True)
class Phrasing:
    """How long the pieces are that a voice is given."""

    first: int = 48
    """Characters of the first clause: about 30 ms of the embedded voice's work."""
    longest: int = 150
    """Characters of any other: about 100 ms, so that no one waits long behind it."""
    pauses: bool = True
    """Whether silence is to be put between clauses; False for a voice that ends each with its own."""


@dataclass(frozen=True, slots=True)
class Clause:
    """What is synthesised in one go, and how long to be silent after it."""

    text: str
    pause_ms: int


PAUSES_MS = {".": 280, "!": 280, "?": 300, ":": 180, ";": 180, ",": 110}
BREAK_MS = 40
"""Where a clause had to be cut between two words."""

SENTENCE = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')]))\s+")
INNER = re.compile(r"[,;:] ")


class ClauseCutter:
    """Cuts a text that comes in pieces: at sentence ends; sentences that are too long at the last comma that fits,
    else between words. The clauses joined by spaces are the text, its white space aside, and where they are cut
    does not depend on the pieces."""

    def __init__(self, phrasing: Phrasing | None = None) -> None:
        self._phrasing = phrasing or Phrasing()
        self._rest = ""
        self._begun = False

    def feed(self, text: str) -> tuple[Clause, ...]:
        """The clauses that are sure by now."""
        cut: list[Clause] = []
        *whole, self._rest = SENTENCE.split((self._rest + text).lstrip())
        for sentence in whole:
            cut += self._cut(sentence)
        while (piece := self._sure_piece()) is not None:
            cut.append(piece)
        return tuple(cut)

    def end(self) -> tuple[Clause, ...]:
        """What is left, however short."""
        sentence, self._rest = self._rest.strip(), ""
        return tuple(self._cut(sentence))

    def _cut(self, sentence: str) -> list[Clause]:
        cut: list[Clause] = []
        while sentence:
            limit = self._limit
            piece, sentence = _take(sentence, limit) if len(sentence) > limit else (sentence, "")
            cut.append(self._clause(piece))
        return cut

    def _sure_piece(self) -> Clause | None:
        """The first piece of a sentence that is not over yet, once nothing that may follow can change it."""
        limit, known = self._limit, self._rest.rstrip()
        if len(known) <= limit or (len(known) <= 2 * limit and _comma(known, limit) is None):
            return None
        piece, _ = _take(known, limit)
        self._rest = self._rest[len(piece) :].lstrip()
        return self._clause(piece)

    def _clause(self, text: str) -> Clause:
        self._begun = True
        pause_ms = PAUSES_MS.get(text[-1], BREAK_MS) if self._phrasing.pauses else 0
        return Clause(text, pause_ms)

    @property
    def _limit(self) -> int:
        return self._phrasing.longest if self._begun else self._phrasing.first


def clauses(text: str, phrasing: Phrasing | None = None) -> tuple[Clause, ...]:
    """A whole text, cut as `ClauseCutter` does; without a silence at its end."""
    cutter = ClauseCutter(phrasing)
    cut = [*cutter.feed(text), *cutter.end()]
    if cut:
        cut[-1] = Clause(cut[-1].text, 0)
    return tuple(cut)


def _comma(text: str, limit: int) -> int | None:
    """Where the last comma is that makes a good end within the limit."""
    good = [match.end() for match in INNER.finditer(text, 0, limit) if match.end() >= limit // 4]
    return good[-1] if good else None


def _take(text: str, limit: int) -> tuple[str, str]:
    """The first piece of a text that is longer than `limit`, and what is left."""
    at = _comma(text, limit)
    if at is None and (space := text.rfind(" ", 0, limit)) > 0:
        at = space + 1
        if (following := INNER.search(text, at)) and following.end() <= limit * 2:
            at = following.end()
    if at is None:
        at = limit
    return text[:at].strip(), text[at:].strip()
