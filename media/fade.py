"""Edges that do not click: 5 ms ramps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from media import g711
from media.audio import PCM24, AudioFormat

__all__ = ["FADE_MS", "fade_away", "fade_in", "fade_out", "mix"]

FADE_MS = 5

Samples = npt.NDArray[np.int16]


def _ramp(samples: int) -> npt.NDArray[np.float32]:
    return np.linspace(0.0, 1.0, samples, endpoint=False, dtype=np.float32)


def _samples(audio: bytes, form: AudioFormat) -> Samples:
    return np.frombuffer(audio if form.law is None else g711.decode(audio, form.law), "<i2")


def _bytes(samples: npt.NDArray[np.generic], form: AudioFormat) -> bytes:
    pcm = samples.astype("<i2").tobytes()
    return pcm if form.law is None else g711.encode(pcm, form.law)


def fade_in(audio: bytes, form: AudioFormat = PCM24) -> bytes:
    """The same with its first 5 ms (all of it, if it is shorter) rising from silence."""
    count = form.to_bytes(FADE_MS)
    edge = _samples(audio[:count], form)
    return _bytes(edge * _ramp(len(edge)), form) + audio[count:]


def fade_away(audio: bytes, form: AudioFormat = PCM24) -> bytes:
    """The same with its last 5 ms (all of it, if it is shorter) falling to silence."""
    count = min(len(audio), form.to_bytes(FADE_MS))
    edge = _samples(audio[len(audio) - count :], form)
    return audio[: len(audio) - count] + _bytes(edge * _ramp(len(edge))[::-1], form)


def fade_out(last: bytes, form: AudioFormat = PCM24) -> bytes | None:
    """A frame that ends the sound of `last`, which was meant to go on: the last 5 ms of it, mirrored and
    fading out, then silence. None when `last` ended in silence anyway."""
    edge = _samples(last[-form.to_bytes(FADE_MS) :], form)[::-1]
    if not edge.any():
        return None
    return _bytes(edge * _ramp(len(edge))[::-1], form).ljust(form.frame_bytes, form.silence)


def mix(one: bytes, other: bytes, form: AudioFormat = PCM24) -> bytes:
    """The sum of two pieces of equal length, clipped."""
    both = _samples(one, form).astype(np.int32) + _samples(other, form)
    return _bytes(both.clip(-32768, 32767), form)
