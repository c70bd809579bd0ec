"""Edges that do not click: 5 ms ramps on PCM16 24 kHz."""

from __future__ import annotations

import numpy as np

from media.audio import PCM24

__all__ = ["FADE_BYTES", "fade_in", "fade_out", "mix"]

FADE_BYTES = PCM24.to_bytes(5)
RAMP = np.linspace(0.0, 1.0, FADE_BYTES // 2, endpoint=False, dtype=np.float32)


def fade_in(frame: bytes) -> bytes:
    """The frame with its first 5 ms rising from silence."""
    edge = np.frombuffer(frame[:FADE_BYTES], dtype="<i2") * RAMP
    return edge.astype("<i2").tobytes() + frame[FADE_BYTES:]


def fade_out(last: bytes) -> bytes | None:
    """A frame that ends the sound of `last`, which was meant to go on: the last 5 ms of it, mirrored and
    fading out, then silence. None when `last` ended in silence anyway."""
    edge = last[-FADE_BYTES:]
    if not any(edge):
        return None
    mirrored = np.frombuffer(edge, dtype="<i2")[::-1] * RAMP[::-1]
    return mirrored.astype("<i2").tobytes() + bytes(PCM24.frame_bytes - FADE_BYTES)


def mix(one: bytes, other: bytes) -> bytes:
    """The sum of two pieces of equal length, clipped."""
    both = np.frombuffer(one, dtype="<i2").astype(np.int32) + np.frombuffer(other, dtype="<i2")
    mixed: bytes = both.clip(-32768, 32767).astype("<i2").tobytes()
    return mixed
