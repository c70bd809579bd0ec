"""The input audio buffer of a session: what the caller has said since the last commit, and where speech lies in it.

Positions are milliseconds over all audio appended in the session, as the protocol counts them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gateway.realtime.session import TurnDetection
from media.audio import PCM24
from media.vad import Quiet, Resumed, SpeechStarted, SpeechStopped, Verdict

__all__ = ["Cue", "Detector", "DetectorMaker", "InputBuffer", "Lull", "Onset", "Stop", "WentOn"]

MANUAL_MS = 300_000
"""Push-to-talk: what is appended beyond this is refused until the client commits or clears."""

UTTERANCE_MS = 60_000
"""With turn detection: of a longer utterance the oldest audio is dropped, the last words matter most."""

IDLE_MS = 1_000
"""With turn detection, while nobody speaks: kept besides the padding, since an onset is told a little late."""


class Detector(Protocol):
    """`media.vad.SpeechDetector`."""

    threshold: float
    silence_ms: int

    def feed(self, pcm: bytes) -> tuple[Verdict, ...]: ...

    def close(self) -> None: ...


class DetectorMaker(Protocol):
    def __call__(self, threshold: float, silence_ms: int) -> Detector: ...


@dataclass(frozen=True, slots=True)
class Onset:
    """Speech began; `start_ms` is already moved back by the padding."""

    start_ms: int


@dataclass(frozen=True, slots=True)
class Lull:
    """A short quiet: the utterance may be over. `pcm` is all of it so far."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class WentOn:
    """It was not."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The quiet has lasted: the utterance is over, its trailing silence included."""

    end_ms: int


Cue = Onset | Lull | WentOn | Stop


class InputBuffer:
    """Append audio frame by frame; take what was collected."""

    def __init__(self, detector: DetectorMaker) -> None:
        self._make = detector
        self._turns: TurnDetection | None = None
        self._detector: Detector | None = None
        self._detector_base_ms = 0
        self._pcm = bytearray()
        self._start = 0
        """Position of the buffer's first byte, in bytes since the session began."""
        self._frame = bytearray()
        self._speaking = False

    @property
    def total_ms(self) -> int:
        """Everything appended so far."""
        return PCM24.to_ms(self._start + len(self._pcm))

    @property
    def held_ms(self) -> int:
        return PCM24.to_ms(len(self._pcm))

    @property
    def speaking(self) -> bool:
        """Between an onset and its stop."""
        return self._speaking

    def configure(self, turns: TurnDetection | None) -> None:
        """Turn detection as the session now has it. Numbers change in the midst of speech; on or off starts afresh."""
        before, self._turns = self._turns, turns
        if (before is None) != (turns is None):
            self._restart()
        elif self._detector is not None and turns is not None:
            self._detector.threshold, self._detector.silence_ms = turns.threshold, turns.silence_duration_ms

    def close(self) -> None:
        """Give the detector back."""
        if self._detector is not None:
            self._detector.close()
            self._detector = None

    def full(self, size: int) -> bool:
        """Whether `size` more bytes are too many without turn detection."""
        return self._turns is None and len(self._pcm) + size > PCM24.to_bytes(MANUAL_MS)

    def append(self, pcm: bytes) -> Iterator[Cue]:
        """Any number of bytes, PCM16 24 kHz. A cue is told at its frame: what its reader does to the buffer then
        (take, clear, configure) holds before the next frame is looked at."""
        self._frame += pcm
        size = PCM24.frame_bytes
        while self._detector is not None and len(self._frame) >= size:
            frame = bytes(self._frame[:size])
            del self._frame[:size]
            self._pcm += frame
            for verdict in self._detector.feed(frame):
                yield from self._cue(verdict)
            self._forget()
        if self._detector is None:
            self._flush()

    def take(self) -> bytes:
        """What is buffered, whole samples; the buffer is empty afterwards and detection goes on."""
        pcm = bytes(self._pcm[: len(self._pcm) // 2 * 2])
        self._drop(len(self._pcm))
        if self._speaking:
            self._restart()
        return pcm

    def clear(self) -> None:
        self._drop(len(self._pcm))
        self._restart()

    def _restart(self) -> None:
        self._speaking = False
        self.close()
        if self._turns is None:
            self._flush()
            return
        self._detector_base_ms = self.total_ms
        self._detector = self._make(self._turns.threshold, self._turns.silence_duration_ms)

    def _cue(self, verdict: Verdict) -> Iterator[Cue]:
        padding_ms = 0 if self._turns is None else self._turns.prefix_padding_ms
        match verdict:
            case SpeechStarted(at_ms=at_ms):
                self._speaking = True
                first_ms = PCM24.to_ms(self._start)
                start_ms = max(first_ms, self._detector_base_ms + at_ms - padding_ms)
                self._drop(PCM24.to_bytes(start_ms - first_ms))
                yield Onset(start_ms)
            case Quiet():
                yield Lull(bytes(self._pcm))
            case Resumed():
                yield WentOn()
            case SpeechStopped():
                self._speaking = False
                yield Stop(self.total_ms)

    def _forget(self) -> None:
        if self._turns is None:
            return
        kept_ms = UTTERANCE_MS if self._speaking else IDLE_MS + self._turns.prefix_padding_ms
        self._drop(len(self._pcm) - PCM24.to_bytes(kept_ms))

    def _flush(self) -> None:
        self._pcm += self._frame
        self._frame.clear()

    def _drop(self, size: int) -> None:
        if size > 0:
            del self._pcm[:size]
            self._start += size
