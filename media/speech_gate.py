"""How loud speech must be to count: the loudness of frames, and the gate above noise and echo.

Loudness here is that of the louder of two bands, 200–2000 Hz (voice) and 2000–3600 Hz (consonants), in dB below
full scale: hum, hiss and wind lose 5 to 15 dB there against speech. The filter that makes 8 kHz of 24 kHz lives here
too; a telephone has them.
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

__all__ = ["LOWEST_OFF", "Bands", "Floats", "Front", "Gate", "lowpass"]

Floats = NDArray[np.float32]

NARROW = 160
"""Samples of one 20 ms frame at 8 kHz."""
FLOAT = np.dtype(np.float32).itemsize
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
UNFILTERED = 10 ** (-66 / 10)
"""Power of a frame 14 dB below the lowest gate."""
BELOW_PEAK = 30.0
"""Speech that trails off further than this below its loudest frame is over."""
ECHO_COUPLING = -20.0
"""How much of what we play comes back at worst, where the browser cancels echo."""
ABOVE_ECHO = 4.0
FAR_FRAMES = 15
"""300 ms: the longest way from our speaker clock to the microphone and back."""


def lowpass(cut: float, rate: float, taps: int) -> Floats:
    """A filter's kernel; symmetric."""
    at = np.arange(taps) - (taps - 1) / 2
    kernel = 2 * cut / rate * np.sinc(2 * cut / rate * at) * np.hamming(taps)
    normal: Floats = (kernel / kernel.sum()).astype(np.float32)
    return normal


TO_8K = lowpass(3600.0, 24_000.0, 45) * np.float32(1 / 32768)
"""From 16 bits to between −1 and 1 as well. Like every kernel here it is symmetric: it needs no turning round."""
VOICE = (lowpass(2000.0, 8000.0, 65) - lowpass(200.0, 8000.0, 65)).astype(np.float32)
CONSONANTS = (lowpass(3600.0, 8000.0, 65) - lowpass(2000.0, 8000.0, 65)).astype(np.float32)


class Front:
    """One frame after another of a format, as samples at 8 kHz between −1 and 1. Frames join without a seam."""

    def __init__(self, form: AudioFormat) -> None:
        """PCM16 at 24 kHz or G.711. Raises ValueError for anything else."""
        self.judge(form)
        self._law = form.law
        self._line: Floats = np.zeros(TO_8K.size - 1 + 3 * NARROW, np.float32)
        self._windows: Floats = as_strided(self._line, (NARROW, TO_8K.size), (3 * FLOAT, FLOAT))

    @staticmethod
    def judge(form: AudioFormat) -> None:
        """Raises ValueError as the constructor does."""
        if form != PCM24 and form.law is None:
            raise ValueError(f"voices are detected at 24 kHz or in G.711, not at {form.rate} Hz")

    def take(self, frame: bytes) -> Floats:
        """160 samples: of 24 kHz every third, low-passed."""
        if self._law is not None:
            return g711.linear(frame, self._law)
        line, past = self._line, TO_8K.size - 1
        line[:past] = line[-past:]
        line[past:] = np.frombuffer(frame, "<i2")
        return self._windows @ TO_8K


class Bands:
    """The loudness of one 8 kHz frame after another. Keeps its filters' state; delays by less than 5 ms."""

    def __init__(self) -> None:
        self._line: Floats = np.zeros(VOICE.size - 1 + NARROW, np.float32)

    def loudness(self, narrow: Floats) -> float:
        """In dB below full scale. What is so quiet that no gate opens for it is taken as it is, unfiltered."""
        line, past = self._line, VOICE.size - 1
        line[:past] = line[-past:]
        line[past:] = narrow
        power = float(np.dot(narrow, narrow)) / NARROW
        if power > UNFILTERED:
            voice, consonants = np.correlate(line, VOICE), np.correlate(line, CONSONANTS)
            power = float(max(np.dot(voice, voice), np.dot(consonants, consonants))) / NARROW
        return 10.0 * math.log10(power) if power > 1e-10 else SILENT


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
