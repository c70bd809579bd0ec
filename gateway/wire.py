"""The wire of a phone leg: what a carrier's media stream says, and what it can be told. Pure; no socket.

One `Stream` per call and per socket, in `gateway/carriers/<name>.py`: messages of the socket in, these events out;
audio and commands in, messages of the socket out. The driver (`gateway/carriage/`) owns the socket, the pacing and
the clock, and knows nothing of any carrier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

__all__ = [
    "Audio",
    "Cleared",
    "Codec",
    "Complained",
    "Digit",
    "Encoding",
    "Message",
    "Pacing",
    "Played",
    "Started",
    "Stopped",
    "Stream",
    "StreamEvent",
    "StreamFault",
    "Unverified",
]

Message = str | bytes
"""One message of the socket: text frames are `str`, binary frames are `bytes`."""


class Codec(Enum):
    PCMU = "pcmu"
    """G.711 µ-law, one byte a sample (RFC 3551, 4.5.14)."""
    PCMA = "pcma"
    """G.711 A-law."""
    L16 = "l16"
    """PCM16 little-endian (unless the stream says otherwise, it has already swapped the bytes)."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How audio travels, mono."""

    codec: Codec
    rate: int
    """Samples a second."""

    @property
    def bytes_per_ms(self) -> int:
        return self.rate // 1000 * (2 if self.codec is Codec.L16 else 1)


@dataclass(frozen=True, slots=True)
class Pacing:
    """In which pieces the carrier takes audio."""

    frame_ms: int = 20
    """Audio of one message to the carrier."""
    exact: bool = False
    """Every message must hold exactly this much: the last one is filled with silence."""
    lead_ms: int = 200
    """How far ahead of real time audio is sent at most."""
    silence: bool = False
    """Silence is sent while nobody speaks: the carrier takes a pause for a dead line."""
    frames: int = 1
    """How many such frames one message may hold, where the carrier takes any size: fewer messages cost less."""


@dataclass(frozen=True, slots=True)
class Started:
    """The carrier described the stream: audio can flow both ways from now on."""

    stream_id: str
    call_id: str
    """The carrier's own name of the call; empty when the stream does not tell."""
    hears: Encoding
    """Caller → us."""
    plays: Encoding
    """Us → caller."""
    pacing: Pacing = Pacing()
    caller: str = ""
    called: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What our webhook put into the stream, the one-time token among it."""


@dataclass(frozen=True, slots=True)
class Audio:
    """The caller, in the encoding of `Started.hears`."""

    data: bytes
    at_ms: int | None = None
    """Milliseconds since the stream began, where the carrier tells: gaps are gaps in this."""


@dataclass(frozen=True, slots=True)
class Digit:
    """One key of the caller's telephone: 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class Played:
    """Everything sent before this mark was played."""

    mark: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """The carrier dropped what it had not played; marks that were outstanding were not reached."""


@dataclass(frozen=True, slots=True)
class Complained:
    """The carrier did not take something that it was sent; the stream goes on. For the log."""

    reason: str
    """In our words or the carrier's code; never its free text, which may quote what was sent."""
    wait_ms: int = 0
    """How long the carrier asks not to be sent anything."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The carrier ended the stream."""

    reason: str = ""


StreamEvent = Started | Audio | Digit | Played | Cleared | Complained | Stopped


class StreamFault(Exception):
    """The carrier sent what its documents do not allow. The text says what, and holds no audio, number or token."""


class Unverified(Exception):
    """A webhook or a handshake that is not proved to be the carrier's. The text says what is wrong and holds no secret,
    signature or token. Every way of being wrong is one answer (403) to whoever sent it."""


class Stream(Protocol):
    """One carrier's media stream, as its documents describe it."""

    subprotocol: str | None
    """The WebSocket subprotocol to select when it is offered."""

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        """What a message of the carrier means, and what has to be answered at once (pongs, acknowledgements).
        Unknown kinds of message are nothing. Raises StreamFault for garbage."""

    def play(self, audio: bytes) -> list[Message]:
        """Messages that play this, one `Pacing.frame_ms` of `Started.plays`, or up to `Pacing.frames` times as much.
        Not before `Started`."""

    def mark(self, name: str) -> list[Message]:
        """Have the carrier tell (`Played`) when all that was sent before was played; nothing where it cannot."""

    def clear(self) -> list[Message]:
        """Drop what the carrier has not played yet; nothing where it cannot."""

    def send_digits(self, digits: str) -> list[Message]:
        """Play keys to the other side; nothing where the stream cannot."""

    def hang_up(self) -> list[Message]:
        """End the call; nothing where closing the socket or REST does it."""
