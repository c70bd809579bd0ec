"""The deadlines of a call: how long nobody may speak, and how long it may last. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import CALLER_SILENT, TOO_LONG, Ending
from personas.persona import Limits

__all__ = ["Clock", "Due"]


@dataclass(frozen=True, slots=True)
class Due:
    """What is due: something to say, and with it perhaps the end."""

    words: str
    ending: Ending | None = None


class Clock:
    def __init__(self, limits: Limits, now: float, *, still_there: str, farewell: str) -> None:
        self._limits = limits
        self._began = now
        self._active = now
        self._still_there = still_there
        self._farewell = farewell
        self._asked = False
        self._stopped_at: float | None = None

    def succeed(self, limits: Limits, *, still_there: str, farewell: str) -> None:
        """Another agent takes over: its limits hold, counted from the beginning of the call."""
        self._limits, self._still_there, self._farewell = limits, still_there, farewell

    def stop(self, now: float) -> None:
        """The caller is on hold: no time passes until `go_on`."""
        if self._stopped_at is None:
            self._stopped_at = now

    def go_on(self, now: float) -> None:
        if self._stopped_at is not None:
            self._began += now - self._stopped_at
            self._active = now
            self._stopped_at = None

    def active(self, now: float) -> None:
        """Somebody spoke."""
        self._active = now

    def answered(self) -> None:
        """The caller said something: silence is asked about anew."""
        self._asked = False

    def due(self, now: float, *, quiet: bool) -> Due | None:
        """Called while nobody has decided to end the call. `quiet`: nobody speaks, and nobody owes an answer."""
        if self._stopped_at is not None:
            return None
        if now - self._began >= self._limits.length_s:
            return Due(self._farewell, TOO_LONG)
        if not quiet or now - self._active < self._limits.silence_s:
            return None
        self._active = now
        if self._asked:
            return Due(self._farewell, CALLER_SILENT)
        self._asked = True
        return Due(self._still_there)
