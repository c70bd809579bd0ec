"""What the routes of the telephone ask of each carrier: how it proves itself, asks, is answered, and tells.

One `Desk` per carrier, in `api/surfaces/telephony/desks/<name>.py` as `DESK`. A desk reads and writes documents; it
opens no socket and holds no state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from api.records.channel import MetaValue
from api.records.channel_words import Kind
from gateway.config import Settings

__all__ = [
    "Answerer",
    "Asked",
    "Calling",
    "Command",
    "Desk",
    "Document",
    "Incoming",
    "Notice",
    "Place",
    "Unreadable",
]


Answerer = Literal["human", "machine", "beep", "fax", "unknown"]
"""As `gateway.call.inputs.MachineVerdict.kind`."""


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
    keys: Mapping[str, Any] = field(default_factory=dict)
    """What the carrier publishes to check its tokens with (JWKS); empty for carriers that do not."""

    @property
    def posted(self) -> bytes:
        """The body of a POST; a GET has all in its query, whatever it drags along."""
        return self.body if self.method == "POST" else b""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call that wants to be answered."""

    call: str
    """The carrier's own name of it; empty where it tells none."""
    caller: str = ""
    called: str = ""
    outbound: bool = False
    """We dialled it."""
    handle: str = ""
    """What commands to the carrier's API call it, where that is not `call`."""
    context: str = field(default="", repr=False)
    """What answering it takes besides."""
    once: bool = False
    """The carrier may tell of it again, and must not be answered again."""
    placed_as: str = ""
    """What the carrier called it when we placed it, where that is not `call`."""


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
class Calling:
    """Where a carrier that is to dial for us finds us."""

    voice: str
    """Asked what to do once somebody answers, by carriers that ask."""
    place: Place
    """Told of the call's course, answering-machine detection among it; and the media socket, where a carrier wants to
    know it as it dials."""
    ring_s: int = 60
    """How long it may ring."""


@dataclass(frozen=True, slots=True)
class Document:
    """An answer to a carrier."""

    body: str
    content_type: str = "text/xml"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Command:
    """One request to the carrier's API."""

    url: str
    body: bytes = field(repr=False)
    authorization: str = field(repr=False)
    content_type: str = "application/json"
    method: Literal["POST", "PUT", "DELETE"] = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Others that the carrier wants."""
    later: bool = False
    """The answer says no more than that it has begun: what became of it is told by `Notice.transferred`."""


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
    handle: str = ""
    """As `Incoming.handle`."""
    placed_as: str = ""
    """As `Incoming.placed_as`."""
    machine: Answerer | None = None
    """Who answered, or that a machine's greeting is over: the carrier's detection."""
    over: bool = False
    """The call is over, whatever its status says; `call_completed` always means that."""
    transferred: bool | None = None
    """What became of a transfer, and nothing else."""
    onward: str = ""
    """The leg to somebody whom a caller was put through to is over, and nothing else: the caller's call, as commands
    name it."""
    home: int | None = None
    """With that: the worker that has the caller."""


class Desk(Protocol):
    """One carrier."""

    @property
    def name(self) -> str:
        """As in the path, and as `Leg.kind`."""

    @property
    def reattaches(self) -> bool:
        """The carrier tells when a call ends, and asks `Place.after` when its socket alone is gone."""

    @property
    def silent(self) -> bool:
        """Nothing tells that a call is over but the end of its socket."""

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

    def greeting(self, asked: Asked) -> Document | None:
        """The answer to a carrier that only asks whether this is the right place for its webhooks; None where it asks
        for more. Raises Unreadable."""

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

    def stopped(self, asked: Asked) -> Incoming | None:
        """The call whose stream is over, where the call itself goes on then. Raises Unreadable."""

    def closing_ends(self, handle: str) -> bool:
        """Whether closing its media socket ends a call, by what the carrier documents; `handle`: the call's, if any."""

    # ── commands to the carrier's API ─────────────────────────────────────────────────────────────────────
    # Each is None where the carrier has no such command, or what opens its API is not set. `call` is the call's handle
    # where it has one: Telnyx changes it during a call, and the latest counts.

    def dial(
        self, to: str, place: Calling, settings: Settings, *, machine_detection: bool = False
    ) -> Command | None:
        """Calls `to`, a number in E.164. `machine_detection`: the carrier tells whether a person or a machine answered,
        while the call goes on; nothing where it cannot."""

    def placed(self, answer: dict[str, Any]) -> str:
        """The call that the answer to `dial` names. Raises Unreadable."""

    def handle(self, answer: dict[str, Any]) -> str:
        """What commands call it, where that is not what `placed` gives."""

    def hang_up_call(self, call: str, settings: Settings) -> Command | None:
        """Ends the call, whatever it does: it rings, talks, waits."""

    def transfer(self, call: str, to: str, settings: Settings, *, caller_id: str = "") -> Command | None:
        """Connects the caller to `to`, a number in E.164 or a SIP URI, and us no longer: the stream ends.
        `caller_id`: the number shown there, one of ours; the carrier's choice without."""

    def onward(self, asked: Asked) -> Document | None:
        """To whom a caller is transferred, for a carrier that asks (`/telephony/{carrier}/transfer`); None when this
        one does not, or asks for something else. Raises Unreadable."""

    def press(self, call: str, digits: str, settings: Settings) -> Command | None:
        """Plays keys (0-9, *, #, A-D) to the other side, by carriers whose stream cannot; the stream goes on."""
