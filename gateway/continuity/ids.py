"""Ids of items, responses and tool calls: the call keeps the ones it knows, whichever provider comes next. Pure.

Mostly an id means the same on both sides. It does not when a new provider names an item that the call knows already
(the caller's replayed speech), or happens to use an id of a provider before it.
"""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Ids", "Names", "Table"]

REMEMBERED = 20_000
"""Ids of one kind that are remembered, some hours of talk; beyond it the oldest are forgotten."""


class Names:
    """New ids, the same ones for the same `seed`. With a seed of 12 characters they are under 32 characters, which
    every server accepts from a client (OpenAI API reference: conversation items)."""

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
        self._known: OrderedDict[str, None] = OrderedDict()
        """Ids that the call has heard of, from any link, or will."""
        self._inward: dict[str, str] = {}
        """What the link in force means by an id; of one that is not here it has said nothing yet."""
        self._outward: dict[str, str] = {}

    def renew(self) -> None:
        """Another link is in force: what its predecessor meant is over."""
        self._inward.clear()
        self._outward.clear()

    def bind(self, theirs: str, ours: str) -> None:
        """The provider calls `theirs` what the call knows as `ours`."""
        self._inward[theirs] = ours
        self._outward[ours] = theirs
        self._known[ours] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def inward(self, theirs: str) -> str:
        ours = self._inward.get(theirs)
        if ours is None:
            # An id that another provider has used for something else.
            ours = self._names.new(self._prefix) if theirs in self._known else theirs
            self.bind(theirs, ours)
        return ours

    def outward(self, ours: str) -> str:
        return self._outward.get(ours, ours)

    def new(self) -> str:
        """An id that neither side has used."""
        ours = self._names.new(self._prefix)
        self.bind(ours, ours)
        return ours

    def is_foreign(self, ours: str) -> bool:
        """Whether the call has this id, and not from the link in force."""
        return ours in self._known and ours not in self._outward

    def for_seeding(self, ours: str) -> str:
        """A fresh id under which something that the call knows is created at the provider: it may count its own ids,
        and come upon the call's."""
        theirs = self._names.new(self._prefix)
        self.bind(theirs, ours)
        return theirs

    def for_pair(self, ours: str) -> str:
        """The same for the id of a tool call, which the call and its output share."""
        return self._outward.get(ours) or self.for_seeding(ours)


class Ids:
    """The tables of one call."""

    def __init__(self, seed: str) -> None:
        self.names = Names(seed)
        self.items = Table("item", self.names)
        self.responses = Table("resp", self.names)
        self.calls = Table("call", self.names)

    def renew(self) -> None:
        for table in (self.items, self.responses, self.calls):
            table.renew()
