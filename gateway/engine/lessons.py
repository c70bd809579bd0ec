"""What the ears are taught of each persona's callers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.speech.ports import Ears
from personas.persona import Persona

__all__ = ["Lessons"]

SAME_AT_MOST = 8
"""Forms of one persona that are remembered to be understood alike."""


@dataclass(slots=True)
class _Taught:
    sentences: tuple[str, ...]
    by: deque[tuple[object, ...]] = field(default_factory=lambda: deque(maxlen=SAME_AT_MOST))
    """What of a persona gave these sentences: a scenario's brand changes what an agent says, not what callers do."""


class Lessons:
    """One lesson per persona id."""

    def __init__(self, ears: Ears, script: Callable[[Persona], tuple[str, ...]]) -> None:
        self.ears = ears
        self._script = script
        self._taught: dict[str, _Taught] = {}

    async def teach(self, persona: Persona) -> None:
        """Have the ears learn this persona's script, unless they have. Writing out a script takes a tenth of a
        second, so a thread does it. What else differs between sessions of a persona (its greeting, its facts) is no
        part of a script."""
        heard = (persona.dialogue, persona.hear, persona.languages.primary)
        taught = self._taught.get(persona.id)
        if taught is not None and heard in taught.by:
            return
        sentences = await asyncio.to_thread(self._script, persona)
        taught = self._taught.get(persona.id)
        if taught is None or taught.sentences != sentences:
            if sentences:
                self.ears.learn(persona.id, sentences)
            taught = self._taught[persona.id] = _Taught(sentences)
        taught.by.append(heard)
