"""Edges that do not click: 5 ms ramps on PCM16 24 kHz."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from media.audio import PCM24

__all__ = ["FADE_BYTES", "fade_in", "fade_out", "mix"]

FADE_BYTES = PCM24.to_bytes(5)


def _ramp(samples: int) -> npt.NDArray[np.float32]:
    return np.linspace(0.0, 1.0, samples, endpoint=False, dtype=np.float32)


def fade_in(pcm: bytes) -> bytes:
    """The same with its first 5 ms (all of it, if it is shorter) rising from silence."""
    edge = np.frombuffer(pcm[:FADE_BYTES], dtype="<i2")
    return (edge * _ramp(len(edge))).astype("<i2").tobytes() + pcm[FADE_BYTES:]


def fade_out(last: bytes) -> bytes | None:
    """A frame that ends the sound of `last`, which was meant to go on: the last 5 ms of it, mirrored and
    fading out, then silence. None when `last` ended in silence anyway."""
    tail = last[-FADE_BYTES:]
    if not any(tail):
        return None
    edge = np.frombuffer(tail, dtype="<i2")[::-1]
    return (edge * _ramp(len(edge))[::-1]).astype("<i2").tobytes().ljust(PCM24.frame_bytes, b"\0")


def mix(one: bytes, other: bytes) -> bytes:
    """The sum of two pieces of equal length, clipped."""
    both = np.frombuffer(one, dtype="<i2").astype(np.int32) + np.frombuffer(other, dtype="<i2")
    mixed: bytes = both.clip(-32768, 32767).astype("<i2").tobytes()
    return mixed
