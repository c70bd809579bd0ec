"""What a caller hears on hold: a few soft bells with quiet between them, made here. It says "you are still connected"
and is no music to be paid for. Within the telephone's band, 30 dB below full scale."""

from __future__ import annotations

from functools import cache

import numpy as np

from media.audio import FRAME_MS, PCM24, AudioFormat
from media.transcoder import Transcoder

__all__ = ["LOOP_MS", "HoldSound"]

LOOP_MS = 8000
BELLS = ((600, 392.0), (1000, 493.9), (1400, 587.3), (4600, 440.0), (5000, 523.3), (5400, 659.3))
"""When each begins, in milliseconds of the loop, and its hertz: G major, A minor. The first half second is silent: a
hold that is over at once is not heard."""
LOUDNESS = 1100.0
DYING_S = 0.7
RISE_S = 0.015


@cache
def _loop(form: AudioFormat) -> tuple[bytes, ...]:
    """The loop in frames of 20 ms."""
    line = np.zeros(PCM24.rate * LOOP_MS // 1000)
    for begins_ms, hertz in BELLS:
        start = PCM24.rate * begins_ms // 1000
        at = np.arange(len(line) - start) / PCM24.rate
        envelope = LOUDNESS * np.minimum(1.0, at / RISE_S) * np.exp(-at / DYING_S)
        line[start:] += envelope * (np.sin(2 * np.pi * hertz * at) + 0.3 * np.sin(4 * np.pi * hertz * at))
    fade = PCM24.rate // 2
    line[-fade:] *= np.linspace(1.0, 0.0, fade)
    audio = Transcoder(PCM24, form).process(line.astype("<i2").tobytes())
    size = form.frame_bytes
    return tuple(audio[start : start + size] for start in range(0, len(audio), size))


class HoldSound:
    """One caller's, from the beginning of the loop on. Endless."""

    over = False

    def __init__(self, form: AudioFormat = PCM24) -> None:
        """`form`: the leg's."""
        self._frames = _loop(form)
        self._next = 0

    def pull(self) -> bytes:
        """The next 20 ms."""
        frame = self._frames[self._next % (LOOP_MS // FRAME_MS)]
        self._next += 1
        return frame
