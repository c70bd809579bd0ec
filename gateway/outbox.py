"""What waits to be sent to a model: one ordered queue of control and audio, bounded. Sans-IO."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gateway.metrics.counts import let_go
from media.audio import PCM24, AudioFormat

__all__ = ["AUDIO_MS", "BATCH_MS", "BURST_MS", "CONTROL_BYTES", "Audio", "Control", "Outbox", "OutboxFull"]

AUDIO_MS = 5_000
"""Caller audio that may wait; beyond it the oldest is dropped: stale speech answers nothing."""

BURST_MS = 60_000
"""The same of a caller whose audio comes faster than it was spoken."""

CONTROL_BYTES = 16 * 1024 * 1024
"""Control that may wait when more comes; it is never dropped, so beyond it the peer counts as lost. The newest event
does not count: an image in it, or a long session, says nothing of the peer. And a conversation is told to a new
provider all at once."""

BATCH_MS = 100
"""Longest audio given out at once. Nothing waits for a batch to fill: it is what had gathered anyway."""


class OutboxFull(Exception):
    """The peer does not read."""


@dataclass(frozen=True, slots=True)
class Control:
    """One message, encoded."""

    message: str


@dataclass(frozen=True, slots=True)
class Audio:
    """At most `BATCH_MS`."""

    data: bytes


class Outbox:
    """Put without waiting, take in the same order."""

    def __init__(
        self, *, audio_ms: int = AUDIO_MS, control_bytes: int = CONTROL_BYTES, form: AudioFormat = PCM24
    ) -> None:
        self._form = form
        self._batch = form.to_bytes(BATCH_MS)
        self._audio_bytes = form.to_bytes(audio_ms)
        self._control_bytes = control_bytes
        self._waiting: deque[Control | Audio] = deque()
        self._audio = 0
        self._control = 0
        self._dropped = 0

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._waiting)

    @property
    def dropped_ms(self) -> int:
        """Audio dropped so far."""
        return self._form.to_ms(self._dropped)

    def control(self, message: str) -> None:
        """Raises OutboxFull when too much control waits already; then the message is not queued."""
        if self._control >= self._control_bytes:
            raise OutboxFull
        self._control += len(message.encode())
        self._waiting.append(Control(message))

    def audio(self, audio: bytes) -> None:
        """Append audio; the oldest goes when too much waits."""
        if not audio:
            return
        self._waiting.append(Audio(audio))
        self._audio += len(audio)
        if self._audio > self._audio_bytes:
            self._drop(self._audio - self._audio_bytes)

    def take(self) -> Control | Audio | None:
        """The next thing to send: a message, or the audio that stands together, up to a batch. None: nothing."""
        if not self._waiting:
            return None
        first = self._waiting.popleft()
        if isinstance(first, Control):
            self._control -= len(first.message.encode())
            return first
        size, data = self._batch, first.data
        while len(data) < size and self._waiting and isinstance(following := self._waiting[0], Audio):
            data += following.data
            self._waiting.popleft()
        if len(data) > size:
            self._waiting.appendleft(Audio(data[size:]))
            data = data[:size]
        self._audio -= len(data)
        return Audio(data)

    def _drop(self, excess: int) -> None:
        """Drop whole queued chunks, oldest first, until at least `excess` bytes are gone."""
        kept: deque[Control | Audio] = deque()
        while self._waiting:
            waiting = self._waiting.popleft()
            if isinstance(waiting, Audio) and excess > 0:
                excess -= len(waiting.data)
                self._audio -= len(waiting.data)
                self._dropped += len(waiting.data)
                let_go("model", max(1, len(waiting.data) // self._form.frame_bytes))
            else:
                kept.append(waiting)
        self._waiting = kept
