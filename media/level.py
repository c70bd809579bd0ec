"""How loud a piece of audio is."""

from __future__ import annotations

import math

import numpy as np

from media.audio import PCM24, AudioFormat
from media.g711 import FLOATS

__all__ = ["FLOOR_DBFS", "dbfs", "rms"]

FLOOR_DBFS = -96.0
"""The level of silence: one step of 16 bits is -90.3 dBFS, so nothing audible lies below."""


def rms(audio: bytes, form: AudioFormat = PCM24) -> float:
    """Root mean square of the samples as 16 bits, 0 to 32768; 0 for no samples."""
    if not audio:
        return 0.0
    if form.law is not None:
        samples = FLOATS[form.law].take(np.frombuffer(audio, np.uint8))
        return 32768 * math.sqrt(float(np.dot(samples, samples)) / len(audio))
    samples = np.frombuffer(audio, dtype="<i2").astype(np.float32)
    return math.sqrt(float(np.dot(samples, samples)) / samples.size)


def dbfs(audio: bytes, form: AudioFormat = PCM24) -> float:
    """Level in dB relative to full scale (a full-scale square wave is 0), never below `FLOOR_DBFS`."""
    level = rms(audio, form)
    return max(FLOOR_DBFS, 20 * math.log10(level / 32768)) if level else FLOOR_DBFS
