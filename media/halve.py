"""48 kHz stereo → 24 kHz mono, frame by frame: what comes out of an Opus decoder into what everything here speaks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Halver"]

HALF = 23
"""Taps on either side of the middle one: 0.5 ms of delay; flat to 9.5 kHz, 60 dB down from 14.5 kHz."""


def _taps() -> npt.NDArray[np.float32]:
    """A half-band low-pass: a sinc at a quarter of the rate under a Kaiser window. Every second tap but the
    middle one is zero."""
    k = np.arange(-HALF, HALF + 1)
    taps = 0.5 * np.sinc(k / 2) * np.kaiser(2 * HALF + 1, 6.0)
    return np.asarray(taps / taps.sum(), np.float32)


TAPS = _taps()
SIDE = np.ascontiguousarray(TAPS[0::2])
"""The taps that are not zero, without the middle one."""
MIDDLE = TAPS[HALF]


class Halver:
    """One per stream: the filter remembers. 20 ms in, exactly 20 ms out; about 20 µs.

    Plain numpy on purpose. FFmpeg's resampler is a filter graph with threads of its own, in reference cycles that
    only the garbage collector frees: threads of finished calls would pile up until it comes.
    """

    def __init__(self) -> None:
        self._tail = np.zeros(2 * HALF, np.float32)

    def process(self, stereo: npt.NDArray[np.int16]) -> bytes:
        """Interleaved stereo samples at 48 kHz, an even number of pairs → PCM16 mono at 24 kHz."""
        mono = stereo.reshape(-1, 2).sum(axis=1, dtype=np.float32)
        line = np.concatenate((self._tail, mono))
        self._tail = line[-2 * HALF :]
        even, odd = line[0::2], line[1::2]
        at = (HALF - 1) // 2
        half = np.convolve(even, SIDE, "valid") + MIDDLE * odd[at : at + len(mono) // 2]
        samples = np.asarray(np.clip(np.rint(half * 0.5), -32768, 32767), "<i2")
        return samples.tobytes()
