"""What a voice detector says, and what every one of them can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from media.audio import AudioFormat

__all__ = ["Quiet", "Resumed", "SpeechStarted", "SpeechStopped", "Verdict", "VoiceDetector"]


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Someone began to speak at `at_ms` of the audio fed (a little earlier than it could be known)."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """At `at_ms` there have been 200 ms of silence since `end_ms`: the speaker may be done."""

    at_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The speaker went on after a `Quiet`."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """At `at_ms` there have been `silence_ms` of silence; the speech itself ended at `end_ms`. Of a start that was on
    trial and is retracted `end_ms` is where it began."""

    at_ms: int
    end_ms: int


Verdict = SpeechStarted | Quiet | Resumed | SpeechStopped


class VoiceDetector(Protocol):
    """Of one stream."""

    form: AudioFormat
    """Of what is fed: PCM16 at 24 kHz, or a telephone's G.711."""
    silence_ms: int
    """Silence after which speech has stopped."""

    @property
    def speaking(self) -> bool: ...

    @property
    def voiced(self) -> bool:
        """Whether the classifier took the last frame for speech, however quiet it was: the first sign of any."""

    @property
    def fed_ms(self) -> int:
        """Audio fed so far."""

    @property
    def last_speech_ms(self) -> int | None:
        """Where the last frame of speech ended; None before any."""

    def far_level(self, dbfs: float) -> None:
        """What is being played to the caller with the next frame. Speech then needs to be louder than its echo,
        20 dB below; the echo may come up to 300 ms later."""

    def played(self, frame: bytes) -> None:
        """The same of a frame in the format of what is fed."""

    def feed(self, frame: bytes) -> tuple[Verdict, ...]:
        """The next 20 ms. Raises ValueError for anything longer or shorter."""

    def close(self) -> None:
        """Give the classifier back. Nothing can be fed afterwards."""
