"""What one call may use of tools. Pure."""

from __future__ import annotations

__all__ = ["MOST_AT_ONCE", "MOST_RUNS", "Budget"]

MOST_RUNS = 100
"""Runs of one call, unless it is said otherwise: a model that goes round in circles is stopped."""
MOST_AT_ONCE = 8


class Budget:
    """Counts the runs of one call."""

    def __init__(self, runs: int = MOST_RUNS, at_once: int = MOST_AT_ONCE) -> None:
        self._left = runs
        self._free = at_once

    def take(self) -> str | None:
        """One run begins; None, or a sentence for the model why it may not. `give_back` what was taken."""
        if self._left <= 0:
            return (
                "This call has used its tools as often as it may. Go on without them: tell the caller what you know, "
                "or that somebody will get back to them."
            )
        if self._free <= 0:
            return "Too many tools run at once in this call. Wait for their results first."
        self._left -= 1
        self._free -= 1
        return None

    def give_back(self) -> None:
        """One run ended."""
        self._free += 1
