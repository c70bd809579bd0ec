"""What the engine's core asks its shell to do. The shell answers with calls of the core (`core.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["CancelSpeak", "CancelTranscribe", "Close", "Effect", "Emit", "Speak", "Transcribe"]


@dataclass(frozen=True, slots=True)
class Emit:
    """Send a server event. The `delta` of output audio is PCM bytes, 24 kHz."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Recognise an utterance, PCM16 24 kHz; answered by `core.heard` or `core.deaf` with the same job."""

    job: str
    pcm: bytes
    final: bool
    """False: a guess while the caller may yet go on."""


@dataclass(frozen=True, slots=True)
class CancelTranscribe:
    """The answer to this job is no longer wanted."""

    job: str


@dataclass(frozen=True, slots=True)
class Speak:
    """Synthesise clauses in order; answered by `core.spoke` per chunk, then `core.finished` or `core.mute`."""

    response_id: str
    clauses: tuple[str, ...]
    voice: str
    speed: float


@dataclass(frozen=True, slots=True)
class CancelSpeak:
    """Stop synthesising for this response."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Close:
    """The session is over once everything emitted so far has been sent."""


Effect = Emit | Transcribe | CancelTranscribe | Speak | CancelSpeak | Close
