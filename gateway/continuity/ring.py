"""The caller's latest audio, kept for a provider that may have to hear it again. Pure."""

from __future__ import annotations

from media.audio import PCM24, AudioFormat

__all__ = ["Ring"]

KEPT_MS = 60_000
"""Beyond it the oldest is dropped, whoever may want it: 2.9 MB of PCM24, 0.5 of G.711."""

SLACK_MS = 1000
"""Dropping moves what stays, so it is done a second at a time."""


class Ring:
    """Audio of one format by its place since the call began, in bytes."""

    def __init__(self, form: AudioFormat = PCM24) -> None:
        self.form = form
        self._kept, self._slack = form.to_bytes(KEPT_MS), form.to_bytes(SLACK_MS)
        self._audio = bytearray()
        self._start = 0

    @property
    def end(self) -> int:
        return self._start + len(self._audio)

    def append(self, audio: bytes) -> None:
        self._audio += audio
        if len(self._audio) > self._kept + self._slack:
            self.forget(self.end - self._kept)

    def forget(self, before: int) -> None:
        """Nothing before this place will be read."""
        size = min(before, self.end) - self._start
        if size >= self._slack:
            del self._audio[:size]
            self._start += size

    def read(self, start: int, end: int) -> bytes:
        """What is still there of this stretch."""
        return bytes(self._audio[max(0, start - self._start) : max(0, end - self._start)])
