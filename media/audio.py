"""Audio formats as arithmetic: bytes, samples and milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FRAME_MS", "PCM16K", "PCM24", "PCMA", "PCMU", "AudioFormat", "Law"]

FRAME_MS = 20
"""The packet time of every wire we speak (RFC 7587 section 4.2, RFC 3551 section 4.2)."""

Law = Literal["mu", "a"]
"""Of G.711: µ-law or A-law."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Mono at `rate` samples per second: PCM16 little-endian, or G.711 of this law, one byte a sample."""

    rate: int
    law: Law | None = None

    @property
    def sample_bytes(self) -> int:
        return 2 if self.law is None else 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of one 20 ms frame."""
        return self.rate * FRAME_MS // 1000 * self.sample_bytes

    @property
    def silence(self) -> bytes:
        """One byte of it; all bytes of silence are alike (ITU-T G.711, tables 1 and 2: the codes nearest to zero)."""
        return SILENT[self.law]

    def to_ms(self, count: int) -> int:
        """Whole milliseconds in `count` bytes."""
        return count * 1000 // (self.rate * self.sample_bytes)

    def to_bytes(self, ms: int) -> int:
        """Bytes of `ms` milliseconds, always whole samples."""
        return self.rate * ms // 1000 * self.sample_bytes


SILENT: dict[Law | None, bytes] = {None: b"\0", "mu": b"\xff", "a": b"\xd5"}

PCM16K = AudioFormat(16000)
PCM24 = AudioFormat(24000)
PCMU = AudioFormat(8000, "mu")
"""G.711 µ-law (RFC 3551 section 4.5.14)."""
PCMA = AudioFormat(8000, "a")
"""G.711 A-law."""
