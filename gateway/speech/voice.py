"""A voice over a pool of worker processes: clause by clause, so that the first words come early."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from gateway.speech.clauses import clauses
from gateway.speech.frames import Message
from gateway.speech.normalise import spoken
from gateway.speech.pool import Pool, open_pool
from gateway.speech.voices import voice as card

__all__ = ["CHUNK_BYTES", "PooledVoice", "open_voice"]

log = logging.getLogger(__name__)

BYTES_PER_MS = 48
CHUNK_BYTES = 200 * BYTES_PER_MS
SLOWEST, FASTEST = 0.25, 1.5
"""The speeds the realtime protocol allows."""


class PooledVoice:
    """`gateway.speech.ports.Voice`. Made by `open_voice`."""

    def __init__(self, pool: Pool, workers: int) -> None:
        self.tier = f"{pool.facts.get('engine', 'voice')}, {workers} worker{'s' if workers > 1 else ''}"
        self._pool = pool

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        """As the port says. Only the first `normalise.LONGEST` characters are spoken. Leaving the iteration drops
        what is not synthesised yet. Raises SpeechBusy, SpeechError, SpeechUnavailable."""
        who, pace = card(voice).id, min(FASTEST, max(SLOWEST, float(speed)))
        for number, clause in enumerate(clauses(spoken(text))):
            request = Message({"text": clause.text, "voice": who, "speed": pace})
            pcm = (await self._pool.ask(request, urgent=number == 0)).body
            if not pcm:
                continue
            pcm += bytes(round(clause.pause_ms / pace) * BYTES_PER_MS)
            for at in range(0, len(pcm), CHUNK_BYTES):
                yield pcm[at : at + CHUNK_BYTES]


@asynccontextmanager
async def open_voice(
    workers: int, *, engine: Literal["flite", "espeak"] = "flite", waiting: int = 128
) -> AsyncIterator[PooledVoice]:
    """Ready when the first worker is. Raises SpeechUnavailable when the engine cannot run here."""
    command = ("gateway.speech.voice_worker", engine)
    async with open_pool("voice", command, workers=workers, waiting=waiting, job_s=10.0) as pool:
        yield PooledVoice(pool, workers)
