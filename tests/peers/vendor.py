"""What tells one vendor's realtime server from another's; everything else they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from tests.peers.faults import Event
from tests.peers.script import Refusal

__all__ = ["Dialect", "Upgrade", "Vendor"]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The HTTP request that asks for a WebSocket."""

    target: str
    """Path and query."""
    headers: Mapping[str, str]
    """By lower-case name."""
    subprotocols: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The first value of each parameter."""
        pairs = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        return {key: values[0] for key, values in pairs.items()}


class Dialect(Protocol):
    """The vendor's words on one connection. The conversation behind it speaks GA."""

    def session(self, expires_at: int) -> Event:
        """The GA session that the connection begins with."""

    def read(self, event: Event) -> Event:
        """A client event, checked against the vendor's types, in the words of GA. Raises Refused."""

    def tell(self, event: Event) -> Iterator[Event]:
        """A GA server event in the vendor's words: one event, several, or none."""

    def judge(self, event: Event) -> list[str]:
        """What the vendor's own types have against a server event that is to be sent."""


class Vendor(Protocol):
    """One kind of server."""

    path: str
    """Of its WebSocket."""

    def admit(self, upgrade: Upgrade) -> tuple[Refusal, str] | None:
        """None: welcome. Else the answer, and the rule that the client broke."""

    def body(self, refusal: Refusal) -> Event:
        """The JSON body of an HTTP refusal."""

    def dialect(self, upgrade: Upgrade) -> Dialect:
        """For one new connection."""
