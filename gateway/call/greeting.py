"""The first words of a gateway-played call, and when they are said. Pure."""

from __future__ import annotations

from gateway.call.answered import Answered
from gateway.call.effects import Effect
from gateway.call.parts import Parts
from gateway.call.replying import Replying

__all__ = ["Greeting"]

GREETING_S = 1.0
"""How long the greeting waits for the client's event channel once media flows."""


class Greeting:
    def __init__(self, parts: Parts, answered: Answered, replying: Replying) -> None:
        self._parts = parts
        self._answered = answered
        self._replying = replying
        self.channel = False
        """The client's event channel is open."""
        self.over = False
        """It was asked for, or there is nothing to say."""

    def say(self, now: float, out: list[Effect]) -> None:
        """Ask for it, if its time has come."""
        parts = self._parts
        if (
            self.over
            or parts.spending.over
            or parts.audio_origin is None
            or not (self.channel or now - parts.audio_origin >= GREETING_S)
        ):
            return
        self.over = True
        words = parts.persona.first_words if parts.settings.outbound else parts.persona.greeting
        if parts.desk.rewritten or self._answered.reserved:
            words = ""
        if words := " ".join(filter(None, (parts.settings.announce, words))):
            self._answered.greeted(now)
            self._replying.say(words, now, out)

    def tick(self, now: float, out: list[Effect]) -> None:
        """No channel may ever open."""
        origin = self._parts.audio_origin
        if not self.over and origin is not None and now - origin >= GREETING_S:
            self.say(now, out)
