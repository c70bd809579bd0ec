"""Sample rate conversion of a continuous stream."""

from __future__ import annotations

import numpy as np
import samplerate

__all__ = ["Resampler"]

QUALITY = "sinc_fastest"
"""libsamplerate's band-limited converter with 97 dB signal-to-noise ratio; the two better ones cost several
times as much for a difference that no telephone or Opus link keeps."""

PUSH = 64
"""Samples of silence (of the slower rate) that push the last real ones out of the filter; it is 20 long."""


class Resampler:
    """PCM16 little-endian mono from one rate to another. Stateful: one per direction per call, so that the
    filter's memory crosses chunk borders and nothing clicks. Equal rates pass untouched.

    The output lags by the filter's length (0.8 ms between 24 and 48 kHz), so the first chunk comes out
    shorter: cut exact frames with `media.framer.Framer`.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        if source_rate < 1 or target_rate < 1:
            raise ValueError("sample rates are positive")
        self.source_rate = source_rate
        self.target_rate = target_rate
        self._ratio = target_rate / source_rate
        self._half = b""
        self._owed = 0.0
        self._converter = None if source_rate == target_rate else samplerate.Resampler(QUALITY, channels=1)

    def process(self, pcm: bytes) -> bytes:
        """Convert the next chunk; a chunk may end in the middle of a sample."""
        if self._half:
            pcm, self._half = self._half + pcm, b""
        if len(pcm) % 2:
            pcm, self._half = pcm[:-1], pcm[-1:]
        if self._converter is None or not pcm:
            return pcm
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768
        converted = self._converter.process(samples, self._ratio)
        self._owed += len(samples) * self._ratio - len(converted)
        out: bytes = np.clip(np.rint(converted * 32768), -32768, 32767).astype("<i2").tobytes()
        return out

    def flush(self) -> bytes:
        """What the filter still holds, so that the whole stream comes out as long as it went in. The
        resampler then starts afresh."""
        if self._converter is None:
            self._half = b""
            return b""
        owed = max(0, round(self._owed))
        silence = bytes(2 * max(PUSH, round(PUSH / self._ratio)) - len(self._half))
        rest = self.process(silence)[: 2 * owed]
        self._converter.reset()
        self._half, self._owed = b"", 0.0
        return rest
