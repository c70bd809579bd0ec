"""A circuit breaker: a tool that fails time and again is left alone for a while. Pure.

After `FAILURES` in a row it opens; `OPEN_S` later one run is let through to try. Should that fail it opens again, for
twice as long, up to `MOST_S`. What a tool refuses for a reason is no failure.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["FAILURES", "MOST_S", "OPEN_S", "STATES", "Fuse", "State"]

State = Literal["closed", "open", "half-open"]
STATES: tuple[State, ...] = ("closed", "open", "half-open")

FAILURES = 5
OPEN_S = 15.0
MOST_S = 120.0


class Fuse:
    """Of one tool in one process. Times in seconds of any clock that only goes forward."""

    def __init__(self) -> None:
        self._failures = 0
        self._opened = 0
        """Times in a row that it opened."""
        self._until: float | None = None
        self._trying = False

    def state(self, now: float) -> State:
        """`half-open`: the next run is let through to try, or is under way."""
        if self._until is None:
            return "closed"
        return "open" if now < self._until else "half-open"

    def opens_in(self, now: float) -> float:
        """How long a run has to wait, in seconds; 0: it may begin now, and `ended` is told how it went."""
        if self._until is None:
            return 0.0
        if now < self._until:
            return self._until - now
        if self._trying:
            return 1.0
        self._trying = True
        return 0.0

    def ended(self, now: float, *, failed: bool | None) -> None:
        """A run that was let through ended; None: nobody knows how, it was broken off."""
        tried, self._trying = self._trying, False
        if failed is None:
            return
        if not failed:
            self._failures = self._opened = 0
            self._until = None
            return
        self._failures += 1
        if tried or self._failures >= FAILURES:
            self._until = now + min(OPEN_S * 2**self._opened, MOST_S)
            self._opened += 1
            self._failures = 0
