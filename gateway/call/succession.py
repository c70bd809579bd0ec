"""The agent that is to take over the call, and when: as soon as the one before has been heard. Pure.

Neither the caller's words nor a reply that is owed hold it back for long: what nobody has answered yet the next agent
answers.
"""

from __future__ import annotations

from gateway.call.inputs import SuccessorAsked

__all__ = ["WAIT_S", "Succession"]

WAIT_S = 20.0
"""So long a caller who speaks, or tools that run, are waited for."""


class Succession:
    def __init__(self) -> None:
        self._next: SuccessorAsked | None = None
        self._since = 0.0

    @property
    def due(self) -> bool:
        """Somebody is to take over: the agent before is asked for nothing any more."""
        return self._next is not None

    def asked(self, event: SuccessorAsked, now: float) -> None:
        """Of two who are asked for the later one takes over."""
        self._next, self._since = event, now

    def overdue(self, now: float) -> bool:
        return self._next is not None and now - self._since >= WAIT_S

    def take(self) -> SuccessorAsked | None:
        """Who takes over now."""
        asked, self._next = self._next, None
        return asked
