"""Audio as a realtime server counts it: formats, milliseconds, tones (reference section 3.2)."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

__all__ = ["BYTES_PER_MS", "FRAME_MS", "encoded", "from_wav", "levels", "pieces", "tone"]

BYTES_PER_MS = {
    "audio/pcm": 48,
    "audio/pcm16000": 32,
    "audio/pcm8000": 16,
    "audio/pcmu": 8,
    "audio/pcma": 8,
}
"""Bytes of one millisecond on the wire. The two with a rate in their name are Voice Live's only."""

FRAME_MS = 20
G711 = ("audio/pcmu", "audio/pcma")


def tone(ms: int, hertz: int = 440, level: float = 0.3) -> bytes:
    """A sine, PCM16 24 kHz."""
    turns = np.arange(24 * ms) * (2 * np.pi * hertz / 24000)
    return bytes((np.sin(turns) * (level * 32767)).astype("<i2"))


def from_wav(path: Path) -> bytes:
    """A mono WAV of 16 bit as PCM16 24 kHz, by linear interpolation."""
    with wave.open(str(path), "rb") as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)
    at = np.arange(len(samples) * 24000 // rate) * rate / 24000
    return bytes(np.interp(at, np.arange(len(samples)), samples).astype("<i2"))


def pieces(audio: bytes, ms: int, kind: str = "audio/pcm") -> Iterator[bytes]:
    """Cut into pieces of `ms` milliseconds; the last may be shorter."""
    size = ms * BYTES_PER_MS[kind]
    return (audio[start : start + size] for start in range(0, len(audio), size))


def levels(audio: bytes, kind: str) -> Iterator[float]:
    """The root mean square of each whole 20 ms, 0 to 1."""
    samples = _samples(audio, kind)
    size = FRAME_MS * BYTES_PER_MS[kind] // (1 if kind in G711 else 2)
    for start in range(0, len(samples) - size + 1, size):
        frame = samples[start : start + size]
        yield float(np.sqrt(np.mean(frame * frame))) / 32768


def encoded(pcm: bytes, kind: str) -> bytes:
    """PCM16 24 kHz in a format of the wire; leaving samples out is good enough for a tone."""
    if kind == "audio/pcm":
        return pcm
    if kind == "audio/pcm16000":
        return b"".join(pcm[at : at + 4] for at in range(0, len(pcm), 6))
    samples = np.frombuffer(pcm, dtype="<i2")[::3].astype(np.int32)
    if kind == "audio/pcm8000":
        return bytes(samples.astype("<i2"))
    table = _table(kind)
    order = np.argsort(table, kind="stable")
    at = np.clip(np.searchsorted(table[order], samples), 0, 255)
    return bytes(order[at].astype(np.uint8))


def _samples(audio: bytes, kind: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if kind not in G711:
        return np.frombuffer(audio[: len(audio) & ~1], dtype="<i2").astype(np.float64)
    return _table(kind)[np.frombuffer(audio, dtype=np.uint8)].astype(np.float64)


def _table(kind: str) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """ITU-T G.711: what each of the 256 codes stands for."""
    decode = _mu_law if kind == "audio/pcmu" else _a_law
    return np.array([decode(code) for code in range(256)], dtype=np.int32)


def _mu_law(code: int) -> int:
    code = ~code & 0xFF
    size = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -size if code & 0x80 else size


def _a_law(code: int) -> int:
    code ^= 0x55
    exponent = code >> 4 & 7
    size = (code & 0x0F) << 4
    size = size + 8 if exponent == 0 else (size + 0x108) << (exponent - 1)
    return size if code & 0x80 else -size
