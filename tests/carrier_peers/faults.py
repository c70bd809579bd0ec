"""What an application did wrong, as its carrier sees it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Broken", "Fault", "Frame"]

Frame = str | bytes
"""One message of a socket: text or binary."""

QUOTED = 200
"""Characters of a frame that a fault's text shows."""


class Broken(Exception):
    """A rule of the carrier's was broken; what broke it changes nothing."""

    def __init__(self, code: str, message: str, rule: str) -> None:
        super().__init__(message)
        self.code = code
        """The carrier's error number, or a word where it has none."""
        self.message = message
        self.rule = rule
        """Where the rule stands: a section of the telephony reference, or a page of the vendor's."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule, kept for the test to look at."""

    code: str
    message: str
    rule: str
    frame: Frame
    """What broke it; empty where it was no message."""
    at_ms: float
    """Milliseconds since the socket opened."""

    def __str__(self) -> str:
        return f"{self.code} at {self.at_ms:.0f} ms: {self.message} [{self.rule}] {self.frame[:QUOTED]!r}"
