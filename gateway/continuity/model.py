"""The one model that calls are given: all configured providers, behind sessions that outlast any of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.beside import bare_group
from gateway.continuity.bridge import Bridge
from gateway.continuity.health import Health
from gateway.continuity.session import LastingSession
from gateway.continuity.state import CoreSettings, Phrase
from gateway.languages import refusal
from gateway.ports import Model, ModelSession, ModelSpec
from gateway.realtime.ids import new_id
from media.audio import PCM24, PCMA, PCMU
from media.transcoder import Transcoder
from personas.persona import Persona

__all__ = ["LastingModel", "LastingSettings"]


@dataclass(frozen=True, slots=True)
class LastingSettings:
    """Times in seconds."""

    stall_s: float = 8.0
    """A provider that owes an answer and says nothing for so long counts as lost."""
    rollover_s: float = 3300.0
    """The age at which a provider's session is replaced; five minutes below the provider's cap."""


class LastingModel:
    """`gateway.ports.Model`."""

    forms = frozenset({PCM24, PCMU, PCMA})

    def __init__(
        self,
        models: Sequence[Model],
        health: Health,
        settings: LastingSettings | None = None,
        bridge: Bridge | None = None,
    ) -> None:
        self._models = {model.name: model for model in models}
        self._health = health
        self._settings = settings or LastingSettings()
        self._bridge = bridge
        self.name = models[0].name
        """Of the provider that is preferred; a session tells who answers."""

    def refuses(self, persona: Persona, *, written: bool) -> str | None:
        """`gateway.languages.SpeaksSome`: why no provider can hold this persona's calls."""
        reasons = [refusal(model, persona, written=written) for model in self._models.values()]
        return None if None in reasons else reasons[-1]

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        bridge = self._bridge
        lasting: list[LastingSession] = []
        settings = CoreSettings(
            session=spec.session,
            seed=new_id("x")[2:14],
            stall_s=self._settings.stall_s,
            rollover_s=self._settings.rollover_s,
            form=spec.form,
            phrase=lambda voice: _phrase(bridge, lasting[0].spec, voice),
        )
        async with bare_group() as group:
            session = LastingSession(self._models, self._health, spec, settings, group)
            lasting.append(session)
            try:
                await session.open()
                yield session
            finally:
                session.close()


def _phrase(bridge: Bridge | None, spec: ModelSpec, voice: str) -> Phrase | None:
    """The bridging phrase in the call's format."""
    spoken = None if bridge is None else bridge.audio(spec.persona, voice)
    if spoken is None:
        return None
    text, pcm = spoken
    return text, Transcoder(PCM24, spec.form).process(pcm)
