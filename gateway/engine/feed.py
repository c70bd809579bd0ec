"""The server events of one session on their way to its reader: ordered, bounded, audio held back."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from media.audio import PCM24

__all__ = ["AHEAD_MS", "UNREAD", "Feed"]

UNREAD = 10_000
"""Events that may wait; a reader so far behind has gone, and the feed ends."""

AHEAD_MS = 10_000
"""Audio that may wait before the voice pauses: a slow reader slows the synthesis instead of filling memory."""


class Feed:
    """One reader, many writers, one loop."""

    def __init__(self) -> None:
        self._events: deque[dict[str, Any]] = deque()
        self._audio = 0
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._ended = False
        self.overrun = False
        """Whether the reader was given up."""

    def put(self, event: dict[str, Any]) -> None:
        """Queue an event; after the end nothing is queued."""
        if self._ended:
            return
        if len(self._events) >= UNREAD:
            self.overrun = True
            self.end()
            return
        self._events.append(event)
        self._count(event, 1)
        self._ready.set()

    def end(self) -> None:
        """No event follows those that wait."""
        self._ended = True
        self._ready.set()
        self._room.set()

    async def get(self) -> dict[str, Any] | None:
        """The next event; None at the end. An overrun feed ends at once."""
        while True:
            if self.overrun:
                return None
            if self._events:
                event = self._events.popleft()
                self._count(event, -1)
                return event
            if self._ended:
                return None
            self._ready.clear()
            await self._ready.wait()

    async def room(self) -> None:
        """Wait until the reader has caught up with the audio."""
        await self._room.wait()

    def _count(self, event: dict[str, Any], sign: int) -> None:
        if event["type"] != "response.output_audio.delta":
            return
        self._audio += sign * len(event["delta"])
        if self._audio > PCM24.to_bytes(AHEAD_MS) and not self._ended:
            self._room.clear()
        else:
            self._room.set()
