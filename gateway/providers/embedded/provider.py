"""The embedded engine as a provider: sessions in this process, without a socket, a key or a network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.engine.at_once import AtOnce
from gateway.engine.lessons import Lessons
from gateway.engine.mind import Policy
from gateway.engine.opening import configure, new_core, open_engine
from gateway.engine.session import Parts
from gateway.ports import ModelSession, ModelSpec
from gateway.speech.ports import Ears, Voice

__all__ = ["MODEL", "EmbeddedModel"]

MODEL = "parley-embedded"
"""What the engine calls itself when nobody asked for another name."""


class EmbeddedModel:
    """`gateway.ports.Model`. The ears learn a persona's sentences when its first session opens, if not before."""

    name = "embedded"

    def __init__(self, ears: Ears, voice: Voice, policy: Policy, lessons: Lessons | None = None) -> None:
        self._ears = ears
        self._voice = voice
        self._mind = AtOnce(policy)
        self._lessons = lessons or Lessons(ears, policy.script)

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        await self._lessons.teach(spec.persona)
        # The caller keeps its own audio; only a client over a socket may ask for it back.
        core = await new_core(spec.persona, MODEL, keep_audio_ms=0)
        configure(core, spec.session, self.name)
        parts = Parts(self._mind, self._ears, self._voice, spec.persona.id, self.name)
        async with open_engine(core, parts) as session:
            yield session
