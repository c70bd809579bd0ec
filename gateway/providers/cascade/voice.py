"""A voice behind `POST /v1/audio/speech`, heard as it is made.

Source: OpenAI API reference, Audio: create speech (`response_format: pcm` is 24 kHz, 16 bit, mono, without a header).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from aiohttp import ClientResponse

from gateway.providers.cascade.rest import ANSWER_S, Rest, StageFault
from gateway.speech.clauses import Phrasing
from gateway.speech.errors import SpeechError
from media.audio import PCM24

__all__ = ["PHRASING", "RestVoice"]

PHRASING = Phrasing(first=120, longest=400, pauses=False)
"""Whole sentences where they are not very long: such a voice speaks them as one, and ends each with its own pause."""

CHUNK_BYTES = PCM24.to_bytes(200)
MOST_MS = 300_000
"""Sound of one clause; a server that sends more is not listened to any longer."""
SLOWEST, FASTEST = 0.25, 1.5
"""The speeds of the realtime protocol; the API allows more."""


class RestVoice:
    """`gateway.speech.ports.Voice`."""

    def __init__(self, rest: Rest, always: str | None) -> None:
        """`always`: the voice to speak with whatever is asked for, for servers with voices of their own."""
        self.tier = f"{rest.stage.model} over HTTP"
        self.rest = rest
        self._always = always

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncGenerator[bytes]:
        """As the port says. Leaving the iteration closes the connection. Raises SpeechError."""
        if not any(character.isalnum() for character in text):
            return
        body: dict[str, Any] = {
            "model": self.rest.stage.model,
            "input": text,
            "voice": self._always or voice,
            "response_format": "pcm",
        }
        if speed != 1.0:
            body["speed"] = min(FASTEST, max(SLOWEST, speed))
        try:
            async with (
                self.rest.post("/audio/speech", json=body) as answer,
                aclosing(_whole_chunks(answer)) as chunks,
            ):
                async for pcm in chunks:
                    yield pcm
        except StageFault as fault:
            raise SpeechError(str(fault)) from None


async def _whole_chunks(answer: ClientResponse) -> AsyncGenerator[bytes]:
    """Whole samples, at most 200 ms at a time, the first as soon as it is there."""
    rest = b""
    left = PCM24.to_bytes(MOST_MS)
    while data := await _next(answer):
        rest += data
        left -= len(data)
        if left < 0:
            raise SpeechError("tts: it does not stop speaking")
        while len(rest) >= 2:
            chunk = rest[: min(CHUNK_BYTES, len(rest) // 2 * 2)]
            rest = rest[len(chunk) :]
            yield chunk


async def _next(answer: ClientResponse) -> bytes:
    async with asyncio.timeout(ANSWER_S):
        return await answer.content.readany()
