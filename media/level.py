"""How loud a piece of PCM is."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["FLOOR_DBFS", "dbfs", "rms"]

FLOOR_DBFS = -96.0
"""The level of silence: one step of 16 bits is -90.3 dBFS, so nothing audible lies below."""


def rms(pcm: bytes) -> float:
    """Root mean square of PCM16 samples, 0 to 32768; 0 for no samples."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    if not samples.size:
        return 0.0
    return math.sqrt(float(np.dot(samples, samples)) / samples.size)


def dbfs(pcm: bytes) -> float:
    """Level in dB relative to full scale (a full-scale square wave is 0), never below `FLOOR_DBFS`."""
    level = rms(pcm)
    return max(FLOOR_DBFS, 20 * math.log10(level / 32768)) if level else FLOOR_DBFS
