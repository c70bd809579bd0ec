"""The carrier's side of what the agent says: its buffer, played in real time, with marks in it. Sans-IO.

Playing is deterministic, so every piece of sound gets its time as it arrives: at once, or after what is queued before
it. Times are seconds of any clock that never goes back.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["UNDERRUN_S", "Gap", "Piece", "Playback"]

UNDERRUN_S = 0.25
"""A pause in the sound that is no longer than this was not meant: the buffer ran dry while the agent spoke."""

DUST_S = 1e-6
"""Less than this between two pieces is the arithmetic's, not the sender's."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Piece:
    """Sound with the time at which the caller begins to hear it."""

    at: float
    audio: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """A pause between two pieces that no `clear` explains."""

    at: float
    seconds: float


class Playback(Generic[T]):
    """A queue of sound and marks; `T` is what the carrier keeps of a mark."""

    def __init__(self, bytes_per_s: int) -> None:
        self.bytes_per_s = bytes_per_s
        self.lead_s_max = 0.0
        """The most that was ever queued ahead of the clock."""
        self.cleared_s = 0.0
        """Queued sound that `clear` threw away, all together."""
        self.gaps: list[Gap] = []
        self.arrived_bytes = 0
        self._pieces: deque[Piece] = deque()
        self._marks: deque[tuple[float, T]] = deque()
        self._end = 0.0
        self._runs_on = False
        self._held: tuple[float, list[Piece], list[tuple[float, T]]] | None = None

    @property
    def underruns(self) -> int:
        """How often the buffer ran dry while the agent spoke."""
        return sum(gap.seconds <= UNDERRUN_S for gap in self.gaps)

    @property
    def due(self) -> float | None:
        """When the next mark is reached; None when none waits."""
        return self._marks[0][0] if self._marks and self._held is None else None

    @property
    def held(self) -> bool:
        """True between `hold` and `go_on`."""
        return self._held is not None

    @property
    def end(self) -> float:
        """When all that is queued will have been played, if nothing is held."""
        return self._end

    @property
    def outstanding(self) -> tuple[T, ...]:
        """Marks not reached yet, oldest first."""
        held = () if self._held is None else self._held[2]
        return tuple(mark for _, mark in (*self._marks, *held))

    def pending_s(self, now: float) -> float:
        """Sound that waits to be played."""
        if self._held is not None:
            return sum(len(piece.audio) for piece in self._held[1]) / self.bytes_per_s
        return max(0.0, self._end - now)

    def play(self, audio: bytes, now: float) -> None:
        """Queue sound behind what is there."""
        self.arrived_bytes += len(audio)
        if not audio:
            return
        if self._held is not None:
            self._held[1].append(Piece(now, audio))
            self.lead_s_max = max(self.lead_s_max, self.pending_s(now))
            return
        if self._runs_on and now - self._end > DUST_S:
            self.gaps.append(Gap(self._end, now - self._end))
        start = max(now, self._end) if self._runs_on else now
        self._pieces.append(Piece(start, audio))
        self._end = start + len(audio) / self.bytes_per_s
        self._runs_on = True
        self.lead_s_max = max(self.lead_s_max, self._end - now)

    def mark(self, mark: T, now: float) -> None:
        """Queue a mark behind the sound that is there; it is reached at once when there is none."""
        if self._held is not None:
            self._held[2].append((self.pending_s(now), mark))
        else:
            self._marks.append((max(now, self._end), mark))

    def unmark(self) -> None:
        """Forget all marks that wait."""
        self._marks.clear()
        if self._held is not None:
            self._held[2].clear()

    def reached(self, now: float) -> list[T]:
        """The marks that have been reached since the last time, oldest first."""
        found = []
        while self._held is None and self._marks and self._marks[0][0] <= now:
            found.append(self._marks.popleft()[1])
        return found

    def clear(self, now: float) -> list[T]:
        """Throw away all that is not played yet. Returns the marks that were in it, oldest first."""
        self.cleared_s += self.pending_s(now)
        dropped = list(self.outstanding)
        if self._held is not None:
            self._held = (now, [], [])
        self._cut(now)
        self._marks.clear()
        self._runs_on = False
        return dropped

    def hold(self, now: float) -> None:
        """Stop playing; what is queued waits."""
        if self._held is not None:
            return
        marks = [(max(0.0, at - now), mark) for at, mark in self._marks]
        self._held = (now, self._cut(now), marks)
        self._marks.clear()
        self._runs_on = False

    def go_on(self, now: float) -> None:
        """Play on after `hold`."""
        if self._held is None:
            return
        _, pieces, marks = self._held
        self._held = None
        arrived, lead = self.arrived_bytes, self.lead_s_max
        for piece in pieces:
            self.play(piece.audio, now)
        self.arrived_bytes, self.lead_s_max = arrived, lead
        self._marks.extend((now + after, mark) for after, mark in marks)

    def heard(self, now: float) -> list[Piece]:
        """What was played until now, in order."""
        return [part for piece in self._pieces if (part := self._until(piece, now)).audio]

    def _until(self, piece: Piece, now: float) -> Piece:
        count = len(piece.audio)
        if piece.at + count / self.bytes_per_s <= now:
            return piece
        played = max(0, int((now - piece.at) * self.bytes_per_s))
        return Piece(piece.at, piece.audio[: played - played % 2])

    def _cut(self, now: float) -> list[Piece]:
        """Take what is not played yet out of the queue."""
        rest: deque[Piece] = deque()
        while self._pieces and self._pieces[-1].at + len(self._pieces[-1].audio) / self.bytes_per_s > now:
            piece = self._pieces.pop()
            played = self._until(piece, now)
            if played.audio:
                self._pieces.append(played)
                rest.appendleft(Piece(now, piece.audio[len(played.audio) :]))
                break
            rest.appendleft(piece)
        self._end = min(self._end, now)
        return list(rest)
