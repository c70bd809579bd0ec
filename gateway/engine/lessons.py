"""What the ears are taught of each persona's callers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.speech.ports import Ears
from personas.persona import Persona

__all__ = ["Lessons"]


class Lessons:
    """One lesson per persona id."""

    def __init__(self, ears: Ears, script: Callable[[Persona], tuple[str, ...]]) -> None:
        self.ears = ears
        self._script = script
        self._known: dict[str, tuple[object, ...]] = {}

    async def teach(self, persona: Persona) -> None:
        """Have the ears learn this persona's script, unless they have. Writing out a script takes a tenth of a
        second, so a thread does it. What else differs between sessions of a persona (its greeting, its facts) is no
        part of a script."""
        heard = (persona.dialogue, persona.hear, persona.languages.primary)
        if self._known.get(persona.id) != heard:
            sentences = await asyncio.to_thread(self._script, persona)
            if sentences:
                self.ears.learn(persona.id, sentences)
            self._known[persona.id] = heard
