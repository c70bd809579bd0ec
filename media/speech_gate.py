"""How loud speech must be to count: the loudness of frames, and the gate above noise and echo.

Loudness here is that of the louder of two bands, 200–2000 Hz (voice) and 2000–3600 Hz (consonants), in dB below
full scale: hum, hiss and wind lose 5 to 15 dB there against speech. The filters that make 8 and 16 kHz for the
classifiers live here too: of 24 kHz, or of a telephone's 8 kHz.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from media import g711
from media.audio import PCM24, AudioFormat

__all__ = ["Bands", "Floats", "Front", "Gate", "Wide"]

Floats = NDArray[np.float32]

NARROW = 160
"""Samples of one 20 ms frame at 8 kHz."""
SILENT = -96.0

ROOM_FRAMES = 75
"""1.5 s: how much of the past tells what the room is like."""
UNKNOWN_ON = -30.0
"""The gate until the room has been heard for that long: a call that begins in a busy office must not begin with
a false start. Speech at a usual level passes it."""
UNHEARD = -95.0
"""Before the first louder frame no packets may have come yet, which says nothing about the room: such frames are
left out for as long as `ROOM_FRAMES`."""
QUIET = -55.0
"""A frame this quiet tells of the room even while we play: whatever of our echo is in it, the room is no louder."""
LEAST_ON, MOST_ON, OFF = 6.0, 12.0, 3.0
"""How far above the room: a steady noise needs little, one that swells and falls (voices) more."""
LOWEST_ON, LOWEST_OFF = -52.0, -56.0
BELOW_PEAK = 30.0
"""Speech that trails off further than this below its loudest frame is over."""
ECHO_COUPLING = -20.0
"""How much of what we play comes back at worst, where the browser cancels echo."""
ABOVE_ECHO = 4.0
FAR_FRAMES = 15
"""300 ms: the longest way from our speaker clock to the microphone and back."""


def _lowpass(cut: float, rate: float, taps: int) -> Floats:
    at = np.arange(taps) - (taps - 1) / 2
    kernel = 2 * cut / rate * np.sinc(2 * cut / rate * at) * np.hamming(taps)
    normal: Floats = (kernel / kernel.sum()).astype(np.float32)
    return normal


_TO_8K = _lowpass(3600.0, 24_000.0, 45)
_HALVES = _lowpass(7200.0, 48_000.0, 61) * np.float32(2.0)
_DOUBLES = _lowpass(3800.0, 16_000.0, 61) * np.float32(2.0)
_VOICE = _lowpass(2000.0, 8000.0, 65) - _lowpass(200.0, 8000.0, 65)
_CONSONANTS = _lowpass(3600.0, 8000.0, 65) - _lowpass(2000.0, 8000.0, 65)
# Convolution turns a kernel round; what follows are products with what is heard, in its order.
_TO_8K = np.ascontiguousarray(_TO_8K[::-1])
_BOTH: Floats = np.ascontiguousarray(np.stack((_VOICE[::-1], _CONSONANTS[::-1]), axis=1).astype(np.float32))
FLOAT = np.dtype(np.float32).itemsize


class _Window:
    """What was heard last, so that a filter's windows join without a seam. One array, moved along."""

    def __init__(self, taps: int, size: int, step: int) -> None:
        self._past, self._size = taps - 1, size
        self._line: Floats = np.zeros(self._past + size, np.float32)
        self._windows: Floats = as_strided(self._line, (size // step, taps), (step * FLOAT, FLOAT))

    def over(self, frame: Floats) -> Floats:
        """The windows that end with each `step`th sample of the frame: one row each, valid until the next call."""
        line = self._line
        line[: self._past] = line[self._size :]
        line[self._past :] = frame
        return self._windows


class Bands:
    """The loudness of one 8 kHz frame after another. Keeps its filters' state; delays by less than 5 ms."""

    def __init__(self) -> None:
        self._window = _Window(len(_BOTH), NARROW, 1)

    def loudness(self, narrow: Floats) -> float:
        """In dB below full scale."""
        both = self._window.over(narrow) @ _BOTH
        both *= both
        power = float(both.sum(axis=0).max()) / NARROW
        return 10.0 * math.log10(power) if power > 1e-10 else SILENT


class Front:
    """One frame after another of a format, as samples at 8 kHz between −1 and 1. Frames join without a seam."""

    def __init__(self, form: AudioFormat) -> None:
        """PCM16 at 24 kHz or G.711. Raises ValueError for anything else."""
        if form != PCM24 and form.law is None:
            raise ValueError(f"voices are detected at 24 kHz or in G.711, not at {form.rate} Hz")
        self._law = form.law
        self._window = _Window(len(_TO_8K), 3 * NARROW, 3)

    def take(self, frame: bytes) -> Floats:
        """160 samples: of 24 kHz every third, low-passed."""
        if self._law is not None:
            return g711.linear(frame, self._law)
        samples = np.frombuffer(frame, "<i2").astype(np.float32)
        samples *= np.float32(1 / 32768)
        return self._window.over(samples) @ _TO_8K


class Wide:
    """The same at 16 kHz: twice as many samples, low-passed, then of 24 kHz every third."""

    def __init__(self, form: AudioFormat) -> None:
        self._law = form.law
        self._kernel, self._every = (_HALVES, 3) if form.law is None else (_DOUBLES, 1)
        self._past: Floats = np.zeros(self._kernel.size // 2, np.float32)

    def take(self, frame: bytes) -> Floats:
        """320 samples."""
        if self._law is not None:
            samples = g711.linear(frame, self._law)
        else:
            samples = np.frombuffer(frame, "<i2").astype(np.float32)
            samples *= np.float32(1 / 32768)
        line = np.concatenate((self._past, samples))
        self._past = line[samples.size :]
        doubled = np.zeros(line.size * 2, np.float32)
        doubled[::2] = line
        return np.convolve(doubled, self._kernel, "valid")[: 2 * samples.size : self._every]


class Gate:
    """Follows the room, the echo and the speaker, and says from which loudness a frame may be speech."""

    def __init__(self) -> None:
        self._room: deque[float] = deque()
        self._ranked: list[float] = []
        """The same, the quietest first."""
        self._unheard = 0
        self._low = self._high = SILENT
        self._far: deque[float] = deque([SILENT] * FAR_FRAMES, maxlen=FAR_FRAMES)
        self._spoken: deque[float] = deque(maxlen=ROOM_FRAMES)
        self._peak = SILENT

    def far(self, dbfs: float) -> None:
        """What is played while the next frame is heard."""
        self._far[-1] = max(self._far[-1], dbfs)

    def room(self, loudness: float) -> None:
        """A frame outside speech. Those with our echo in them tell nothing of the room unless they are quiet,
        and rejected speech, with its gaps, hardly moves what is followed: the second quietest and second loudest
        tenth."""
        echo = max(self._far)
        self._far.append(SILENT)
        if not self._room and loudness <= UNHEARD and self._unheard < ROOM_FRAMES:
            self._unheard += 1
        elif echo == SILENT or loudness <= QUIET:
            ranked = self._ranked
            if len(self._room) == ROOM_FRAMES:
                del ranked[bisect_left(ranked, self._room.popleft())]
            self._room.append(loudness)
            insort(ranked, loudness)
            self._low, self._high = ranked[len(ranked) // 5], ranked[len(ranked) * 4 // 5]

    def spoken(self, loudness: float) -> None:
        """A frame within speech. A room that gets louder meanwhile shows in the gaps between words."""
        self._far.append(SILENT)
        self._spoken.append(loudness)
        self._peak = max(self._peak, loudness)

    def over(self) -> None:
        """The speech has ended."""
        self._spoken.clear()
        self._peak = SILENT

    @property
    def quietest(self) -> float:
        """The room between its sounds."""
        return self._low

    @property
    def on(self) -> float:
        """From here a frame may begin speech."""
        swell = max(LEAST_ON, min(MOST_ON, 4.0 + 2.0 * (self._high - self._low)))
        unknown = UNKNOWN_ON if len(self._room) < ROOM_FRAMES else SILENT
        return max(LOWEST_ON, self._low + swell, unknown, self._echo + ABOVE_ECHO)

    @property
    def off(self) -> float:
        """Down to here a frame may continue it, or belong to its beginning."""
        gaps = min(self._spoken) if len(self._spoken) == ROOM_FRAMES else SILENT
        floor = max(min(self._high, self._low + LEAST_ON), gaps) + OFF
        return max(LOWEST_OFF, floor, self._peak - BELOW_PEAK, self._echo)

    @property
    def _echo(self) -> float:
        return max(self._far) + ECHO_COUPLING
