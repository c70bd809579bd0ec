"""A reply whose beginning another engine has already given: only the rest of it is to be said.

When a provider is lost in the middle of a reply, the conversation that the next one gets ends with that beginning,
as an assistant message, and a system message that tells to carry on (`personas.prompt.CARRY_ON`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from personas.prompt import CARRY_ON

__all__ = ["Begun", "Rest", "begun_in", "rest_of"]

Item = dict[str, Any]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_BREAK = " \t\n,.;:!?…-–—\"')"
"""What stands between what was said and what is to be said next."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A reply that was begun elsewhere."""

    words: str
    before: tuple[Item, ...]
    """The conversation as it was when the reply was asked for."""


def begun_in(conversation: Sequence[Item]) -> Begun | None:
    """The beginning that the conversation ends with; None when nothing of a reply has been said."""
    if len(conversation) < 2:
        return None
    said, told = conversation[-2:]
    if said.get("role") != "assistant" or told.get("role") != "system":
        return None
    if said.get("status") != "incomplete" and CARRY_ON not in _text(told):
        return None
    return Begun(_text(said), tuple(conversation[:-2]))


def rest_of(planned: str, begun: str) -> str:
    """What is left to say of `planned` after `begun`, all of it unless it begins with the same words. A word that
    was cut in the middle is said again."""
    rest = Rest(begun)
    return rest.feed(planned) + rest.end()


class Rest:
    """The same for a text that comes in pieces: holds them back as long as they may be a repetition."""

    def __init__(self, begun: str) -> None:
        self._begun = [match.group().casefold() for match in _WORD.finditer(begun)]
        self._held = ""
        self._over = not self._begun
        self._skipping = False
        """Between the repetition and what follows it."""

    def feed(self, text: str) -> str:
        """The text to say now."""
        if self._skipping:
            text = text.lstrip(_BREAK)
            self._skipping = not text
        if self._over:
            return text
        self._held += text
        # The last word may go on in the next piece.
        return self._decide(
            [match for match in _WORD.finditer(self._held) if match.end() < len(self._held)]
        )

    def end(self) -> str:
        """What is left once all pieces have come."""
        # A reply that ends before the beginning does has been said.
        return "" if self._over else self._decide(list(_WORD.finditer(self._held)))

    def _decide(self, words: list[re.Match[str]]) -> str:
        for number, (word, begun) in enumerate(zip(words, self._begun, strict=False), 1):
            last = number == len(self._begun)
            same = word.group().casefold() == begun
            if same and last:
                return self._skip(word.end())
            if last and word.group().casefold().startswith(begun):
                return self._skip(word.start())
            if not same:
                return self._skip(0)
        return ""

    def _skip(self, place: int) -> str:
        self._over = True
        rest = self._held[place:] if place == 0 else self._held[place:].lstrip(_BREAK)
        self._skipping = place > 0 and not rest
        self._held = ""
        return rest


def _text(item: Item) -> str:
    parts = item.get("content") or ()
    return " ".join(part.get("text") or part.get("transcript") or "" for part in parts).strip()
