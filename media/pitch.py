"""What one or two pure tones a piece of a telephone line consists of, if of nothing else. Pure.

Read off a spectrum: nearly all of the power is in one or two peaks. A window of 32 ms tells quickly, a longer look of
112 ms tells two tones apart that lie close together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from media.audio import FRAME_MS
from media.speech_gate import Floats

__all__ = ["FRAME", "LOOK", "RATE", "WINDOW", "Pitch", "closer", "pitch_of", "same"]

RATE = 8000
FRAME = RATE * FRAME_MS // 1000

WINDOW = 256
"""32 ms: a peak is 62 Hz wide on either side."""
FFT = 512
LOBE = 5
"""Bins on either side of a peak that are the peak's."""
LOOK = 5 * FRAME + WINDOW - FRAME
"""The longer look: peaks 18 Hz wide, so that 440 and 480 Hz are two."""
LOOK_FFT = 2048
LOOK_LOBE = 6

PURE = 0.93
"""So much of a window's power is in the peaks of a tone. Speech has its harmonics, music other notes."""
SECOND = 0.06
"""Of two tones the weaker has at least so much of it: 12 dB less."""
DRIFT, DRIFT_HZ = 0.012, 8.0
"""What is further off is another tone."""
LOWEST, HIGHEST = 300.0, 2500.0

_SHAPE: Floats = np.hanning(WINDOW + 2)[1:-1].astype(np.float32)
_LONG_SHAPE: Floats = np.hanning(LOOK + 2)[1:-1].astype(np.float32)
_FLOOR = 200 * FFT // RATE
"""Hum of the mains lies below this bin."""

Pitch = tuple[float, ...]
"""Of one tone or two, in Hz, the lower first; of none: empty."""


def pitch_of(window: Floats) -> Pitch:
    """The one or two tones that this window consists of; none when there is anything else."""
    spectrum = np.fft.rfft(window * _SHAPE, FFT)
    power = spectrum.real**2 + spectrum.imag**2
    total = float(power[_FLOOR:].sum())
    first, share = _peak(power)
    share /= total
    if share >= PURE:
        return (first,) if LOWEST <= first <= HIGHEST else ()
    if share < PURE / 2:
        return ()
    at = round(first * FFT / RATE)
    power[max(0, at - LOBE) : at + LOBE + 1] = 0
    second, more = _peak(power)
    more /= total
    if share + more < PURE or more < SECOND:
        return ()
    low, high = sorted((first, second))
    return (low, high) if low >= LOWEST and high <= HIGHEST else ()


def _peak(power: npt.NDArray[np.floating]) -> tuple[float, float]:
    """Frequency and power of the strongest peak."""
    at = int(power[_FLOOR:-1].argmax()) + _FLOOR
    share = float(power[max(0, at - LOBE) : at + LOBE + 1].sum())
    return _between(power, at) * RATE / FFT, share


def _between(power: npt.NDArray[np.floating], at: int) -> float:
    """The top of the parabola through a peak and its neighbours."""
    left, mid, right = np.log(power[at - 1 : at + 2] + 1e-20)
    bend = float(left - 2 * mid + right)
    return at + (0.5 * float(left - right) / bend if bend < 0 else 0.0)


def closer(line: Floats, pitch: Pitch) -> Pitch:
    """The same tones through the longer look: what seemed one may be two."""
    if len(pitch) > 1:
        return pitch
    spectrum = np.fft.rfft(line * _LONG_SHAPE, LOOK_FFT)
    power = spectrum.real**2 + spectrum.imag**2
    at = int(power.argmax())
    first = _between(power, at) * RATE / LOOK_FFT
    top = float(power[at])
    power[max(0, at - LOOK_LOBE) : at + LOOK_LOBE + 1] = 0
    at = int(power.argmax())
    if float(power[at]) < SECOND * top or not 0 < at < len(power) - 1:
        return (first,)
    return tuple(sorted((first, _between(power, at) * RATE / LOOK_FFT)))


def same(one: Pitch, other: Pitch) -> bool:
    return len(one) == len(other) and all(
        abs(a - b) <= max(DRIFT * b, DRIFT_HZ) for a, b in zip(one, other, strict=True)
    )
