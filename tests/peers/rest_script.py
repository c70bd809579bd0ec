"""What the REST peer will hear, write and suffer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.peers.faults import Event
from tests.peers.script import Call, Refusal
from tests.peers.sound import tone

__all__ = ["Asked", "Part", "RestScript", "Trouble", "Written"]

Part = Literal["transcriptions", "chat", "speech"]
"""The three endpoints."""


@dataclass(frozen=True, slots=True)
class Written:
    """One completion of the chat model."""

    text: str | None = None
    calls: tuple[Call, ...] = ()
    finish: Literal["stop", "length", "content_filter"] = "stop"
    """Why it ended, where no call was made."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One request that goes wrong."""

    part: Part
    nth: int = 1
    """Which request to this endpoint, from 1."""
    refusal: Refusal | None = None
    delay_s: float = 0.0
    """Before anything is answered."""
    cut_after: int | None = None
    """Stream events, or pieces of audio, after which the connection is reset."""
    stall_after: int | None = None
    """Stream events, or pieces of audio, after which nothing comes any more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as it was understood."""

    part: Part
    params: Event
    """The JSON body, or the fields of the form without the file."""
    headers: Mapping[str, str]
    """By lower-case name."""
    file: bytes = b""


def _spoken(text: str) -> bytes:
    return tone(60 * max(4, len(text)))


@dataclass(frozen=True, slots=True)
class RestScript:
    """A whole one; lists are used up in order."""

    hears: tuple[str, ...] = ()
    spare_heard: str = "something"
    writes: tuple[Written, ...] = ()
    spare_written: Written = Written("All right.")
    answer: Callable[[Asked], Written | None] | None = None
    """Asked before `writes`; None: take the next of them."""
    voice: Callable[[str], bytes] = field(default=_spoken)
    """Text to PCM16 24 kHz."""
    troubles: tuple[Trouble, ...] = ()
    pause_s: float = 0.0
    """Between two events of a stream, or two pieces of audio."""
    piece_ms: int = 100
    models: frozenset[str] | None = None
    """Those that exist; None: any."""
