"""Microphone and loudspeaker of this machine."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Speaker"]


class Speaker(Protocol):
    """A loudspeaker."""

    def write(self, pcm: bytes, rate: int) -> None:
        """Play PCM16 mono, behind what waits."""
