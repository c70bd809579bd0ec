"""What a caller hears in place of the agent: the sound of hold, keys as tones, or another telephone. Pure."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from media.audio import PCM24, AudioFormat
from media.dtmf import DIGITS, tones
from media.transcoder import Transcoder

__all__ = ["MOST_KEYS", "Interlude", "KeyTones", "Presses"]

MOST_KEYS = 32
"""Keys that wait to be heard, of one of two callers who are joined; more are not passed on."""


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


class Presses:
    """Keys that one of two joined callers presses, for the other: as tones in place of what is said meanwhile, since a
    carrier that tells of keys takes them out of the audio."""

    def __init__(self, form: AudioFormat) -> None:
        """`form`: of who presses."""
        self._form = form
        self._tones: deque[KeyTones] = deque()

    def press(self, digit: str) -> None:
        """What is no key of a telephone is none here."""
        if len(self._tones) < MOST_KEYS and digit in DIGITS:
            self._tones.append(KeyTones(digit, self._form))

    def over(self, frame: bytes) -> bytes:
        """What the other side hears of a frame of 20 ms."""
        while self._tones:
            tone = self._tones[0].pull()
            if tone is not None:
                return tone
            self._tones.popleft()
        return frame
