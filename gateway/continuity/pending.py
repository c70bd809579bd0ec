"""What the call has asked for and no provider has answered yet: what a next provider must be asked again. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.ports import Event

__all__ = ["MOST", "OWN", "Pending", "Wish"]

MOST = 500
"""Wishes that may wait. A provider that answers none of so many is lost; without any the call is."""

OWN = "event_lasting_"
"""Prefix of the ids of client events that are not the call's, or that the call gave none."""

ANSWERS = {
    "conversation.item.added": ("conversation.item.create",),
    "conversation.item.created": ("conversation.item.create",),
    "conversation.item.deleted": ("conversation.item.delete",),
    "conversation.item.truncated": ("conversation.item.truncate",),
    "conversation.item.retrieved": ("conversation.item.retrieve",),
    "input_audio_buffer.cleared": ("input_audio_buffer.clear",),
    "session.updated": ("session.update",),
}
"""Server event → the client events it can answer."""

IN_ORDER = frozenset({"conversation.item.create", "conversation.item.delete", "conversation.item.truncate"})
"""Done at once and in order: an answer to a later event tells that they were."""


@dataclass(slots=True)
class Wish:
    """One client event that waits for its answer."""

    event: Event
    event_id: str
    """As the provider is given it."""
    named: bool
    """The call itself gave it that id."""
    own: bool
    """Nobody but us asks for it: a turn that its provider owed an answer to."""
    at_ms: int
    """How much of the caller's audio there was before it."""
    since: float
    number: int = 0
    sent: bool = False

    @property
    def kind(self) -> str:
        return str(self.event["type"])

    @property
    def item_id(self) -> str:
        """The item it is about."""
        return str(self.event.get("item_id") or (self.event.get("item") or {}).get("id") or "")

    @property
    def params(self) -> dict[str, Any]:
        """Of a `response.create`."""
        return self.event.get("response") or {}

    @property
    def beside(self) -> bool:
        """Whether the response it asks for is out-of-band."""
        return self.params.get("conversation") == "none"


class Pending:
    """Wishes in order."""

    def __init__(self) -> None:
        self._wishes: list[Wish] = []
        self.count = 0
        """Wishes so far."""

    def __iter__(self) -> Iterator[Wish]:
        return iter(list(self._wishes))

    def __len__(self) -> int:
        return len(self._wishes)

    def add(self, wish: Wish) -> None:
        self.count += 1
        wish.number = self.count
        self._wishes.append(wish)

    def remove(self, wish: Wish) -> None:
        self._wishes.remove(wish)

    def answered(self, event: Event) -> Wish | None:
        """The wish that a server event answers, which then waits no longer; with it go those before it that must have
        been done by then. Events of responses and of commits are for `created` and `committed`."""
        kinds = ANSWERS.get(event["type"])
        if kinds is None or not self._wishes:
            return None
        item_id = event.get("item_id") or (event.get("item") or {}).get("id")
        for wish in self._wishes:
            if wish.sent and wish.kind in kinds and (not wish.item_id or wish.item_id == item_id):
                self._settle(wish)
                return wish
        return None

    def created(self, *, beside: bool) -> Wish | None:
        """The `response.create` that a new response answers; None when nobody asked for it."""
        return self._first("response.create", beside=beside)

    def passed(self, number: int) -> None:
        """A response in the conversation is over that began when there were so many wishes: whatever asked for one
        before then has been answered by it, or by an error on the way."""
        self._wishes[:] = [
            w
            for w in self._wishes
            if not (w.sent and w.kind == "response.create" and not w.beside and w.number <= number)
        ]

    def committed(self) -> Wish | None:
        """The `input_audio_buffer.commit` that a commit answers; None when turn detection made it."""
        return self._first("input_audio_buffer.commit")

    def refused(self, event_id: str) -> Wish | None:
        """The wish that an `error` is about, which then waits no longer."""
        for wish in self._wishes:
            if wish.event_id == event_id:
                self._wishes.remove(wish)
                return wish
        return None

    def of(self, *kinds: str) -> list[Wish]:
        """Those of these kinds, in order."""
        return [wish for wish in self._wishes if wish.kind in kinds]

    def unsend(self) -> None:
        """The provider they were sent to is gone."""
        for wish in self._wishes:
            wish.sent = False

    def _first(self, kind: str, *, beside: bool | None = None) -> Wish | None:
        for wish in self._wishes:
            if wish.sent and wish.kind == kind and beside in (None, wish.beside):
                self._settle(wish)
                return wish
        return None

    def _settle(self, wish: Wish) -> None:
        place = self._wishes.index(wish)
        before = [w for w in self._wishes[:place] if not (w.sent and w.kind in IN_ORDER)]
        self._wishes[:] = [*before, *self._wishes[place + 1 :]]
