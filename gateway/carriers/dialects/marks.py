"""Marks that were sent to a carrier: which echo says that everything before it was played, and which does not."""

from __future__ import annotations

from collections import deque

__all__ = ["Marks"]


class Marks:
    """Twilio and those like it return a mark when it is reached *and* when it is cleared, and do not say which.

    At `AT_MOST` marks without an answer the oldest is forgotten: its echo then says nothing.
    """

    __slots__ = ("_dropped", "_waiting")

    AT_MOST = 1000

    def __init__(self) -> None:
        self._waiting: deque[str] = deque(maxlen=self.AT_MOST)
        self._dropped: deque[str] = deque(maxlen=self.AT_MOST)

    def sent(self, name: str) -> None:
        self._waiting.append(name)

    def cleared(self) -> None:
        """All that wait will come back without having been reached. One that is on its way to us at this moment was,
        and is counted as not: what was heard is rather told too short by a network's delay than too long."""
        self._dropped.extend(self._waiting)
        self._waiting.clear()

    def forget(self) -> None:
        """None that wait will come back."""
        self._waiting.clear()

    def reached(self, name: str) -> bool:
        """An echo came: was all before this mark played? Not for one that was cleared, came twice, or is not ours."""
        if self._dropped and name in self._dropped:
            self._dropped.remove(name)
            return False
        if name not in self._waiting:
            return False
        self._waiting.remove(name)
        return True
