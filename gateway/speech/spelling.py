"""Letter to sound for words no dictionary has: flite's rules, in the decoder's phone set."""

from __future__ import annotations

import re

from gateway.speech.flite import Flite, FliteMissing
from gateway.speech.lexicon import Spell

__all__ = ["speller"]

SPELLABLE = re.compile(r"[a-z]+(?:['.-][a-z]+)*\Z")
VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
CONSONANTS = (
    "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH", "V", "W",
    "Y", "Z", "ZH",
)  # fmt: skip
DECODER = frozenset(VOWELS + CONSONANTS)
REDUCED = {"AX": "AH", "AXR": "ER"}
"""Reduced vowels that flite writes apart (its phone set is CMU's with these two)."""


def speller() -> Spell | None:
    """The rules, or None when flite is not installed: sentences with unknown words are then left out."""
    try:
        flite = Flite(voices=())
    except FliteMissing:
        return None

    def spell(word: str) -> str | None:
        if not SPELLABLE.match(word):
            return None
        phones = [REDUCED.get(p, p) for p in (phone.rstrip("012").upper() for phone in flite.phones(word))]
        return " ".join(phones) if phones and DECODER.issuperset(phones) else None

    return spell
