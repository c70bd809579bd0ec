"""A carrier as the softphone plays it: `lines/<carrier>.py`, each with `line(settings)`.

A line writes the carrier's requests and reads the server's answers, by the letter of the carrier's documents; it opens
no socket. It signs where `settings` hold the carrier's secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.softphone.orders import Connect, Order, Verb
from gateway.wire import Encoding, Message

__all__ = ["Answer", "Facts", "Line", "Request", "Side"]


@dataclass(frozen=True, slots=True)
class Facts:
    """One call."""

    call: str
    """The carrier's name of it."""
    account: str
    caller: str
    called: str
    direction: str = "inbound"


@dataclass(frozen=True, slots=True)
class Request:
    """One webhook, as it goes out."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to one."""

    status: int
    content_type: str
    body: str
    url: str = ""
    """That was asked."""


class Side(Protocol):
    """The carrier's side of one stream: frames of the caller in, messages out; messages of the server in, orders
    out."""

    @property
    def id(self) -> str:
        """The carrier's name of the stream; empty where it has none."""

    @property
    def says(self) -> Encoding:
        """Caller → server."""

    @property
    def plays(self) -> Encoding:
        """Server → caller."""

    @property
    def limit_s(self) -> float:
        """Seconds of audio that the carrier queues."""

    def opening(self) -> Sequence[Message]:
        """Said as the socket opens."""

    def media(self, audio: bytes) -> Sequence[Message]:
        """20 ms of the caller."""

    def key(self, digit: str) -> Sequence[Message]: ...

    def closing(self) -> Sequence[Message]:
        """Said as the caller hangs up."""

    def marked(self, name: str) -> Sequence[Message]:
        """A mark was reached."""

    def cleared(self, names: Sequence[str]) -> Sequence[Message]:
        """The queue was thrown away, these marks in it."""

    def receive(self, message: Message) -> Sequence[Order]:
        """Raises Broken."""


class Line(Protocol):
    """One carrier."""

    @property
    def title(self) -> str:
        """As people call it."""

    @property
    def secret(self) -> str:
        """The setting that proves it."""

    @property
    def signs(self) -> bool:
        """The secret is there."""

    @property
    def signable(self) -> bool:
        """Whoever has the secret can sign; otherwise only the carrier can, with a key of which it shows the half."""

    def facts(self, caller: str, called: str) -> Facts:
        """A new call, with names as the carrier gives them."""

    def voice(self, call: Facts, url: str, now: float, status: str = "ringing") -> Request:
        """A call comes in; or one that the server placed is answered (`in-progress`)."""

    def after(self, call: Facts, url: str, verb: Verb, now: float) -> Request:
        """A document's `action` or redirect is asked how to go on after `verb`."""

    def status(self, call: Facts, url: str, status: str, seconds: int | None, now: float) -> Request | None:
        """What the carrier tells of the call's course; None for what it does not tell. `status`: `initiated`,
        `ringing`, `answered`, `completed`, `busy`, `no-answer`, `canceled`; `seconds`: the call's length once it is
        over."""

    def verdict(self, call: Facts, url: str, answered_by: str, after_s: float) -> Request | None:
        """Who picked up a call that the server placed, by the carrier's detection; None where it has none here."""

    def stream_status(
        self, call: Facts, connect: Connect, stream: str, event: str, now: float
    ) -> Request | None:
        """The same of a stream and its id: `started`, `stopped`, `failed`."""

    def read(self, answer: Answer) -> Sequence[Verb]:
        """What a document asks for. Raises Broken."""

    def handshake(self, connect: Connect, now: float) -> Mapping[str, str]:
        """Headers of the request for the media socket."""

    def open(self, call: Facts, connect: Connect) -> Side:
        """Raises Broken for a stream that the carrier would not open."""
