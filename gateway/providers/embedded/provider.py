"""The embedded engine as a provider: sessions in this process, without a socket, a key or a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gateway.config import Settings
from gateway.engine.at_once import AtOnce
from gateway.engine.lessons import Lessons
from gateway.engine.mind import Policy
from gateway.engine.opening import configure, kept_audio_ms, new_core, open_engine
from gateway.engine.session import Parts
from gateway.engine.workshop import Workshop
from gateway.errors import LanguageNotSpoken
from gateway.languages import written
from gateway.ports import ModelSession, ModelSpec
from gateway.providers.embedded.dialogue import DialogueMind
from gateway.providers.embedded.known import refuses
from gateway.speech.ports import Voice
from media.audio import PCM24
from personas.persona import Persona

__all__ = ["MODEL", "EmbeddedModel", "opened"]

MODEL = "parley-embedded"
"""What the engine calls itself when nobody asked for another name."""


@asynccontextmanager
async def opened(settings: Settings, workshop: Workshop) -> AsyncIterator[EmbeddedModel]:
    """With the workshop's ears and voice."""
    yield EmbeddedModel(await workshop.lessons(), await workshop.voice(), DialogueMind(), workshop.wall)


class EmbeddedModel:
    """`gateway.ports.Model`. The ears learn a persona's sentences when its first session opens, if not before."""

    name = "embedded"
    forms = frozenset({PCM24})

    def __init__(
        self, lessons: Lessons, voice: Voice, policy: Policy, wall: Callable[[], float] | None = None
    ) -> None:
        self._wall = wall
        self._lessons = lessons
        self._voice = voice
        self._mind = AtOnce(policy)

    def refuses(self, persona: Persona, *, written: bool) -> str | None:
        """`gateway.languages.SpeaksSome`."""
        return refuses(persona, written=written)

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        why = refuses(spec.persona, written=written(spec.session, plays=spec.realtime))
        if why is not None:
            raise LanguageNotSpoken(why)
        await self._lessons.teach(spec.persona)
        core = await new_core(
            spec.persona,
            MODEL,
            keep_audio_ms=kept_audio_ms(spec),
            clock=self._wall,
            unspoken=refuses(spec.persona, written=False),
        )
        configure(core, spec.session, self.name)
        parts = Parts(self._mind, self._lessons.ears, self._voice, spec.persona.id, self.name)
        async with open_engine(core, parts) as session:
            yield session
