"""What a carrier does with the audio it is sent: queue it, play it in real time, tell marks, throw the queue away.

Pure: time comes in. The queue is exact to the sample, so that lead, pauses and marks are those of the server and not
of whoever looks at them.
"""

from __future__ import annotations

from collections import deque

from gateway.softphone.sound import silence
from gateway.wire import Codec, Encoding

__all__ = ["UNDERRUN_S", "Player"]

UNDERRUN_S = 0.25
"""A pause that is no longer than this lies within a word or a sentence: the audio came too late."""
DUST_S = 0.001


class Player:
    """One stream. `limit_s`: how much the carrier queues; what comes beyond is thrown away."""

    def __init__(self, encoding: Encoding, began: float, limit_s: float) -> None:
        self._encoding = encoding
        self._sample = 2 if encoding.codec is Codec.L16 else 1
        self._rate = encoding.rate * self._sample
        """Bytes a second."""
        self._began = began
        self._limit = int(limit_s * self._rate)
        self._at = 0
        """Bytes played, silence among them."""
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._marks: deque[tuple[int, str]] = deque()
        """Each with the bytes that are to be played before it."""
        self._ran_dry: float | None = None
        self.lead_s_max = 0.0
        """The most that ever waited."""
        self.underruns: list[float] = []
        """Pauses of at most `UNDERRUN_S` that no clear explains, in seconds."""
        self.arrived_s = 0.0
        self.thrown_s = 0.0
        """What did not fit."""

    @property
    def pending_s(self) -> float:
        return self._queued / self._rate

    def advance(self, now: float) -> bytes:
        """What was played since the last time, with silence where nothing was there."""
        due = round((now - self._began) * self._encoding.rate) * self._sample - self._at
        if due <= 0:
            return b""
        played = self._take(min(due, self._queued))
        missing = due - len(played)
        if missing and played:
            self._ran_dry = self._began + (self._at + len(played)) / self._rate
        self._at += due
        return played + silence(self._encoding, missing) if missing else played

    def play(self, audio: bytes) -> bool:
        """Queue it, at the time of the last `advance`. False when the queue was full: it is thrown away."""
        seconds = len(audio) / self._rate
        self.arrived_s += seconds
        if self._queued + len(audio) > self._limit:
            self.thrown_s += seconds
            return False
        if not audio:
            return True
        if self._ran_dry is not None:
            pause = self._began + self._at / self._rate - self._ran_dry
            if DUST_S < pause <= UNDERRUN_S:
                self.underruns.append(pause)
            self._ran_dry = None
        self._queue.append(audio)
        self._queued += len(audio)
        self.lead_s_max = max(self.lead_s_max, self.pending_s)
        return True

    def mark(self, name: str) -> None:
        """Tell `name` once all that is queued now was played."""
        self._marks.append((self._queued, name))

    def reached(self) -> list[str]:
        """The marks before which nothing waits any more, each once, in order."""
        found = []
        while self._marks and self._marks[0][0] <= 0:
            found.append(self._marks.popleft()[1])
        return found

    def clear(self) -> tuple[float, list[str]]:
        """Throw away what was not played: the seconds of it, and the marks that were not reached."""
        dropped, marks = self.pending_s, [name for _, name in self._marks]
        self._queue.clear()
        self._marks.clear()
        self._queued = 0
        self._ran_dry = None
        return dropped, marks

    def _take(self, count: int) -> bytes:
        if not count:
            return b""
        pieces, missing = [], count
        while missing:
            piece = self._queue.popleft()
            if len(piece) > missing:
                self._queue.appendleft(piece[missing:])
                piece = piece[:missing]
            pieces.append(piece)
            missing -= len(piece)
        self._queued -= count
        self._marks = deque((before - count, name) for before, name in self._marks)
        return b"".join(pieces)
