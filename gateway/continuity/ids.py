"""Ids of items, responses and tool calls: the call keeps the ones it knows, whichever provider comes next. Pure.

Mostly an id means the same on both sides. It does not when a new provider names an item that the call knows already
(the caller's replayed speech), or happens to use an id of a provider before it.
"""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["LONGEST", "Ids", "Names", "Table"]

REMEMBERED = 20_000
"""Ids of one kind that are remembered, some hours of talk; beyond it the oldest are forgotten."""

LONGEST = 32
"""Characters of an item id that every server accepts from a client (OpenAI API reference: conversation items)."""


class Names:
    """New ids, the same ones for the same `seed`."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._seed}{self._count:04x}"


class Table:
    """Ids of one kind. `inward` is from the provider to the call, `outward` the other way."""

    def __init__(self, prefix: str, names: Names) -> None:
        self._prefix = prefix
        self._names = names
        self._link = 0
        self._owner: OrderedDict[str, int] = OrderedDict()
        """Id as the call knows it → the link that brought it."""
        self._inward: dict[str, str] = {}
        self._outward: dict[str, str] = {}

    def renew(self, link: int) -> None:
        """Another link is in force: what its predecessor's ids meant is over."""
        self._link = link
        self._inward.clear()
        self._outward.clear()

    def bind(self, theirs: str, ours: str) -> None:
        """The provider calls `theirs` what the call knows as `ours`."""
        self._inward[theirs] = ours
        self._outward[ours] = theirs
        self._own(ours)

    def inward(self, theirs: str) -> str:
        ours = self._inward.get(theirs)
        if ours is not None:
            return ours
        owner = self._owner.get(theirs)
        if owner is None:
            self._own(theirs)
            return theirs
        if owner == self._link:
            return theirs
        ours = self._names.new(self._prefix)
        self.bind(theirs, ours)
        return ours

    def __contains__(self, ours: str) -> bool:
        """Whether the provider in force was told of this id of the call's."""
        return ours in self._outward

    def outward(self, ours: str) -> str:
        return self._outward.get(ours, ours)

    def new(self) -> str:
        """An id that neither side has used."""
        ours = self._names.new(self._prefix)
        self._own(ours)
        return ours

    def is_foreign(self, ours: str) -> bool:
        """Whether the call has this id, and not from the link in force."""
        return self._owner.get(ours, self._link) != self._link

    def for_seeding(self, ours: str) -> str:
        """The id under which a known item is created at the provider of this link: its own where that is
        accepted."""
        theirs = ours if len(ours) <= LONGEST else self._names.new(self._prefix)
        self.bind(theirs, ours)
        return theirs

    def again(self, ours: str) -> str:
        """A fresh id for an item that was deleted at the provider, to create it anew."""
        theirs = self._names.new(self._prefix)
        self.bind(theirs, ours)
        return theirs

    def _own(self, ours: str) -> None:
        self._owner[ours] = self._link
        if len(self._owner) > REMEMBERED:
            self._owner.popitem(last=False)


class Ids:
    """The tables of one call."""

    def __init__(self, seed: str) -> None:
        self.names = Names(seed)
        self.items = Table("item", self.names)
        self.responses = Table("resp", self.names)
        self.calls = Table("call", self.names)

    def renew(self, link: int) -> None:
        for table in (self.items, self.responses, self.calls):
            table.renew(link)
