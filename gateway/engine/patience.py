"""How long the caller may stay silent after a response (`idle_timeout_ms`, OpenAI API reference: turn detection)."""

from __future__ import annotations

from gateway.realtime.session import TurnDetection

__all__ = ["Patience"]


class Patience:
    """Counts from the moment a client that plays at once has played the last response to its end."""

    def __init__(self, now: float) -> None:
        self._playing_until = now
        self._waiting: tuple[float, int] | None = None

    def played(self, seconds: float, now: float) -> None:
        """Audio of this length went out."""
        self._playing_until = max(self._playing_until, now) + seconds

    def cut(self, now: float) -> None:
        """The client plays no further."""
        self._playing_until = min(self._playing_until, now)

    def wait(self, position_ms: int, now: float) -> None:
        """A response ended; `position_ms` is how much audio the caller has sent."""
        self._waiting = (max(self._playing_until, now), position_ms)

    def stop(self) -> None:
        """Somebody speaks."""
        self._waiting = None

    def deadline(self, turns: TurnDetection | None) -> float | None:
        """When patience ends; None while it has no end."""
        if self._waiting is None or turns is None or turns.idle_timeout_ms is None:
            return None
        return self._waiting[0] + turns.idle_timeout_ms / 1000

    def over(self, turns: TurnDetection | None, now: float) -> int | None:
        """Once patience ends: the position where the silence began. Then it stops."""
        deadline = self.deadline(turns)
        if deadline is None or now < deadline or self._waiting is None:
            return None
        _, position_ms = self._waiting
        self._waiting = None
        return position_ms
