"""Is what has begun one voice, or many at once? The evidence that opens a turn.

Classifiers of speech take a crowd for a speaker: it is speech. Two things tell it from one voice within a few tenths
of a second, both measured on the recorded callers, 92 more phrases of ten synthetic voices, and babbles of ten voices:

- *Clarity*: how periodic 40 ms are (their normalised autocorrelation at a pitch of 60 to 400 Hz; Boersma 1993).
  Over the loud frames of the first 0.3 s: one voice 0.94 (median; the lowest twentieth 0.58), ten voices 0.46 (the
  highest twentieth 0.64).
- *Dips*: one voice falls silent between syllables, by 35 dB within the first half second (median; the least 8);
  ten voices by 8 dB (the most 12). A hole where packets were late is none (`media.holes`): ten voices with a hole of
  60 ms in them passed for one.

A crowd whose members begin one after the other begins with one voice. It is a quiet one, for it is one of many: a
quiet beginning takes longer evidence.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from media.speech_gate import SILENT, Floats

__all__ = ["OneVoice"]

WINDOW = 320
"""40 ms at 8 kHz."""
SHORTEST, LONGEST = 20, 134
"""The pitch periods looked for, in samples: 400 to 60 Hz."""

CLEAR = 0.87
"""At 0.83 the first words of a crowd whose voices begin one after the other passed for one quiet voice, where frames
happened to begin at the right millisecond."""
NEAR_PEAK = 12.0
"""Frames this far below the loudest are not asked: they are mostly room."""
LOUD, LOUD_FRAMES = -26.0, 4
"""A voice that reached this loudness within 80 ms is loud: a caller near a microphone reaches -25 at the first vowel,
the first voice of a crowd of -20 dB in all reaches -29."""
SOON, SOON_OF = 4, 6
"""So many clear frames of the last so many are enough from a loud voice."""
FIRST, FIRST_OF, FIRST_CLEAR = 3, 8, 0.8
"""Or fewer, and less clear, if they are its first: a crowd is seldom so clear as it begins."""
LATER, LATER_OF = 11, 14
"""Of a quiet one most frames must be clear, for 0.3 s."""
LOOK_BACK = 25
"""Half a second is looked at for dips."""
MOST_DIP, LEAST_DIP = 18.0, 12.0
ABOVE_ROOM = 3.0
"""Where the room is loud a dip goes no further than to so much above it."""

_NOTHING: Floats = np.zeros(LONGEST - 1, np.float32)
SHAPE: Floats = np.hanning(WINDOW + 2)[1:-1].astype(np.float32)


def _periodic(window: Floats) -> Floats:
    """The autocorrelation at each period up to the longest, before it is normalised; the first value is at none."""
    line: Floats = np.correlate(np.concatenate((window, _NOTHING)), window)
    return line


_OWN = _periodic(SHAPE)
FAIR = (_OWN[0] / _OWN[SHORTEST:LONGEST]).astype(np.float32)
"""What the window's own shape takes away from the longer periods."""


class OneVoice:
    """Fed every frame until it is sure; asked once something has begun. `hasty`: the first clear frames of a loud
    voice are enough."""

    def __init__(self, *, hasty: bool) -> None:
        self._hasty = hasty
        self._before: Floats = np.zeros(WINDOW // 2, np.float32)
        self._past: deque[tuple[float, float, bool]] = deque(maxlen=LOOK_BACK)
        self._dip = MOST_DIP

    def feed(self, narrow: Floats, loudness: float, *, sounds: bool, whole: bool = True) -> None:
        """The next 160 samples at 8 kHz. `sounds`: it may belong to a voice; others are not looked into. Not `whole`:
        some of it never came, and silence stands there instead."""
        before, self._before = self._before, narrow
        self._past.append((loudness, _clarity(np.concatenate((before, narrow))) if sounds else 0.0, whole))

    def begin(self, frames: int, room: float) -> None:
        """A sound began `frames` ago in a room this loud."""
        while len(self._past) > max(1, frames):
            self._past.popleft()
        peak = max(loudness for loudness, _, _ in self._past)
        self._dip = min(MOST_DIP, max(LEAST_DIP, peak - room - ABOVE_ROOM))

    def heard(self) -> bool:
        """Whether what has begun shows to be one voice."""
        return self._voiced() or self._dipped()

    def _voiced(self) -> bool:
        audible = max(loudness for loudness, _, _ in self._past) - NEAR_PEAK
        past = [clarity if loudness >= audible else 0.0 for loudness, clarity, _ in self._past]
        clear = [clarity >= CLEAR for clarity in past]
        if sum(clear[-LATER_OF:]) >= LATER:
            return True
        if not any(loudness >= LOUD for loudness, _, _ in [*self._past][-LOUD_FRAMES:]):
            return False
        first = sum(clarity >= FIRST_CLEAR for clarity in past) if len(past) <= FIRST_OF else 0
        return sum(clear[-SOON_OF:]) >= SOON or (self._hasty and first >= FIRST)

    def _dipped(self) -> bool:
        """What never came is no pause of a speaker's, nor is a single frame of nothing at all: a lost packet."""
        peak, before = SILENT, SILENT
        for loudness, _, whole in self._past:
            peak = max(peak, loudness)
            if whole and peak - loudness >= self._dip and (loudness > SILENT or before == SILENT):
                return True
            before = loudness
        return False


def _clarity(window: Floats) -> float:
    line = _periodic((window - window.mean()) * SHAPE)
    power = float(line[0])
    return float((line[SHORTEST:LONGEST] * FAIR).max()) / power if power > 1e-9 else 0.0
