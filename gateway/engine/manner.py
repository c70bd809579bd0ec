"""How an engine speaks and counts, which follows from the mind and the voice it is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.speech.clauses import Phrasing

__all__ = ["Manner"]


@dataclass(frozen=True, slots=True)
class Manner:
    phrasing: Phrasing = field(default_factory=Phrasing)
    """What the voice likes to be given."""
    audio_tokens: bool = True
    """Whether usage counts speech as audio, as a speech model does; False: as the words in it, which is what a
    mind that only reads and writes is billed for."""
