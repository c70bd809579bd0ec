"""Keys of a telephone as tones: what works with every carrier when nothing else does.

Two sine waves a key (ITU-T Q.23; RFC 4733, section 3.2). The high group is 2 dB stronger, because lines lose more of
it. 100 ms of tone and 100 ms of pause are more than twice what a receiver needs (ITU-T Q.24: 40 ms and 40 ms).
"""

from __future__ import annotations

import math

import numpy as np

from media.audio import PCM24

__all__ = ["DIGITS", "FREQUENCIES", "tones"]

LOW = (697, 770, 852, 941)
HIGH = (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")
FREQUENCIES: dict[str, tuple[int, int]] = {
    key: (low, high)
    for low, row in zip(LOW, KEYS, strict=True)
    for high, key in zip(HIGH, row, strict=True)
}
"""Hertz of each key: the low group's, the high group's."""
DIGITS = frozenset(FREQUENCIES)

TONE_MS = 100
PAUSE_MS = 100
LOW_DBM0 = -8.0
HIGH_DBM0 = -6.0
FULL_SCALE_DBM0 = 3.17
"""A sine wave that just fills µ-law (ITU-T G.711)."""
FULL_SCALE = 32124.0
RAMP_MS = 2
"""Over which a tone rises and falls: an edge would click into the other keys' bands."""


def _amplitude(dbm0: float) -> float:
    return FULL_SCALE * math.pow(10.0, (dbm0 - FULL_SCALE_DBM0) / 20)


def tones(digits: str) -> bytes:
    """PCM16, 24 kHz: 200 ms a key. Raises ValueError for what is on no telephone."""
    if not digits or (unknown := sorted(set(digits) - DIGITS)):
        raise ValueError(f"no keys of a telephone: {''.join(unknown)!r}" if digits else "no keys at all")
    return b"".join(map(_tone, digits))


def _tone(digit: str) -> bytes:
    low, high = FREQUENCIES[digit]
    at = np.arange(PCM24.rate * TONE_MS // 1000) / PCM24.rate
    wave = _amplitude(LOW_DBM0) * np.sin(2 * np.pi * low * at)
    wave += _amplitude(HIGH_DBM0) * np.sin(2 * np.pi * high * at)
    edge = np.minimum(1.0, np.minimum(at, at[::-1]) * 1000 / RAMP_MS)
    return bytes(np.rint(wave * edge).astype("<i2").tobytes()) + bytes(PCM24.to_bytes(PAUSE_MS))
