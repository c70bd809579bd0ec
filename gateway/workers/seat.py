"""What a worker inherits from its parent: open files, by number."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

__all__ = ["Seat"]


@dataclass(frozen=True, slots=True)
class Seat:
    number: int
    size: int
    listeners: tuple[int, ...]
    """The sockets that the server listens on."""
    channel: int
    """To the parent and back, in lines of JSON (`gateway.workers.channel`)."""
    mailbox: int
    """Where the others hand connections in."""
    mailboxes: tuple[int, ...]
    """Where to hand them in, by worker; its own among them."""

    @property
    def files(self) -> tuple[int, ...]:
        return (*self.listeners, self.channel, self.mailbox, *self.mailboxes)

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Seat:
        told = json.loads(text)
        return cls(**{**told, "listeners": tuple(told["listeners"]), "mailboxes": tuple(told["mailboxes"])})
