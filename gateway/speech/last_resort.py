"""What is left when no engine can run: a soft tone while the text goes on the wire, and ears that hear nothing."""

from __future__ import annotations

import math
import struct
from collections.abc import AsyncIterator

from gateway.speech.ports import Heard

__all__ = ["NoEars", "ToneVoice", "tone"]

RATE = 24_000
HERTZ = (440.0, 554.37)
"""A major third, one note after the other: a question answered, not an alarm."""
NOTE_MS = 180
LEVEL = 0.06
CHUNK_BYTES = 200 * RATE * 2 // 1000


def tone() -> bytes:
    """The tone, PCM16 24 kHz: two notes that swell and fade, so that nothing clicks."""
    count = RATE * NOTE_MS // 1000
    samples = [
        LEVEL * 32767 * math.sin(math.pi * at / count) ** 2 * math.sin(2 * math.pi * hertz * at / RATE)
        for hertz in HERTZ
        for at in range(count)
    ]
    return struct.pack(f"<{len(samples)}h", *map(round, samples))


class ToneVoice:
    """`gateway.speech.ports.Voice` without a synthesiser: one tone per utterance."""

    tier = "tones with text (no speech synthesiser)"

    def __init__(self) -> None:
        self._tone = tone()

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        if text.strip():
            for at in range(0, len(self._tone), CHUNK_BYTES):
                yield self._tone[at : at + CHUNK_BYTES]


class NoEars:
    """`gateway.speech.ports.Ears` without a recogniser: every utterance was not understood."""

    tier = "none (no speech recogniser: type instead)"

    def learn(self, script: str, sentences: tuple[str, ...]) -> None:
        """Nothing to learn with."""

    async def transcribe(self, pcm: bytes, *, script: str | None = None) -> Heard:
        return Heard("", 0.0, "none")
