"""What is done to synthesised speech before anybody hears it: silence off, one loudness, 24 kHz, soft edges."""

from __future__ import annotations

import numpy as np
import samplerate

__all__ = ["RATE", "finish"]

RATE = 24_000
ACTIVE = 0.01
"""Share of full scale above which a sample is speech and not the engine's silence."""
TARGET = 0.1
"""Root mean square of the active samples: −20 dB below full scale, whichever voice speaks."""
PEAK = 0.9
LEAD_S, TAIL_S = 0.02, 0.05
"""Silence kept around speech, for soft consonants."""
FADE_S = 0.005


def finish(pcm: bytes, rate: int) -> bytes:
    """PCM16 at `rate` as it came from an engine → PCM16 at 24 kHz. The whole clause is converted at once and
    begins and ends in silence, so that clauses join without a click. Empty when there is no speech in it."""
    samples = np.frombuffer(pcm, np.int16).astype(np.float32) / 32768
    active = np.flatnonzero(np.abs(samples) > ACTIVE)
    if active.size == 0:
        return b""
    start = max(0, int(active[0]) - int(LEAD_S * rate))
    samples = samples[start : int(active[-1]) + int(TAIL_S * rate)]
    loud = samples[np.abs(samples) > ACTIVE]
    gain = min(TARGET / float(np.sqrt(np.mean(loud**2))), PEAK / float(np.abs(samples).max()))
    samples = samples * np.float32(gain)
    if rate != RATE:
        samples = samplerate.resample(samples, RATE / rate, "sinc_medium")
    fade = min(int(FADE_S * RATE), samples.size // 2)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    samples[:fade] *= ramp
    samples[samples.size - fade :] *= ramp[::-1]
    return np.clip(samples * 32767, -32768, 32767).astype("<i2").tobytes()
