"""What goes to one link: events and stretches of the caller's audio in order, then the audio as it comes.

A stretch goes out faster than real time, but not at once: a connector drops audio that its peer does not take.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from gateway.continuity.ring import Ring
from gateway.ports import Event, ModelSession

__all__ = ["Line"]

CHUNK_MS = 200
BREATH_MS = 1000
"""After so much of a stretch the peer gets `BREATH_S` to take it: forty times faster than real time."""
BREATH_S = 0.025


@dataclass(frozen=True, slots=True)
class Stretch:
    """Of the ring, in bytes."""

    start: int
    end: int


class Line:
    def __init__(self, session: ModelSession, ring: Ring) -> None:
        self._session = session
        self._ring = ring
        self._form = ring.form
        self._waiting: deque[Event | Stretch] = deque()
        self._busy = False
        """A stretch is going out."""
        self._live: int | None = None
        """Up to here the audio as it comes has been sent or waits; None: nothing comes yet."""
        self._wake = asyncio.Event()

    def send(self, event: Event) -> None:
        """In its turn: after the audio that came before it."""
        self._catch_up()
        if not self._behind:
            self._session.send(event)
            return
        self._waiting.append(event)
        self._wake.set()

    def replay(self, from_ms: int, to_ms: int) -> None:
        self._waiting.append(Stretch(self._form.to_bytes(from_ms), self._form.to_bytes(to_ms)))
        self._wake.set()

    def live(self, from_ms: int) -> None:
        self._live = self._form.to_bytes(from_ms)
        self._catch_up()
        self._wake.set()

    def audio(self, audio: bytes) -> None:
        """Audio came; it stands at the end of the ring."""
        if self._live is None:
            return
        if self._behind or self._live != self._ring.end - len(audio):
            self._wake.set()
            return
        self._live += len(audio)
        self._session.audio(audio)

    async def pump(self) -> None:
        """Send what waits, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._catch_up()
            while self._waiting:
                self._busy = True
                one = self._waiting.popleft()
                if isinstance(one, Stretch):
                    await self._send(one)
                else:
                    self._session.send(one)
                if not self._waiting:
                    self._catch_up()
            self._busy = False

    @property
    def _behind(self) -> bool:
        """Whether something waits that must go first."""
        return self._busy or bool(self._waiting)

    def _catch_up(self) -> None:
        """Have what came since go out too."""
        if self._live is not None and self._live < self._ring.end:
            self._waiting.append(Stretch(self._live, self._ring.end))
            self._live = self._ring.end

    async def _send(self, stretch: Stretch) -> None:
        chunk, breath, since = self._form.to_bytes(CHUNK_MS), self._form.to_bytes(BREATH_MS), 0
        for start in range(stretch.start, stretch.end, chunk):
            audio = self._ring.read(start, min(start + chunk, stretch.end))
            if audio:
                self._session.audio(audio)
            since += len(audio)
            await asyncio.sleep(BREATH_S if since >= breath else 0)
            since %= breath
