"""What has happened in this process since it began, for `/metrics`. No I/O; holds nothing of any one call."""

from __future__ import annotations

from collections import Counter

__all__ = ["Counts"]


class Counts:
    """One for all calls. Its labels come from short lists: kinds of leg, endings, providers."""

    def __init__(self) -> None:
        self.endings: Counter[tuple[str, str]] = Counter()
        """Calls that are over, by kind of leg and ending (`side/reason`)."""
        self.failovers: Counter[tuple[str, str]] = Counter()
        """How often a live call went on with another provider, by the provider before and after."""

    def call_ended(self, leg: str, ending: str) -> None:
        self.endings[leg, ending] += 1

    def failed_over(self, before: str, after: str) -> None:
        self.failovers[before, after] += 1
