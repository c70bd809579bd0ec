"""The core of a live call, each of whose inputs is journaled at its time with what came of it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.call.core import Core
from gateway.call.effects import Effect, Write
from gateway.call.inputs import LegInput, Lost, Played, ToolDecided, ToolFinished, Wish
from gateway.call.journal import Journal
from gateway.call.relay import RelayCore
from gateway.errors import Ending
from gateway.ports import Event

__all__ = ["CALM_EVERY", "CALM_TICKS", "JournaledCore"]

CALM_TICKS, CALM_EVERY = 20, 4
"""Every fourth tick is enough for the core's long deadlines, once it says that no short one is pending; and in any case
after a second in which nothing came and nothing was decided, for the short ones all follow on something that came. How
far a reply is counts as something that came only while one is pending."""


class JournaledCore:
    """Each input gives the effects to carry out, in order."""

    def __init__(self, core: Core | RelayCore, journal: Journal, ms: Callable[[], int]) -> None:
        """`ms`: milliseconds of the call. The core is told whole ones, as the journal is: so a replay gives it the very
        same figures."""
        self.core = core
        self._journal = journal
        self._ms = ms
        self._calm = 0
        """Ticks since anything came or was decided."""
        self._hurried = True
        """Something may be due soon."""

    @property
    def session(self) -> dict[str, Any]:
        """The session as the client sees it."""
        return self.core.session

    def said(self) -> list[tuple[str, str]]:
        """The conversation so far: who (`user`, `assistant`) and what."""
        return self.core.said()

    def answering(self, model: str, provider: str) -> None:
        """The model of this name answers from now on."""
        self.core.answering(model, provider)

    def leg(self, event: LegInput) -> list[Effect]:
        at_ms = self._ms()
        effects = self.core.leg(event, at_ms / 1000)
        if effects or not isinstance(event, Played):
            self._stir()
        else:
            # That an item goes on being played is nothing new, but where a decision may hang on it.
            self._hurried = self.core.hurried
            if self._hurried:
                self._calm = 0
        self._journal.leg(at_ms, event, effects)
        return effects

    def model(self, event: Event) -> list[Effect]:
        at_ms = self._ms()
        self._stir()
        try:
            effects = self.core.model(event, at_ms / 1000)
        except Exception:
            self._journal.model(at_ms, event, None)
            raise
        self._journal.model(at_ms, event, effects)
        return effects

    def wish(self, wish: Wish) -> list[Effect]:
        at_ms = self._ms()
        self._stir()
        effects = self.core.control(wish, at_ms / 1000)
        self._journal.tool(at_ms, wish, effects)
        return effects

    def tool(self, told: ToolFinished | ToolDecided) -> list[Effect]:
        at_ms = self._ms()
        self._stir()
        if isinstance(told, ToolDecided):
            effects = self.core.decided(told, at_ms / 1000)
        else:
            effects = self.core.tool(told, at_ms / 1000)
        self._journal.tool(at_ms, told, effects)
        return effects

    def tick(self) -> list[Effect]:
        self._calm += 1
        if self._calm % CALM_EVERY and (self._calm > CALM_TICKS or not self._hurried):
            return []
        at_ms = self._ms()
        effects = self.core.tick(at_ms / 1000)
        if effects:
            self._calm = 0
        self._hurried = self.core.hurried
        self._journal.tick(at_ms, effects)
        return effects

    def _stir(self) -> None:
        self._calm, self._hurried = 0, True

    def over(self, ending: Ending, at_ms: int) -> list[Write]:
        """The call ended, whoever ended it: what closes its transcript. Not journaled."""
        return [e for e in self.core.leg(Lost(ending), at_ms / 1000) if isinstance(e, Write)]
