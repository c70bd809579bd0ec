"""How a call comes to its end: somebody decided it, the agent still has to be heard, the caller may object. Pure."""

from __future__ import annotations

from gateway.call.inputs import HandOverAsked, HangUpAsked
from gateway.errors import AGENT_HUNG_UP, CALLER_SILENT, HANDED_OVER, OVER_BUDGET, Ending

__all__ = ["CLOSING_S", "Parting", "is_goodbye"]

CLOSING_S = 20.0
"""What was not heard by then is not waited for; counted anew when the last words begin."""

REVOCABLE = frozenset({AGENT_HUNG_UP, CALLER_SILENT, HANDED_OVER})
"""Endings that a caller who speaks up takes back. Length and cost are not among them."""

FAREWELLS = """
    bye goodbye good thank thanks you night day evening have a nice take care see ok okay too
"""
GOODBYES = frozenset(FAREWELLS.split())


def is_goodbye(text: str) -> bool:
    """Whether the words only return a farewell."""
    words = "".join(c if c.isalpha() else " " for c in text.lower()).split()
    return all(word in GOODBYES for word in words)


class Parting:
    def __init__(self) -> None:
        self.ending: Ending | None = None
        """How the call ends once the agent has been heard; None while nobody wants to end it."""
        self.farewell_due = False
        """The farewell was decided on and is still to be said."""
        self._since = 0.0

    def decide(self, ending: Ending, now: float, *, farewell_due: bool = False) -> None:
        """A spent budget is the last word."""
        if self.ending is OVER_BUDGET:
            return
        self.ending = ending
        self.farewell_due = farewell_due
        self._since = now

    def asked(self, event: HangUpAsked | HandOverAsked, now: float, *, silent: bool) -> None:
        """A tool wants the call to end. `silent`: of the reply that called it nothing was said, so a hang-up still
        needs its farewell."""
        if isinstance(event, HandOverAsked):
            self.decide(HANDED_OVER, now, farewell_due=not event.said)
        else:
            self.decide(AGENT_HUNG_UP, now, farewell_due=silent)

    def speaking(self, now: float) -> None:
        """The last words begin to be heard."""
        self._since = now

    def revoke(self) -> None:
        """The caller has more to say."""
        if self.ending in REVOCABLE:
            self.ending = None
            self.farewell_due = False

    def overdue(self, now: float) -> Ending | None:
        """The ending, when its patience is used up."""
        if self.ending is None or now - self._since < CLOSING_S:
            return None
        return self.ending
