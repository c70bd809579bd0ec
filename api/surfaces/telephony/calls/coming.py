"""Calls that were told to open their socket and have not yet: each is going to need a line."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Coming"]

PATIENCE_S = 10.0
"""A carrier's socket comes within a second or two. A call whose socket is later holds no line any more, and may find
all of them taken when it comes after all."""


class Coming:
    """Keeps the lines of those who are on their way from those who ring after them. Of many who call at once as many
    as there are lines are let in; the others are told so before anything is written down for them."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()

    def expect(self, carrier: str, call: str, now: float) -> None:
        """A call of this name is let in. The same one again still needs one line; one without a name is not kept."""
        if call:
            self._until.pop((carrier, call), None)
            self._until[carrier, call] = now + PATIENCE_S

    def arrived(self, carrier: str, call: str) -> None:
        """Its socket is there, or nobody waits for it any more."""
        self._until.pop((carrier, call), None)

    def others(self, carrier: str, call: str, now: float) -> int:
        """How many are on their way beside this one."""
        while self._until and next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)
        return len(self._until) - ((carrier, call) in self._until)
