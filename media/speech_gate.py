"""How loud speech must be to count: the loudness of frames, and the gate above noise and echo.

Loudness here is that of the louder of two bands, 200–2000 Hz (voice) and 2000–3600 Hz (consonants), in dB below
full scale: hum, hiss and wind lose 5 to 15 dB there against speech. The filters that make 8 and 16 kHz for the
classifiers live here too.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bands", "Floats", "Gate"]

Floats = NDArray[np.float32]

FRAME = 480
"""Samples of one 20 ms frame at 24 kHz."""
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
_VOICE = (_lowpass(2000.0, 8000.0, 65) - _lowpass(200.0, 8000.0, 65)).astype(np.float32)
_CONSONANTS = (_lowpass(3600.0, 8000.0, 65) - _lowpass(2000.0, 8000.0, 65)).astype(np.float32)


class Bands:
    """One 24 kHz frame after another, filtered: at 8 kHz, at 16 kHz and as a loudness. Keeps its filters' state,
    so frames join without a seam; delays by less than 5 ms."""

    def __init__(self) -> None:
        self._past24: Floats = np.zeros(_TO_8K.size - 1, np.float32)
        self._past48: Floats = np.zeros(_HALVES.size // 2, np.float32)
        self._past8: Floats = np.zeros(_VOICE.size - 1, np.float32)

    def narrow(self, frame: Floats) -> Floats:
        """480 samples at 24 kHz → 160 at 8 kHz, on the same scale (−1 to 1)."""
        line = np.concatenate((self._past24, frame))
        self._past24 = line[FRAME:]
        return np.convolve(line, _TO_8K, "valid")[::3]

    def wide(self, frame: Floats) -> Floats:
        """480 samples at 24 kHz → 320 at 16 kHz: twice as many samples, low-passed, then every third."""
        line = np.concatenate((self._past48, frame))
        self._past48 = line[FRAME:]
        doubled = np.zeros(line.size * 2, np.float32)
        doubled[::2] = line
        return np.convolve(doubled, _HALVES, "valid")[: 2 * FRAME : 3]

    def loudness(self, narrow: Floats) -> float:
        """Of one `narrow` frame, in dB below full scale."""
        line = np.concatenate((self._past8, narrow))
        self._past8 = line[narrow.size :]
        voice, consonants = np.convolve(line, _VOICE, "valid"), np.convolve(line, _CONSONANTS, "valid")
        power = max(float(np.dot(voice, voice)), float(np.dot(consonants, consonants))) / narrow.size
        return 10.0 * math.log10(power) if power > 1e-10 else SILENT


class Gate:
    """Follows the room, the echo and the speaker, and says from which loudness a frame may be speech."""

    def __init__(self) -> None:
        self._room: deque[float] = deque(maxlen=ROOM_FRAMES)
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
            self._room.append(loudness)
            ranked = sorted(self._room)
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
