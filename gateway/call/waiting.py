"""What waits for a model that is not open yet: events and audio, in the order in which they came. Sans-IO."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from gateway.metrics.counts import let_go
from gateway.ports import Event
from media.audio import PCM24, AudioFormat

__all__ = ["Waiting"]

EVENTS = 200
"""Events that are kept; a client that sends more ends its call."""


class Waiting:
    def __init__(self, audio_ms: int, form: AudioFormat = PCM24) -> None:
        """`audio_ms`: audio that is kept; beyond it the oldest is dropped."""
        self._limit = form.to_bytes(audio_ms)
        self._frame = form.frame_bytes
        self._queue: deque[Event | bytes] = deque()
        self._events = 0
        self._audio = 0

    def event(self, event: Event) -> bool:
        """Keep an event; False when there are too many."""
        if self._events >= EVENTS:
            return False
        self._events += 1
        self._queue.append(event)
        return True

    def audio(self, audio: bytes) -> None:
        self._queue.append(audio)
        self._audio += len(audio)
        while self._audio > self._limit:
            oldest = next(i for i, waiting in enumerate(self._queue) if isinstance(waiting, bytes))
            dropped = self._queue[oldest]
            del self._queue[oldest]
            let_go("unopened-model", max(1, len(dropped) // self._frame))
            self._audio -= len(dropped)

    def drain(self) -> Iterator[Event | bytes]:
        """Everything, oldest first; afterwards nothing waits."""
        while self._queue:
            yield self._queue.popleft()
        self._events = self._audio = 0
