"""A cascade as a provider: speech to text, a language model with tools, text to speech, each over HTTP.

The three interfaces are OpenAI's REST ones, which many servers speak. A stage that is not configured is the embedded
engine's: its ears, its voice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.config import Settings
from gateway.engine.lessons import Lessons
from gateway.engine.manner import Manner
from gateway.engine.opening import configure, kept_audio_ms, new_core, open_engine
from gateway.engine.session import Parts
from gateway.engine.workshop import Workshop
from gateway.errors import ConfigError, ModelRefused, ModelUnavailable
from gateway.ports import ModelSession, ModelSpec
from gateway.providers.cascade.ears import RestEars
from gateway.providers.cascade.mind import ChatMind
from gateway.providers.cascade.rest import Rest, new_http
from gateway.providers.cascade.voice import PHRASING, RestVoice
from gateway.speech.clauses import Phrasing
from gateway.speech.ports import LANGUAGES, Ears, Voice
from media.audio import PCM24
from personas.languages import language_of
from personas.persona import Persona

__all__ = ["CascadeModel", "opened"]

MOST_FAULTS = 2
"""Failures in a row of ears or voice, and the session is given up, so that another provider takes over."""


@asynccontextmanager
async def opened(settings: Settings, workshop: Workshop) -> AsyncIterator[CascadeModel]:
    """As the settings say, with the workshop's ears and voice for what they leave out. Raises ConfigError."""
    chat, stt, tts = settings.stage("chat"), settings.stage("stt"), settings.stage("tts")
    if chat is None:
        raise ConfigError(["PARLEY_CASCADE_CHAT_URL is not set"])
    async with new_http() as http:
        yield CascadeModel(
            Rest(chat, http),
            Rest(stt, http) if stt is not None else await workshop.lessons(),
            RestVoice(Rest(tts, http), settings.cascade_tts_voice)
            if tts is not None
            else await workshop.voice(),
        )


class CascadeModel:
    """`gateway.ports.Model`. Ears over HTTP, or those that have these lessons."""

    name = "cascade"
    forms = frozenset({PCM24})

    def __init__(self, chat: Rest, ears: Rest | Lessons, voice: Voice) -> None:
        self._chat = chat
        self._ears = ears
        self._voice = voice
        stages = [chat]
        if isinstance(ears, Rest):
            stages.append(ears)
        phrasing = Phrasing()
        if isinstance(voice, RestVoice):
            stages.append(voice.rest)
            phrasing = PHRASING
        self._manner = Manner(phrasing, audio_tokens=False)
        # Stages of one server are one to ask.
        self._places = tuple({(rest.stage.url, rest.stage.key): rest for rest in stages}.values())

    def refuses(self, persona: Persona, *, written: bool) -> str | None:
        """`gateway.languages.SpeaksSome`: the embedded engine's ears and voice, where they stand in, know English."""
        lacks = []
        if not isinstance(self._ears, Rest):
            lacks.append("ears (PARLEY_CASCADE_STT_URL)")
        if not isinstance(self._voice, RestVoice):
            lacks.append("voice (PARLEY_CASCADE_TTS_URL)")
        if written or not lacks or language_of(persona.locale) in LANGUAGES:
            return None
        return (
            f"{persona.display_name} speaks {persona.language}, and the cascade has no {' and no '.join(lacks)} "
            "of its own: the embedded engine's know English only."
        )

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        await self._check()
        ears = await self._ears_for(spec.persona)
        model = self._chat.stage.model
        core = await new_core(spec.persona, model, keep_audio_ms=kept_audio_ms(spec), manner=self._manner)
        configure(core, spec.session, self.name)
        mind = ChatMind(self._chat)
        parts = Parts(mind, ears, self._voice, spec.persona.id, self.name, MOST_FAULTS)
        async with open_engine(core, parts) as session:
            yield session

    async def _check(self) -> None:
        """Raises ModelUnavailable, ModelRefused."""
        async with asyncio.TaskGroup() as group:
            checks = [
                group.create_task(_fault(rest), name=f"check:{rest.stage.name}") for rest in self._places
            ]
        for check in checks:
            if (fault := check.result()) is not None:
                raise fault

    async def _ears_for(self, persona: Persona) -> Ears:
        if isinstance(self._ears, Rest):
            return RestEars(self._ears, persona.locale.split("-", 1)[0].lower() or None)
        await self._ears.teach(persona)
        return self._ears.ears


async def _fault(rest: Rest) -> ModelUnavailable | ModelRefused | None:
    try:
        await rest.check()
    except (ModelUnavailable, ModelRefused) as fault:
        return fault
    return None
