"""The beep of an answering machine, and a fax, told from everything else on a telephone line. Sans-IO; time is counted
in audio fed.

A beep is one pure tone, or two at once, of 300 to 2500 Hz and 120 ms to 2 s, at one pitch, with silence after it. Each
20 ms are looked at through a window of 32 ms: nearly all of its power in one or two peaks makes it *tonal*, five such
in a row at one pitch make a tone. A longer look (112 ms) then tells the tones of the network apart:

- ringing, busy and dial tones of all countries lie between 340 and 620 Hz, alone or in pairs (ITU-T E.180, supplement
  2): a lone tone of 390 to 460 Hz and any of the pairs is no beep;
- keys (DTMF, ITU-T Q.23) are known by their pairs;
- three pitches in a row are special information tones (ITU-T E.180: 914 or 985, then 1371 or 1429, then 1777 Hz), or
  a tune;
- half a second of 1100 Hz is what a calling fax says (CNG, ITU-T T.30), and said twice it is one; more than two seconds
  of 2100 Hz are the answer of one.

Measured: tests/media/test_beep.py.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from media.audio import FRAME_MS, AudioFormat
from media.pitch import FRAME, LOOK, WINDOW, Pitch, closer, pitch_of, same
from media.speech_gate import Floats, Front

__all__ = ["BeepEnded", "Beeps", "FaxHeard", "Heard", "ToneEnded", "ToneStarted"]

LOUD = 10 ** (-40 / 20)
"""Quieter than this is silence: a machine's beep is as loud as its speech."""
STEADY, STEADY_LOW, LOW = 0.005, 0.0035, 450.0
"""A beep keeps its pitch to within so much, of a low pitch to within less: there voices are, whose pitch wanders by 1 %
in a tenth of a second (recorded announcers: 0.6 % at the least)."""
FADED, FADES = 0.5, 2
"""It keeps its loudness too, to within 6 dB but for its last frames: plucked strings and bells do not."""
CONFIRM, CONFIRM_LOW = 5, 8
"""Frames that make a tone, and a low one."""
GONE = 2
"""Frames without it that end one."""
CLICK = 5
"""Frames that it may take until it is quiet then."""
DROP = 10 ** (-12 / 20)
"""After a beep it is quieter by 12 dB at least."""

SHORTEST_MS, LONGEST_MS = 100, 2000
"""A tone of 120 ms is pure in the windows of 100 at least."""
TUNE_MS = 700
"""Tones that follow each other so soon belong together."""
PITCHES = 2
"""A beep has so many at most, one after the other."""

RINGING = (390.0, 460.0)
NETWORK = ((350, 440), (350, 450), (400, 450), (413, 438), (440, 480), (480, 620), (350, 425), (425, 450))
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
NEAR, NEAR_HZ = 0.02, 8.0

CNG, CNG_MS = (1062.0, 1138.0), (400, 600)
CNG_PAUSE_MS = (2400, 3800)
ANSWER, ANSWER_MS = (2085.0, 2115.0), 2200


@dataclass(frozen=True, slots=True)
class ToneStarted:
    """A tone that may be a beep sounds since `at_ms`."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class ToneEnded:
    """It was none."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class BeepEnded:
    """It was one, and ended at `at_ms`."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class FaxHeard:
    """A fax machine is on the line."""

    at_ms: int


Heard = ToneStarted | ToneEnded | BeepEnded | FaxHeard


@dataclass(slots=True)
class _Tone:
    """One pitch, as long as it lasts."""

    pitch: Pitch
    begin: int
    """The first frame of it."""
    end: int
    """The frame after the last."""
    frames: int
    level: float
    lowest: Pitch
    highest: Pitch
    faded: int = 0
    """Frames that were much quieter than the loudest."""
    kept: bool = True
    """It may be a beep."""

    @property
    def ms(self) -> int:
        return (self.end - self.begin) * FRAME_MS

    @property
    def confirmed(self) -> bool:
        return self.frames >= (CONFIRM_LOW if self.pitch[0] < LOW else CONFIRM)

    @property
    def steady(self) -> bool:
        return self.faded <= FADES and all(
            high - low <= (STEADY_LOW if low < LOW else STEADY) * low
            for low, high in zip(self.lowest, self.highest, strict=True)
        )

    def goes_on(self, pitch: Pitch, level: float, after: int) -> None:
        self.frames += 1
        self.end = after
        self.level = max(self.level, level)
        self.faded += level < self.level * FADED
        self.lowest = tuple(map(min, self.lowest, pitch))
        self.highest = tuple(map(max, self.highest, pitch))


class Beeps:
    """One stream. Feed it the far side's audio, 20 ms at a time, as long as the answer matters."""

    def __init__(self, form: AudioFormat) -> None:
        """PCM16 at 24 kHz or G.711. Raises ValueError for anything else."""
        self.form = form
        self._front = Front(form)
        self._line: Floats = np.zeros(LOOK, np.float32)
        self._fed = 0
        self._tone: _Tone | None = None
        self._row: deque[tuple[Pitch, int, int]] = deque(maxlen=8)
        """Tones that ended: pitch, first frame, frame after the last."""
        self._sounding = False
        """`ToneStarted` was told, and nothing since."""
        self._cng: int | None = None
        self._answer = 0
        """Frames of a fax's answer, of late."""

    @property
    def fed_ms(self) -> int:
        return self._fed * FRAME_MS

    def feed(self, frame: bytes) -> tuple[Heard, ...]:
        """The next 20 ms. Raises ValueError for anything longer or shorter."""
        if len(frame) != self.form.frame_bytes:
            raise ValueError(f"a frame of {len(frame)} bytes; 20 ms are {self.form.frame_bytes}")
        line = self._line
        line[:-FRAME] = line[FRAME:]
        line[-FRAME:] = latest = self._front.take(frame)
        self._fed += 1
        level = math.sqrt(float(np.dot(latest, latest)) / FRAME)
        if level < LOUD:
            return self._without(level) if self._tone is not None or self._answer else ()
        pitch = pitch_of(line[-WINDOW:])
        if not pitch:
            return self._without(level)
        return self._within(pitch, level)

    # ── a tone ────────────────────────────────────────────────────────────────────────────────────────────

    def _within(self, pitch: Pitch, level: float) -> tuple[Heard, ...]:
        tone = self._tone
        if tone is not None and not same(pitch, tone.pitch):
            if tone.confirmed:
                self._row.append((tone.pitch, tone.begin, tone.end))
            tone = None
        before = tone is not None and tone.confirmed
        if tone is None:
            self._tone = tone = _Tone(pitch, self._fed - 1, self._fed, 1, level, pitch, pitch)
        else:
            tone.goes_on(pitch, level, self._fed)
        if len(pitch) == 1 and ANSWER[0] <= pitch[0] <= ANSWER[1]:
            self._answer += 1
            if self._answer * FRAME_MS == ANSWER_MS:
                return (*self._none(), FaxHeard(self.fed_ms))
        if not tone.confirmed or not tone.kept:
            return ()
        if not before:
            tone.kept = _may_be(closer(self._line, tone.pitch)) and len(self._pitches()) <= PITCHES
        tone.kept = tone.kept and tone.steady and tone.ms <= LONGEST_MS
        if not tone.kept:
            return self._none()
        if not before and not self._sounding:
            self._sounding = True
            return (ToneStarted(tone.begin * FRAME_MS),)
        return ()

    def _without(self, level: float) -> tuple[Heard, ...]:
        """This frame is not tonal: a beep ends with silence, perhaps after a click."""
        tone = self._tone
        self._answer = max(0, self._answer - 1) if level < LOUD else self._answer
        if tone is None:
            return ()
        gone, quiet = self._fed - tone.end, level <= tone.level * DROP
        if gone < GONE or (gone < CLICK and not quiet):
            return ()
        self._tone = None
        if tone.confirmed:
            self._row.append((tone.pitch, tone.begin, tone.end))
        if tone.confirmed and self._fax(tone):
            return (*self._none(), FaxHeard(self.fed_ms))
        if not (quiet and self._was_beep(tone)):
            return self._none()
        self._sounding = False
        return (BeepEnded(tone.end * FRAME_MS),)

    def _none(self) -> tuple[Heard, ...]:
        """What sounds is no beep."""
        sounding, self._sounding = self._sounding, False
        return (ToneEnded(self.fed_ms),) if sounding else ()

    def _was_beep(self, tone: _Tone) -> bool:
        lasted = tone.confirmed and tone.kept and SHORTEST_MS <= tone.ms <= LONGEST_MS
        cng = _is_cng(tone.pitch) and CNG_MS[0] <= tone.ms <= CNG_MS[1]
        return lasted and not cng and len(self._pitches()) <= PITCHES

    def _pitches(self) -> list[Pitch]:
        """The different pitches of the tones that belong together with the latest."""
        found: list[Pitch] = []
        begin = self._fed
        tones = [*self._row]
        if self._tone is not None:
            tones.append((self._tone.pitch, self._tone.begin, self._tone.end))
        for pitch, first, after in reversed(tones):
            if (begin - after) * FRAME_MS > TUNE_MS:
                break
            begin = first
            if not any(same(pitch, other) for other in found):
                found.append(pitch)
        return found

    def _fax(self, tone: _Tone) -> bool:
        """Whether a calling fax said its half second for the second time."""
        if not (_is_cng(tone.pitch) and CNG_MS[0] <= tone.ms <= CNG_MS[1]):
            return False
        before, self._cng = self._cng, tone.end
        return before is not None and CNG_PAUSE_MS[0] <= (tone.begin - before) * FRAME_MS <= CNG_PAUSE_MS[1]


def _may_be(pitch: Pitch) -> bool:
    """Whether a beep has this pitch: no tone of the network, no key."""
    if len(pitch) == 1:
        return not RINGING[0] <= pitch[0] <= RINGING[1]
    low, high = pitch
    if any(_near(low, one) and _near(high, other) for one, other in NETWORK):
        return False
    return not (any(_near(low, row) for row in ROWS) and any(_near(high, column) for column in COLUMNS))


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= max(NEAR * other, NEAR_HZ)


def _is_cng(pitch: Pitch) -> bool:
    return len(pitch) == 1 and CNG[0] <= pitch[0] <= CNG[1]
