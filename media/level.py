"""How loud a piece of audio is."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from media.audio import PCM24, AudioFormat, Law
from media.g711 import DECODED

__all__ = ["FLOOR_DBFS", "dbfs", "rms"]

FLOOR_DBFS = -96.0
"""The level of silence: one step of 16 bits is -90.3 dBFS, so nothing audible lies below."""

SQUARES: dict[Law, npt.NDArray[np.float32]] = {
    law: table.astype(np.float32) ** 2 for law, table in DECODED.items()
}
"""Of every code of G.711."""


def rms(audio: bytes, form: AudioFormat = PCM24) -> float:
    """Root mean square of the samples as 16 bits, 0 to 32768; 0 for no samples."""
    if not audio:
        return 0.0
    if form.law is not None:
        squares = SQUARES[form.law][np.frombuffer(audio, np.uint8)]
        return math.sqrt(float(squares.sum()) / len(audio))
    samples = np.frombuffer(audio, dtype="<i2").astype(np.float32)
    return math.sqrt(float(np.dot(samples, samples)) / samples.size)


def dbfs(audio: bytes, form: AudioFormat = PCM24) -> float:
    """Level in dB relative to full scale (a full-scale square wave is 0), never below `FLOOR_DBFS`."""
    level = rms(audio, form)
    return max(FLOOR_DBFS, 20 * math.log10(level / 32768)) if level else FLOOR_DBFS
