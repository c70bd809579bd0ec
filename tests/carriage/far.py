"""A carrier's end of the wire, on a clock that moves when told: it plays what it gets, one piece after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from gateway.carriage.pacer import Out, Pacer
from gateway.wire import Codec, Encoding

__all__ = ["LINEAR", "Far", "Source", "numbered"]

LINEAR = Encoding(Codec.L16, 24000)
"""Our own audio: what comes out is what went in, sample by sample."""


def numbered(frame: int) -> bytes:
    """20 ms that tell which frame they are."""
    return np.full(480, frame + 1, "<i2").tobytes()


@dataclass
class Source:
    """The agent: gives the frames that it has, in order, and takes back those that were not heard."""

    queued: deque[int] = field(default_factory=deque)
    pulled: list[int] = field(default_factory=list)

    def pull(self) -> bytes | None:
        if not self.queued:
            return None
        self.pulled.append(self.queued.popleft())
        return numbered(self.pulled[-1])

    @property
    def pulled_ms(self) -> int:
        return 20 * len(self.pulled)


@dataclass
class Far:
    """`way_s` each way, and `slow_s` by which its playing begins late."""

    pacer: Pacer
    way_s: float = 0.0
    slow_s: float = 0.0
    echoes: bool = True
    bytes_per_ms: int = 48
    now: float = 1000.0
    ends: float = 0.0
    pieces: deque[tuple[float, bytes]] = field(default_factory=deque)
    """When each begins to be heard, and what it is."""
    marks: deque[tuple[float, str]] = field(default_factory=deque)
    """When each comes back to us."""
    gaps: list[float] = field(default_factory=list)
    ahead_s: float = 0.0
    received: list[Out] = field(default_factory=list)
    playing: bool = False

    def take(self, out: Iterable[Out]) -> None:
        arrives = self.now + self.way_s
        for one in out:
            self.received.append(one)
            if isinstance(one, str):
                if self.echoes:
                    self.marks.append((max(self.ends, arrives) + self.way_s, one))
                continue
            begins = max(arrives + (0 if self.playing else self.slow_s), self.ends)
            if self.playing and begins > self.ends + 1e-9:
                self.gaps.append(begins - self.ends)
                begins = max(begins, arrives + self.slow_s)
            self.pieces.append((begins, one))
            self.ends = begins + len(one) / self.bytes_per_ms / 1000
            self.playing = True
            self.ahead_s = max(self.ahead_s, self.ends - arrives - self.slow_s)

    def clear(self) -> None:
        """What was not heard when the word arrives is dropped; marks in it come back at once."""
        at = self.now + self.way_s
        kept: deque[tuple[float, bytes]] = deque()
        for begins, piece in self.pieces:
            count = int((at - begins) * 1000 + 1e-6) * self.bytes_per_ms
            if count > 0:
                kept.append((begins, piece[:count]))
        self.pieces = kept
        self.marks = deque((min(comes, at + self.way_s), name) for comes, name in self.marks)
        self.ends = min(self.ends, at)
        self.playing = False

    def heard_ms(self) -> float:
        """Milliseconds that sounded at the ear by now, silence that was sent not counted."""
        heard = 0.0
        for begins, piece in self.pieces:
            samples = np.frombuffer(piece, "<i2")
            upto = samples[: max(0, int((self.now - begins) * 24000 + 1e-3))]
            heard += np.count_nonzero(upto) / 24
        return heard

    def step(self, seconds: float, pull: Callable[[], bytes | None], *, rests: bool = False) -> None:
        """Time passes; marks come back, and the pacer has its beat. `rests`: which is left out where it may be."""
        self.now += seconds
        while self.marks and self.marks[0][0] <= self.now:
            comes, name = self.marks.popleft()
            self.pacer.played(name, max(comes, self.now - seconds))
        if not (rests and self.pacer.rests(self.now)):
            self.take(self.pacer.pump(pull, self.now))
