"""How a carrier writes sound into its stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from media import g711

__all__ = ["ALAW", "L16_8K", "L16_16K", "L16_24K", "MULAW", "Codec"]


@dataclass(frozen=True, slots=True)
class Codec:
    """One encoding of mono sound at one rate."""

    name: Literal["mu", "a", "l16"]
    rate: int
    """Samples per second."""

    @property
    def sample_bytes(self) -> int:
        return 2 if self.name == "l16" else 1

    @property
    def bytes_per_s(self) -> int:
        return self.rate * self.sample_bytes

    @property
    def silence(self) -> bytes:
        """One sample of silence (reference 0, rule 3)."""
        return {"mu": b"\xff", "a": b"\xd5", "l16": b"\0\0"}[self.name]

    def frame_bytes(self, ms: int = 20) -> int:
        return self.rate * ms // 1000 * self.sample_bytes

    def encode(self, pcm: bytes) -> bytes:
        """PCM16 little-endian of the same rate → bytes of the wire."""
        return pcm if self.name == "l16" else g711.encode(pcm, self.name)

    def decode(self, wire: bytes) -> bytes:
        """Bytes of the wire → PCM16 little-endian of the same rate."""
        return wire if self.name == "l16" else g711.decode(wire, self.name)

    def tone(self, ms: int, hertz: int = 440, level: int = 8000) -> bytes:
        """A sine of that length, as the wire carries it."""
        at = np.arange(self.rate * ms // 1000) / self.rate
        return self.encode((level * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes())


MULAW = Codec("mu", 8000)
ALAW = Codec("a", 8000)
L16_8K = Codec("l16", 8000)
L16_16K = Codec("l16", 16000)
L16_24K = Codec("l16", 24000)
