"""Whose event an error is about. Pure.

Several clients may send events to one model session (the leg's, and sidebands), and two of them may call their events
by the same `event_id`. So every client event travels under an id of ours, and an error that names it is told to its
sender alone, under the sender's own id.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.ports import Event

__all__ = ["Postmarks", "Sender"]

KEPT = 1000
"""Events whose sender is remembered; an error about an older one goes to everybody."""


@dataclass(frozen=True, slots=True)
class Sender:
    origin: int
    event_id: str | None
    """What the sender calls its event; None when it gave it no id."""


class Postmarks:
    def __init__(self) -> None:
        self._count = 0
        self._senders: dict[str, Sender] = {}

    def stamp(self, sender: Sender) -> str:
        """A new id for an event of this sender."""
        self._count += 1
        mark = f"event_client_{self._count}"
        self._senders[mark] = sender
        if len(self._senders) > KEPT:
            del self._senders[next(iter(self._senders))]
        return mark

    def mark(self, event: Event, sender: Sender) -> Event:
        """The event as it travels to the model."""
        return {**event, "event_id": self.stamp(sender)}

    def sender(self, mark: str | None) -> Sender | None:
        """Who sent the event that travelled under this id."""
        return None if mark is None else self._senders.get(mark)
