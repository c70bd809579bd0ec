"""What happened in one rehearsed call, in order. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Course", "Line", "Use"]


@dataclass(frozen=True, slots=True)
class Line:
    """Words of one side."""

    who: Literal["agent", "caller"]
    text: str
    turn: int
    """Of the caller, counted from 1; 0 before the first."""
    heard: str | None = None
    """caller, in audio: what the agent's ears made of it."""


@dataclass(frozen=True, slots=True)
class Use:
    """One run of a tool, as it ended."""

    tool: str
    arguments: dict[str, Any]
    output: str
    ok: bool
    turn: int


@dataclass(slots=True)
class Course:
    """Told by a line as the call goes on."""

    events: list[Line | Use] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)
    """By turn of the caller: in text from the message to the complete answer, in audio from the last word to the first
    sound of the answer."""
    turn: int = 0
    ending: str | None = None
    """`side/reason`, once the call is over."""
    fault: str = ""
    """Why there was no call, or no more of it."""

    def caller(self, text: str) -> None:
        """A turn of the caller begins."""
        self.turn += 1
        self.events.append(Line("caller", text, self.turn))

    def heard(self, text: str) -> None:
        """What the agent understood of the caller's last words."""
        for at in range(len(self.events) - 1, -1, -1):
            line = self.events[at]
            if isinstance(line, Line) and line.who == "caller":
                known = f"{line.heard} {text}" if line.heard else text
                self.events[at] = Line("caller", line.text, line.turn, known.strip())
                return

    def agent(self, text: str) -> None:
        if text.strip():
            self.events.append(Line("agent", text.strip(), self.turn))

    def used(self, tool: str, arguments: str, output: str, *, ok: bool) -> None:
        try:
            given = json.loads(arguments or "{}")
        except ValueError:
            given = {}
        self.events.append(Use(tool, given if isinstance(given, dict) else {}, output, ok, self.turn))

    # ── what is asked of it ──

    def said(self, turn: int | None = None) -> str:
        """Everything that the agent said; or only in answer to one turn."""
        lines = [e for e in self.events if isinstance(e, Line) and e.who == "agent"]
        return "\n".join(line.text for line in lines if turn is None or line.turn == turn)

    def uses(self, turn: int | None = None) -> list[Use]:
        return [e for e in self.events if isinstance(e, Use) and (turn is None or e.turn == turn)]
