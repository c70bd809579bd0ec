"""The caller's latest audio, kept for a provider that may have to hear it again. Pure."""

from __future__ import annotations

from media.audio import PCM24

__all__ = ["Ring"]

KEPT_MS = 60_000
"""Beyond it the oldest is dropped, whoever may want it: 2.9 MB."""

SLACK = PCM24.to_bytes(1000)
"""Dropping moves what stays, so it is done a second at a time."""


class Ring:
    """PCM16 24 kHz by its place since the call began, in bytes."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._start = 0

    @property
    def end(self) -> int:
        return self._start + len(self._pcm)

    def append(self, pcm: bytes) -> None:
        self._pcm += pcm
        if len(self._pcm) > PCM24.to_bytes(KEPT_MS) + SLACK:
            self.forget(self.end - PCM24.to_bytes(KEPT_MS))

    def forget(self, before: int) -> None:
        """Nothing before this place will be read."""
        size = min(before, self.end) - self._start
        if size >= SLACK:
            del self._pcm[:size]
            self._start += size

    def read(self, start: int, end: int) -> bytes:
        """What is still there of this stretch."""
        return bytes(self._pcm[max(0, start - self._start) : max(0, end - self._start)])
