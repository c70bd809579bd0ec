"""The deadlines of a call: silence, length, and the patience for a last sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.errors import CALLER_SILENT, TOO_LONG, Ending
from personas.persona import Limits

__all__ = ["CLOSING_S", "Clock"]

CLOSING_S = 15.0
"""A farewell that has not been heard by then is not waited for."""


class Clock:
    def __init__(self, limits: Limits, now: float, *, still_there: str = "", farewell: str = "") -> None:
        self._limits = limits
        self._began = now
        self._active = now
        self._still_there = still_there
        self._farewell = farewell
        self._asked = False
        self._closing_since: float | None = None

    def active(self, now: float) -> None:
        """Somebody spoke."""
        self._active = now

    def answered(self) -> None:
        """The caller spoke: being asked again starts anew."""
        self._asked = False

    def closing(self, now: float) -> None:
        if self._closing_since is None:
            self._closing_since = now

    def reopened(self) -> None:
        self._closing_since = None

    def due(self, now: float, *, quiet: bool) -> Iterator[tuple[Ending | None, str]]:
        """What is due: (None, words) to say, (ending, words) to say and then end, (ending, "") to end now."""
        if self._closing_since is not None:
            if now - self._closing_since >= CLOSING_S:
                yield TOO_LONG, ""
            return
        if now - self._began >= self._limits.length_s:
            yield TOO_LONG, self._farewell
            return
        if quiet and now - self._active >= self._limits.silence_s:
            self._active = now
            if self._asked:
                yield CALLER_SILENT, self._farewell
            else:
                self._asked = True
                yield None, self._still_there
