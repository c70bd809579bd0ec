"""What a server has a carrier do: in documents before and after the stream, and on the stream. And what it may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.wire import Codec, Encoding

__all__ = [
    "PCMU",
    "Broken",
    "Clear",
    "Connect",
    "Dial",
    "HangUp",
    "Keys",
    "Mark",
    "Order",
    "Pause",
    "Play",
    "Redirect",
    "Reject",
    "Say",
    "Verb",
]


PCMU = Encoding(Codec.PCMU, 8000)


class Broken(Exception):
    """A rule of the carrier's documents that the server broke."""

    def __init__(self, told: str, where: str, *, fatal: bool = False) -> None:
        super().__init__(told)
        self.told = told
        """What is wrong; holds no audio and no token."""
        self.where = where
        """The carrier's number of the error, or its page."""
        self.fatal = fatal
        """The carrier ends the call for it."""


# ── documents ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a media socket, both ways."""

    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What the stream tells at its start."""
    action: str | None = None
    """Asked how to go on when the socket is gone; None: the next verb."""
    status_url: str | None = None
    plays: Encoding = PCMU
    """Server → caller."""
    says: Encoding = PCMU
    """Caller → server."""
    bearer: str | None = field(default=None, repr=False)
    """Shown at the handshake."""


@dataclass(frozen=True, slots=True)
class Say:
    """The carrier's own voice."""

    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str


@dataclass(frozen=True, slots=True)
class Dial:
    """The caller is transferred."""

    to: str
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    reason: str


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


Verb = Connect | Say | Pause | Redirect | Dial | Reject | HangUp


# ── the stream ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Play:
    audio: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    pass


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys for the other side."""

    digits: str


Order = Play | Mark | Clear | Keys
