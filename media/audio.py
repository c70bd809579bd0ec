"""Audio formats as arithmetic: bytes, samples and milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FRAME_MS", "PCM16K", "PCM24", "AudioFormat"]

FRAME_MS = 20
"""The packet time of every wire we speak (RFC 7587 section 4.2, RFC 3551 section 4.2)."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """PCM16 little-endian mono at `rate` samples per second."""

    rate: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one 20 ms frame."""
        return self.rate * FRAME_MS // 1000 * 2

    def to_ms(self, count: int) -> int:
        """Whole milliseconds in `count` bytes."""
        return count * 1000 // (self.rate * 2)

    def to_bytes(self, ms: int) -> int:
        """Bytes of `ms` milliseconds, always whole samples."""
        return self.rate * ms // 1000 * 2


PCM16K = AudioFormat(16000)
PCM24 = AudioFormat(24000)
