"""Ears and voice, as the embedded engine sees them. Both run in worker processes; both are shared by all calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["LANGUAGES", "Ears", "Heard", "Voice"]

LANGUAGES = frozenset({"en"})
"""What the ears and the voice that come with Parley know: ISO 639-1."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was understood of one utterance."""

    text: str
    """Lower case, without punctuation; empty when nothing was understood."""
    score: float
    """The decoder's confidence, 0 to 1, comparable between the two language models."""
    source: Literal["script", "open", "none"]
    """`script`: the persona's own language model won; `open`: the general one did, so the caller is off the script."""


class Ears(Protocol):
    """Speech to text."""

    tier: str
    """What is active, for the start-up line: e.g. `pocketsphinx 5.1.1, 2 workers`."""

    def learn(self, script: str, sentences: tuple[str, ...]) -> None:
        """Register the sentences that the language model of `script` is built from (lower case; words the
        dictionary lacks are given a pronunciation where possible). Cheap: workers build it when first used, or
        while idle. Learning the same name and sentences again does nothing."""

    async def transcribe(self, pcm: bytes, *, script: str | None = None) -> Heard:
        """Recognise one whole utterance, PCM16 mono **16 kHz**. Cancelling the awaiting task frees the caller at
        once and the worker as soon as it can. Raises SpeechBusy when more utterances wait than the pool's bound."""


class Voice(Protocol):
    """Text to speech."""

    tier: str

    def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        """PCM16 mono **24 kHz** in chunks of ≤ 200 ms, the first as early as can be (text is synthesised clause by
        clause). `voice` is any GA voice id (`gateway/speech/voices.py`); an unknown one speaks with the default."""
