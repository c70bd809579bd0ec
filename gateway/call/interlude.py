"""What a caller hears in place of the agent: the sound of hold, keys as tones, or another telephone. Pure."""

from __future__ import annotations

from typing import Protocol

from media.audio import PCM24, AudioFormat
from media.dtmf import tones
from media.transcoder import Transcoder

__all__ = ["Interlude", "KeyTones"]


class Interlude(Protocol):
    """Frames of 20 ms in the leg's format, pulled as the leg takes them."""

    @property
    def over(self) -> bool:
        """Nothing more will come: the agent's voice goes on."""

    def pull(self) -> bytes | None:
        """The next one; None when there is none now."""


class KeyTones:
    """Keys as tones, once."""

    def __init__(self, digits: str, form: AudioFormat = PCM24) -> None:
        """`form`: the leg's. Raises ValueError for what is on no telephone."""
        audio, size = Transcoder(PCM24, form).process(tones(digits)), form.frame_bytes
        self._frames = [audio[start : start + size] for start in range(0, len(audio), size)]
        self._next = 0

    @property
    def over(self) -> bool:
        return self._next >= len(self._frames)

    def pull(self) -> bytes | None:
        if self.over:
            return None
        self._next += 1
        return self._frames[self._next - 1]
