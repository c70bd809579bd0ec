"""Ears behind `POST /v1/audio/transcriptions`.

Source: OpenAI API reference, Audio: create transcription.
"""

from __future__ import annotations

import asyncio
import struct

import orjson
from aiohttp import FormData

from gateway.providers.cascade.rest import Rest, StageFault
from gateway.speech.errors import SpeechError
from gateway.speech.ports import Heard
from media.audio import PCM16K

__all__ = ["RestEars", "wav"]

READ_S = 10.0
"""For the text, once the head of the answer is there."""
MOST_TEXT = 256 * 1024
"""Bytes of an answer; a longer one is none."""
SHORTEST_BYTES = PCM16K.to_bytes(100)
"""The API refuses less, and nobody says a word in it."""


class RestEars:
    """`gateway.speech.ports.Ears`. They know every language and need no lessons."""

    def __init__(self, rest: Rest, language: str | None) -> None:
        """`language`: what callers speak, ISO 639-1; None lets the model guess."""
        self.tier = f"{rest.stage.model} over HTTP"
        self._rest = rest
        self._language = language

    def learn(self, script: str, sentences: tuple[str, ...]) -> None:
        """Nothing to learn."""

    async def transcribe(self, pcm: bytes, *, script: str | None = None) -> Heard:
        """As the port says; the text as the model writes it. Raises SpeechError."""
        if len(pcm) < SHORTEST_BYTES:
            return Heard("", 0.0, "none")
        recording = wav(pcm)

        def form() -> FormData:
            fields = FormData()
            fields.add_field("file", recording, filename="speech.wav", content_type="audio/wav")
            fields.add_field("model", self._rest.stage.model)
            fields.add_field("response_format", "json")
            if self._language is not None:
                fields.add_field("language", self._language)
            return fields

        try:
            async with self._rest.post("/audio/transcriptions", form=form) as answer:
                async with asyncio.timeout(READ_S):
                    text = _text(await answer.content.read(MOST_TEXT))
        except StageFault as fault:
            raise SpeechError(str(fault)) from None
        return Heard(text, 1.0, "open") if text else Heard("", 0.0, "none")


def wav(pcm: bytes) -> bytes:
    """PCM16 mono 16 kHz as a RIFF/WAVE file in memory."""
    rate = PCM16K.rate
    shape = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    head = struct.pack("<4sI4s", b"RIFF", 36 + len(pcm), b"WAVE")
    return head + shape + struct.pack("<4sI", b"data", len(pcm)) + pcm


def _text(body: bytes) -> str:
    try:
        text = orjson.loads(body)["text"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        text = None
    if not isinstance(text, str):
        raise SpeechError("stt: its answer is no transcription")
    return text.strip()
