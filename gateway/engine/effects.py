"""What the engine's core asks its shell to do. The shell answers with calls of the core (`core.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.engine.mind import Request

__all__ = [
    "CancelSpeak",
    "CancelThink",
    "CancelTranscribe",
    "Close",
    "Effect",
    "Emit",
    "Speak",
    "Think",
    "Transcribe",
]


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
class Think:
    """Work out a reply; answered by `core.thought` per thought, the last of them `Done`, or by `core.thoughtless`."""

    response_id: str
    request: Request


@dataclass(frozen=True, slots=True)
class CancelThink:
    """Stop thinking about this response."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Speak:
    """Synthesise a clause, after those asked for before it; answered by `core.spoke` per chunk, then `core.said`,
    or by `core.mute`."""

    response_id: str
    number: int
    """Of the clause in its response, from 0."""
    text: str
    voice: str
    speed: float


@dataclass(frozen=True, slots=True)
class CancelSpeak:
    """Stop synthesising for this response."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Close:
    """The session is over once everything emitted so far has been sent."""


Effect = Emit | Transcribe | CancelTranscribe | Think | CancelThink | Speak | CancelSpeak | Close
