"""Ears and a voice for tests that are about the wire: they answer at once, and can be told to fail."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.speech.errors import SpeechBusy
from gateway.speech.ports import Heard
from tests.providers.bench import sound

__all__ = ["QuickEars", "QuickVoice"]


class QuickEars:
    """Understands `words` whatever is said."""

    tier = "quick"

    def __init__(self, words: str = "good morning") -> None:
        self.words = words
        self.learned: dict[str, tuple[str, ...]] = {}
        self.fault: Exception | None = None
        self.heard_ms: list[int] = []

    def learn(self, script: str, sentences: tuple[str, ...]) -> None:
        self.learned[script] = sentences

    async def transcribe(self, pcm: bytes, *, script: str | None = None) -> Heard:
        self.heard_ms.append(len(pcm) // 32)
        if self.fault is not None:
            raise self.fault
        return Heard(self.words, 0.9, "script")


class QuickVoice:
    """200 ms for every clause, in two chunks."""

    tier = "quick"

    def __init__(self) -> None:
        self.fault: Exception | None = None

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        for number in range(2):
            if self.fault is not None and number:
                raise self.fault
            yield sound(100)


BUSY = SpeechBusy("busy")
