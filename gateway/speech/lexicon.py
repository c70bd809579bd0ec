"""How words are pronounced, for the decoder: the big dictionary, a few of our own, and letter-to-sound rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["JOINED", "Lexicon", "Spell"]

OWN: dict[str, tuple[str, ...]] = {
    "uh": ("AH", "AH N", "AA"),
    "huh": ("HH AH", "HH AH N", "HH AA"),
    "mm": ("M",),
    "hmm": ("HH M", "M"),
    "mhm": ("M HH M", "AH M HH AH M"),
}
"""Words that dictionaries of writing lack or have otherwise."""

JOINED: dict[str, tuple[str, tuple[str, ...]]] = {
    "uh_huh": ("uh huh", ("AH HH AH", "AH N HH AH N", "AA HH AA", "AH HH AH N", "AH HH EH")),
    "mm_hmm": ("mm hmm", ("M HH M", "AH M HH AH M", "M M HH M M")),
}
"""Backchannels that are one word to the decoder: as two they lose against any single word that is near. Each
with how it is written."""

Spell = Callable[[str], str | None]
"""A word's phones by rule, or None."""


class Lexicon:
    """Pronunciations from a file in the decoder's format (`word PH PH`, variants as `word(2)`), completed by
    `spell` for the words it lacks."""

    def __init__(self, dictionary: Path, spell: Spell | None = None) -> None:
        self._spell = spell
        self._known: dict[str, list[str]] = {}
        with dictionary.open(encoding="utf-8") as lines:
            for line in lines:
                word, _, phones = line.rstrip("\n").partition(" ")
                if phones:
                    self._known.setdefault(word.partition("(")[0], []).append(phones.strip())
        for word, variants in (*OWN.items(), *((token, said) for token, (_, said) in JOINED.items())):
            known = self._known.setdefault(word, [])
            known.extend(variant for variant in variants if variant not in known)

    def phones(self, word: str) -> tuple[str, ...]:
        """Every pronunciation of `word`; none when it cannot be known."""
        known = self._known.get(word)
        if known is None:
            guess = self._spell(word) if self._spell is not None else None
            known = self._known[word] = [guess] if guess else []
        return tuple(known)

    def dictionary(self, words: Iterable[str]) -> str:
        """The lines of a dictionary of just `words`, in the decoder's format."""
        lines = []
        for word in sorted(set(words)):
            for number, phones in enumerate(self.phones(word), 1):
                lines.append(f"{word} {phones}" if number == 1 else f"{word}({number}) {phones}")
        return "\n".join([*lines, ""])
