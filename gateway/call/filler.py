"""What is said while a tool takes its time, so that nobody listens to a silent line. Pure.

Two seconds without a sound make people ask "are you there?"; then the persona says that it is still at work, and
once more if it takes long. What it says is a reply as any other: it can be interrupted, and what follows waits for it.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from gateway.call.effects import Effect, RunTool

__all__ = ["FIRST_S", "NEXT_S", "Filler"]

FIRST_S = 2.0
"""So long nobody has spoken while a tool runs."""
NEXT_S = 6.0
"""The same, before what is said after that."""
SOUNDS = frozenset({"press_keys"})
"""Tools that are heard themselves."""


class Filler:
    def __init__(self, words: Sequence[str]) -> None:
        """`words`: what is said, in order; each once while tools run."""
        self._words = words
        self._calls: set[str] = set()
        """Of tools that are heard themselves."""
        self._said = 0
        self._since: float | None = None
        """When it fell silent."""

    def watched(self, effects: list[Effect]) -> list[Effect]:
        """The same, among which may be a tool that is to be run."""
        self._calls |= {
            effect.tool_call_id
            for effect in effects
            if isinstance(effect, RunTool) and effect.name in SOUNDS
        }
        return effects

    def due(self, now: float, running: Set[str], *, silent: bool) -> str | None:
        """What is to be said now, if anything. `running`: the calls of tools that run; `silent`: nobody speaks, nobody
        is about to, and the agent may."""
        self._calls &= running
        at_work = bool(running - self._calls)
        if not at_work:
            self._said = 0
        if not at_work or not silent:
            self._since = None
            return None
        if self._since is None:
            self._since = now
        waits_s = NEXT_S if self._said else FIRST_S
        if self._said >= len(self._words) or now - self._since < waits_s:
            return None
        self._said += 1
        self._since = None
        return self._words[self._said - 1]
