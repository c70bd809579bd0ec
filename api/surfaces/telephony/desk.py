"""What the routes of the telephone ask of each carrier: how it proves itself, asks, is answered, and tells.

One `Desk` per carrier, in `api/surfaces/telephony/desks/<name>.py` as `DESK`. A desk reads and writes documents; it
opens no socket and holds no state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from api.records.channel import MetaValue
from api.records.channel_words import Kind
from gateway.config import Settings

__all__ = [
    "Asked",
    "Command",
    "Desk",
    "Document",
    "Incoming",
    "Notice",
    "Place",
    "Unreadable",
]


class Unreadable(Exception):
    """A webhook, proved to be the carrier's, that does not say what it must. The text says what is missing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a carrier, read whole."""

    method: str
    url: str
    """As the world sees it, path and query to the letter: carriers sign that."""
    headers: Mapping[str, str]
    body: bytes
    now: float
    """Unix seconds."""

    @property
    def posted(self) -> bytes:
        """The body of a POST; a GET has all in its query, whatever it drags along."""
        return self.body if self.method == "POST" else b""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call that wants to be answered."""

    call: str
    """The carrier's own name of it."""
    caller: str = ""
    called: str = ""
    outbound: bool = False
    """We dialled it."""
    handle: str = ""
    """What commands to the carrier's API call it, where that is how it is answered."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a carrier finds us for one call."""

    stream: str
    """The media socket's URL, the one-time token in its path."""
    token: str
    after: str
    """Asked how to go on when the socket is gone."""
    status: str


@dataclass(frozen=True, slots=True)
class Document:
    """An answer to a carrier."""

    body: str
    content_type: str = "text/xml"


@dataclass(frozen=True, slots=True)
class Command:
    """One request (POST) to the carrier's API."""

    url: str
    body: bytes
    authorization: str = field(repr=False)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a carrier told of a call."""

    call: str
    key: str
    status: str
    """In the contract's words: `ringing`, `in_progress`, `completed` …"""
    raw: str
    kind: Kind
    at: float
    """Unix seconds; when we were told, where the carrier does not tell the time."""
    position: int | None = None
    meta: Mapping[str, MetaValue] = field(default_factory=dict)


class Desk(Protocol):
    """One carrier."""

    @property
    def name(self) -> str:
        """As in the path, and as `Leg.kind`."""

    @property
    def reattaches(self) -> bool:
        """The carrier tells when a call ends, and asks `Place.after` when its socket alone is gone."""

    def configured(self, settings: Settings) -> bool:
        """Whether there is what it proves itself with."""

    def verify(self, asked: Asked, settings: Settings) -> None:
        """Raises Unverified for a webhook that is not proved to be the carrier's."""

    def proof(self, asked: Asked) -> str:
        """What no other webhook has that is honestly sent, a new attempt at the same event included; empty where the
        carrier signs a new attempt as it did the first."""

    def verify_socket(self, asked: Asked, settings: Settings, token: str) -> None:
        """Raises Unverified for a handshake that is not; `asked.url` begins with `ws`. `token`: the one of the path,
        already found good."""

    def incoming(self, asked: Asked) -> Incoming | None:
        """The call of a voice webhook; None when the webhook asks for none. Raises Unreadable."""

    def answer(self, incoming: Incoming, place: Place, settings: Settings) -> Document | Command:
        """Connects the call to our socket."""

    def refuse(self, incoming: Incoming, settings: Settings) -> Document | Command:
        """All lines are busy. Only as the first answer."""

    def sorry(self, sentence: str) -> Document:
        """Say it, and end the call."""

    def hang_up(self) -> Document:
        """The call ends."""

    def notices(self, asked: Asked) -> Sequence[Notice]:
        """What a status webhook tells; nothing for what is none of a call's. Raises Unreadable."""

    def stopped(self, asked: Asked, settings: Settings) -> tuple[str, Command] | None:
        """The call whose stream is over, and what ends the call itself, where the carrier waits for a command. Raises
        Unreadable."""
