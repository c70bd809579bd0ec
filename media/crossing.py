"""One direction between two telephones that are joined: frames come as one line brings them and go as the other takes
them. Sans-IO.

Both lines keep their own time, so a frame may come late, and then two at once. A few frames are gathered before the
first goes out, and are what the far end has in hand from then on; when nothing came for a while they are gathered
again; when more wait than a listener should be behind, the oldest is dropped.
"""

from __future__ import annotations

from collections import deque

from media.audio import FRAME_MS, AudioFormat
from media.transcoder import Transcoder

__all__ = ["GATHERED", "MOST", "Crossing"]

GATHERED = 3
"""Frames that wait before anything is given: 60 ms, the beat of both lines and one late frame."""
DRY = 4
"""Pulls in a row that find nothing: two beats without a frame, since who pulls ahead finds nothing after each."""
MOST = 10
"""Frames that may wait; beyond 200 ms people begin to talk over one another (ITU-T G.114: 150 ms is good)."""


class Crossing:
    over = False

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        """Equal formats pass untouched. Raises ValueError for rates that no telephone has."""
        self._transcoder = Transcoder(source, target)
        self._frames: deque[bytes] = deque()
        self._flowing = False
        self._empty = 0
        self.dropped_ms = 0
        """Thrown away because the other line did not take it in time."""

    def push(self, frame: bytes) -> None:
        """20 ms of who speaks. When `MOST` wait the oldest is dropped."""
        self._empty = 0
        self._frames.append(self._transcoder.process(frame))
        if len(self._frames) > MOST:
            self._frames.popleft()
            self.dropped_ms += FRAME_MS
        self._flowing = self._flowing or len(self._frames) >= GATHERED

    def pull(self) -> bytes | None:
        """20 ms for who listens; None when nothing is there yet."""
        if not self._flowing:
            return None
        if not self._frames:
            self._empty += 1
            self._flowing = self._empty < DRY
            return None
        return self._frames.popleft()
