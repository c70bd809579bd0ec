"""What a client did wrong, as its server sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Event", "Fault", "Refused"]

Event = dict[str, Any]
"""One event of a realtime protocol, as its JSON object."""


class Refused(Exception):
    """The server does not take an event; it answers with `error` and changes nothing."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        rule: str,
        param: str | None = None,
        harmless: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.rule = rule
        """Where the rule stands: a section of the reference, or a type of the vendor's package."""
        self.harmless = harmless
        """True where the two ends may cross each other without either being wrong (section 10: noise)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal, kept for the test to look at."""

    rule: str
    code: str
    param: str | None
    message: str
    event: Event | str
    """What was refused; text where it was not even JSON."""

    def __str__(self) -> str:
        kind = self.event.get("type") if isinstance(self.event, dict) else "a message"
        return f"{kind}: {self.message} [{self.code}, {self.rule}]"
