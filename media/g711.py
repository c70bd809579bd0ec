"""G.711 companding: µ-law and A-law to and from PCM16 (ITU-T G.711, tables 1a to 2b)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from media.audio import Law

__all__ = ["RATE", "Law", "decode", "encode", "linear"]

RATE = 8000
"""Samples per second of every G.711 stream; one byte is one sample."""

MU_BIAS = 0x84
MU_CLIP = 32635
A_EVEN = 0x55
"""A-law sends every second bit inverted."""


def _mu_decoded() -> npt.NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + MU_BIAS) << ((code >> 4) & 7)) - MU_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype("<i2")


def _a_decoded() -> npt.NDArray[np.int16]:
    code = np.arange(256) ^ A_EVEN
    segment = (code >> 4) & 7
    within = (code & 0x0F) << 4
    magnitude = np.where(segment == 0, within + 8, (within + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype("<i2")


def _mu_encoded() -> npt.NDArray[np.uint8]:
    """The code of every 16-bit sample, by its value modulo 2^16."""
    sample = np.arange(65536).astype(np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(sample), MU_CLIP) + MU_BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    within = (magnitude >> (segment + 3)) & 0x0F
    code = ~(np.where(sample < 0, 0x80, 0) | (segment << 4) | within) & 0xFF
    return np.asarray(code, np.uint8)


def _a_encoded() -> npt.NDArray[np.uint8]:
    """The code of every 16-bit sample, by its value modulo 2^16."""
    sample = np.arange(65536).astype(np.uint16).view(np.int16).astype(np.int32)
    # 13 bits are coded; a negative value is mirrored, so that both sides of zero have as many codes.
    value = np.where(sample < 0, -(sample >> 3) - 1, sample >> 3)
    segment = np.maximum(np.floor(np.log2(np.maximum(value, 1))).astype(np.int32) - 4, 0)
    within = (value >> np.maximum(segment, 1)) & 0x0F
    mask = np.where(sample < 0, A_EVEN, A_EVEN | 0x80)
    return (((segment << 4) | within) ^ mask).astype(np.uint8)


DECODED: dict[Law, npt.NDArray[np.int16]] = {"mu": _mu_decoded(), "a": _a_decoded()}
HALVES: dict[Law, tuple[bytes, bytes]] = {
    law: (table.tobytes()[0::2], table.tobytes()[1::2]) for law, table in DECODED.items()
}
"""The lower and the upper byte of each."""
FLOATS: dict[Law, npt.NDArray[np.float32]] = {
    law: (table / np.float32(32768)).astype(np.float32) for law, table in DECODED.items()
}
ENCODED: dict[Law, npt.NDArray[np.uint8]] = {"mu": _mu_encoded(), "a": _a_encoded()}


def decode(companded: bytes, law: Law) -> bytes:
    """G.711 → PCM16 little-endian at the same rate: two bytes for one."""
    low, high = HALVES[law]
    pcm = bytearray(2 * len(companded))
    pcm[0::2], pcm[1::2] = companded.translate(low), companded.translate(high)
    return bytes(pcm)


def linear(companded: bytes, law: Law) -> npt.NDArray[np.float32]:
    """G.711 → samples between −1 and 1."""
    return FLOATS[law].take(np.frombuffer(companded, np.uint8))


def encode(pcm: bytes, law: Law) -> bytes:
    """PCM16 little-endian, whole samples → G.711 at the same rate: one byte for two."""
    return ENCODED[law].take(np.frombuffer(pcm, "<u2")).tobytes()
