"""Token buckets: how fast one client may be. Sans-IO."""

from __future__ import annotations

__all__ = ["Bucket"]


class Bucket:
    """Fills at `rate` a second up to `burst`; begins full. `now` is any clock in seconds."""

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at: float | None = None

    def take(self, amount: float, now: float) -> bool:
        """Whether so much is there; then it is taken."""
        self._fill(now)
        if self._level < amount:
            return False
        self._level -= amount
        return True

    def wait(self, amount: float, now: float) -> float:
        """Take so much, also what is not there yet: the seconds until it will be."""
        self._fill(now)
        self._level -= amount
        return max(0.0, -self._level / self._rate)

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
