"""Ears over a pool of worker processes: each holds the general language model and one per learned script."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.speech.errors import SpeechError
from gateway.speech.frames import Message
from gateway.speech.pool import Pool, open_pool
from gateway.speech.ports import Heard

__all__ = ["LONGEST_S", "PooledEars", "open_ears"]

LONGEST_S = 60
"""A longer utterance is cut to its last `LONGEST_S` seconds: what was said last matters most."""
BYTES_PER_S = 32_000
SHORTEST_BYTES = BYTES_PER_S // 20
"""50 ms: nothing shorter is a word."""


class PooledEars:
    """`gateway.speech.ports.Ears`. Made by `open_ears`."""

    def __init__(self, pool: Pool, workers: int) -> None:
        self.tier = f"{pool.facts.get('engine', 'ears')}, {workers} worker{'s' if workers > 1 else ''}"
        self._pool = pool
        self._learned: dict[str, tuple[str, ...]] = {}

    def learn(self, script: str, sentences: tuple[str, ...]) -> None:
        if self._learned.get(script) != sentences:
            self._learned[script] = sentences
            self._pool.teach(
                script, Message({"op": "learn", "script": script, "sentences": list(sentences)})
            )

    async def transcribe(self, pcm: bytes, *, script: str | None = None) -> Heard:
        """As the port says; also SpeechError when the engine fails, SpeechUnavailable once closed. A script that
        was never learned is as none."""
        pcm = pcm[-LONGEST_S * BYTES_PER_S :]
        if len(pcm) < SHORTEST_BYTES:
            return Heard("", 0.0, "none")
        known = script if script in self._learned else None
        answer = (
            await self._pool.ask(Message({"op": "transcribe", "script": known}, pcm), needs=known)
        ).head
        match answer:
            case {"text": str(text), "score": float(score), "source": "script" | "open" | "none" as source}:
                return Heard(text, score, source)
            case _:
                raise SpeechError("ears answered something else")


@asynccontextmanager
async def open_ears(workers: int, *, waiting: int = 64) -> AsyncIterator[PooledEars]:
    """Ready when the first worker is, about a second. Raises SpeechUnavailable when pocketsphinx cannot run."""
    command = ("gateway.speech.ears_worker",)
    async with open_pool("ears", command, workers=workers, waiting=waiting, job_s=45.0) as pool:
        yield PooledEars(pool, workers)
