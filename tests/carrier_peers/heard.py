"""What the caller heard, with times."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media.level import rms
from tests.carrier_peers.codecs import Codec
from tests.carrier_peers.playback import Piece

__all__ = ["Heard", "Sound"]

LOUD = 100.0
"""Root mean square from which 10 ms count as sound, on the scale of 16-bit samples."""


@dataclass(frozen=True, slots=True)
class Sound:
    """PCM16 little-endian, and the millisecond since the start at which it began."""

    at_ms: float
    pcm: bytes


class Heard:
    """The call as the caller heard it, from the start of the stream until now."""

    def __init__(self, pieces: Sequence[Piece], codec: Codec, began: float, now: float) -> None:
        self.rate = codec.rate
        self.sounds = tuple(Sound((piece.at - began) * 1000, codec.decode(piece.audio)) for piece in pieces)
        """All that was played, in order; between them was silence."""
        self.length_ms = (now - began) * 1000

    @property
    def pcm(self) -> bytes:
        """PCM16 little-endian at `rate`, silence where nothing was played."""
        line = np.zeros(round(self.length_ms * self.rate / 1000) + 1, "<i2")
        for sound in self.sounds:
            at = round(sound.at_ms * self.rate / 1000)
            samples = np.frombuffer(sound.pcm, "<i2")[: len(line) - at]
            line[at : at + len(samples)] = samples
        return line[:-1].tobytes()

    @property
    def played_ms(self) -> float:
        """Milliseconds of sound that were played; silence that was sent counts, gaps do not."""
        return sum(len(sound.pcm) for sound in self.sounds) / (self.rate * 2) * 1000

    def between(self, from_ms: float, to_ms: float) -> bytes:
        """A part of `pcm`."""
        start, end = (2 * round(ms * self.rate / 1000) for ms in (from_ms, to_ms))
        return self.pcm[start:end]

    def loud_ms(self, level: float = LOUD) -> list[int]:
        """The starts of all 10 ms windows that are louder than `level`."""
        size, pcm = self.rate // 100 * 2, self.pcm
        return [at * 10 for at in range(len(pcm) // size) if rms(pcm[at * size : (at + 1) * size]) > level]

    def first_sound_ms(self, level: float = LOUD) -> float | None:
        """When the first sound began that a person would notice; None when there was none."""
        loud = self.loud_ms(level)
        return loud[0] if loud else None

    def save(self, path: Path) -> None:
        """Write it as a mono WAV."""
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.rate)
            file.writeframes(self.pcm)
