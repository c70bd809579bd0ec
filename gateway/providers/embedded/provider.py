"""The embedded engine as a provider: sessions in this process, without a socket, a key or a network."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from gateway.errors import ModelRefused
from gateway.ports import ModelSession, ModelSpec
from gateway.providers.embedded.core import LIFE_S, EngineCore, EngineSettings
from gateway.providers.embedded.effects import Emit
from gateway.providers.embedded.mind import Mind
from gateway.providers.embedded.session import EngineSession
from gateway.realtime.events import SessionUpdate
from gateway.realtime.ids import new_id
from gateway.realtime.session import default_session
from gateway.speech.ports import Ears, Voice
from media.speech_likeness import preload
from media.vad import engine_detector
from personas.persona import Persona

__all__ = ["MODEL", "EmbeddedModel", "Lessons", "new_core", "open_engine"]

log = logging.getLogger(__name__)

MODEL = "parley-embedded"
"""What the engine calls itself when nobody asked for another name."""


class Lessons:
    """What the ears are taught of each persona's callers. One entry per persona id."""

    def __init__(self, ears: Ears, mind: Mind) -> None:
        self._ears = ears
        self._mind = mind
        self._known: dict[str, Persona] = {}

    async def teach(self, persona: Persona) -> None:
        """Have the ears learn this persona's script, unless they have. Writing out a script takes a tenth of a
        second, so a thread does it."""
        if self._known.get(persona.id) == persona:
            return
        sentences = await asyncio.to_thread(self._mind.script, persona)
        self._ears.learn(persona.id, sentences)
        self._known[persona.id] = persona


class EmbeddedModel:
    """`gateway.ports.Model`. The ears learn a persona's sentences when its first session opens, if not before."""

    name = "embedded"

    def __init__(self, ears: Ears, voice: Voice, mind: Mind) -> None:
        self._ears = ears
        self._voice = voice
        self._mind = mind
        self._lessons = Lessons(ears, mind)

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        await self._lessons.teach(spec.persona)
        # The caller keeps its own audio; only a client over a socket may ask for it back.
        core = await new_core(self._mind, spec.persona, MODEL, keep_audio_ms=0)
        _configure(core, spec.session)
        async with open_engine(core, self._ears, self._voice, spec.persona.id) as session:
            yield session


async def new_core(mind: Mind, persona: Persona, model: str, *, keep_audio_ms: int = 60_000) -> EngineCore:
    """A session's core with the persona's defaults in force."""
    await asyncio.to_thread(_load, persona)
    now, wall = asyncio.get_running_loop().time(), datetime.now(UTC)
    session = default_session(
        model=model,
        session_id=new_id("sess"),
        expires_at=int(wall.timestamp() + LIFE_S),
        instructions=persona.instructions,
        voice=persona.default_voice,
    )
    return EngineCore(
        EngineSettings(
            session=session,
            persona=persona,
            mind=mind,
            detector=engine_detector,
            started_at=wall,
            now=now,
            keep_audio_ms=keep_audio_ms,
        )
    )


@asynccontextmanager
async def open_engine(
    core: EngineCore, ears: Ears, voice: Voice, script: str
) -> AsyncIterator[EngineSession]:
    """Run a core until the block is left. What the block raises is raised as it is."""
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        session = EngineSession(core, ears, voice, script, group)
        try:
            yield session
        except Exception as error:  # noqa: BLE001 - raised again below, without the group's wrapping
            failure = error
        finally:
            session.close()
    if failure is not None:
        raise failure


def _configure(core: EngineCore, session: dict[str, Any]) -> None:
    """Put the wanted session in force. Raises ModelRefused."""
    core.start()
    for effect in core.client(SessionUpdate(type="session.update", session=session), 0.0):
        if isinstance(effect, Emit) and effect.event["type"] == "error":
            told = effect.event["error"]
            raise ModelRefused(
                f"the embedded engine refused the session: {told['code']} at {told['param']}"
            )


def _load(persona: Persona) -> None:
    """What would keep the loop, done in a thread: the core then finds it loaded. The detector takes 40 ms; where it
    cannot be loaded another serves."""
    _ = persona.zone
    with suppress(OSError, RuntimeError):
        preload(1)
