"""What a caller says and hears, frame by frame: PCM at 24 kHz, 20 ms at a time. Times are of any clock, in seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from gateway.load.conversation import Turn
from media.audio import PCM24
from media.framer import Framer
from media.level import dbfs

__all__ = ["Utterance", "Voicing", "utterance"]

FRAME = PCM24.to_bytes(20)
SILENCE = bytes(FRAME)
LOUD_DBFS = -45.0
"""What is quieter is not speech."""

Utterance = tuple[bytes, ...]
"""Frames, the first and the last of which are voiced."""


def utterance(pcm: bytes) -> Utterance:
    """PCM16 at 24 kHz, cut to where somebody speaks; nothing where nobody does."""
    framer = Framer(FRAME)
    frames = framer.push(pcm)
    if rest := framer.flush():
        frames.append(rest.ljust(FRAME, b"\0"))
    loud = [at for at, frame in enumerate(frames) if dbfs(frame) > LOUD_DBFS]
    return tuple(frames[loud[0] : loud[-1] + 1]) if loud else ()


class Voicing:
    """The caller's mouth and ears."""

    turns: tuple[Turn, ...] = ()
    """It takes none by itself (`gateway.load.call.Talk`)."""

    def __init__(self) -> None:
        self._saying: deque[bytes] = deque()
        self._ended: float | None = None
        """The last word of what was said last."""
        self.last_loud = float("-inf")
        """Of the agent."""
        self._answered: float | None = None

    def say(self, frames: Iterable[bytes]) -> None:
        self._saying.extend(frames)
        self._ended = self._answered = None

    @property
    def speaking(self) -> bool:
        return bool(self._saying)

    def pcm(self, now: float) -> bytes:
        """The frame that leaves now."""
        if not self._saying:
            return SILENCE
        frame = self._saying.popleft()
        if not self._saying:
            self._ended = now + 0.02
        return frame

    def hear(self, pcm: bytes, at: float, rate: int) -> bool:
        """`pcm` is audible from `at`. True when somebody speaks in it."""
        if dbfs(pcm) <= LOUD_DBFS:
            return False
        self.last_loud = at + len(pcm) / 2 / rate
        if self._ended is not None and self._answered is None and at >= self._ended:
            self._answered = at
        return True

    @property
    def answered(self) -> bool:
        """The agent was heard since the last word."""
        return self._answered is not None

    @property
    def wait_ms(self) -> float | None:
        """From the last word to the first sound of the answer."""
        if self._ended is None or self._answered is None:
            return None
        return (self._answered - self._ended) * 1000
