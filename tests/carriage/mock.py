"""A warm model: it answers at once, speaks tones in bursts faster than real time, and hears the caller by loudness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from gateway.ports import Event, ModelSession, ModelSpec
from media.audio import PCM24
from media.level import rms

__all__ = ["ToneModel", "ToneSession", "reply_of"]

BURST_MS = 100
ONSET_FRAMES = 3
FRAME = 960
"""Bytes."""
LOUD = 500.0


def tone(number: int, ms: int) -> bytes:
    """A reply's audio: its pitch tells which it is (see `reply_of`)."""
    at = np.arange(24 * ms) / 24000
    pcm: bytes = np.rint(np.sin(2 * np.pi * (400 + 200 * number) * at) * 8000).astype("<i2").tobytes()
    return pcm


def reply_of(pcm: bytes, rate: int) -> int:
    """Which reply this piece of sound is of."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 14))
    return round((float(np.argmax(spectrum)) * rate / (1 << 14) - 400) / 200)


class ToneSession:
    provider = "tone"
    model = "tone-1"

    def __init__(self, reply_ms: int, speed: float, says: Callable[[int, int], bytes] = tone) -> None:
        self.reply_ms, self.speed, self.says = reply_ms, speed, says
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.received: list[tuple[float, Event]] = []
        self.frames = 0
        self.loud = 0
        self.heard_at: list[float] = []
        """When speech was told."""
        self.replies = 0
        self._speaking: asyncio.TimerHandle | None = None
        self._active: str | None = None

    def send(self, event: Event) -> None:
        self.received.append((asyncio.get_running_loop().time(), event))
        match event["type"]:
            case "response.create":
                self._reply()
            case "response.cancel" if self._active is not None:
                self._done("cancelled")
            case "conversation.item.create":
                item = {"id": f"item_own_{len(self.received)}", **event["item"]}
                self.emit("conversation.item.added", item=item, previous_item_id=None)
            case _:
                pass

    def audio(self, pcm: bytes) -> None:
        """Of any length."""
        for start in range(0, len(pcm), FRAME):
            self._frame(pcm[start : start + FRAME])

    def _frame(self, pcm: bytes) -> None:
        self.frames += 1
        self.loud = self.loud + 1 if rms(pcm) > LOUD else 0
        if self.loud == ONSET_FRAMES:
            self.heard_at.append(asyncio.get_running_loop().time())
            number = len(self.heard_at)
            self.emit("input_audio_buffer.speech_started", item_id=f"u{number}", audio_start_ms=0)

    def emit(self, kind: str, **fields: Any) -> None:
        self.events.put_nowait({"type": kind, "event_id": "event_x", **fields})

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self.events.get()

    def truncations(self) -> list[tuple[float, Event]]:
        return [(at, e) for at, e in self.received if e["type"] == "conversation.item.truncate"]

    def end(self) -> None:
        if self._speaking is not None:
            self._speaking.cancel()

    def _reply(self) -> None:
        self.replies += 1
        number = self.replies
        self._active = f"resp_{number}"
        at = {
            "response_id": self._active,
            "item_id": f"item_{number}",
            "output_index": 0,
            "content_index": 0,
        }
        item = {"id": f"item_{number}", "type": "message", "role": "assistant", "content": []}
        self.emit("response.created", response={"id": self._active, "status": "in_progress"})
        self.emit("response.output_item.added", **at, item=item)
        self.emit("response.output_audio_transcript.delta", **at, delta="one two three four five six")
        self._speak(at, self.says(number, self.reply_ms))

    def _speak(self, at: dict[str, Any], rest: bytes) -> None:
        if not rest:
            self.emit("response.output_audio.done", **at)
            self._done("completed")
            return
        size = 48 * BURST_MS
        self.emit("response.output_audio.delta", **at, delta=rest[:size])
        self._speaking = asyncio.get_running_loop().call_later(
            BURST_MS / 1000 / self.speed, self._speak, at, rest[size:]
        )

    def _done(self, status: str) -> None:
        self.end()
        response, self._active = self._active, None
        self.emit("response.done", response={"id": response, "status": status, "output": []})


class ToneModel:
    """A provider of them."""

    name = "tone"
    forms = frozenset({PCM24})

    def __init__(
        self, reply_ms: int = 4000, speed: float = 5.0, says: Callable[[int, int], bytes] = tone
    ) -> None:
        """`says` gives the audio of a reply, by its number and its length in milliseconds."""
        self.reply_ms, self.speed, self.says = reply_ms, speed, says
        self.sessions: dict[str, ToneSession] = {}
        """By call."""

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        session = self.sessions[spec.call_id] = ToneSession(self.reply_ms, self.speed, self.says)
        try:
            yield session
        finally:
            session.end()
