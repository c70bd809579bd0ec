"""How a session of the engine begins and ends: its core with a persona's defaults, and the shell round it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from gateway.beside import bare_group
from gateway.engine.core import LIFE_S, EngineCore, EngineSettings
from gateway.engine.effects import Emit
from gateway.engine.manner import Manner
from gateway.engine.session import EngineSession, Parts
from gateway.errors import ModelRefused
from gateway.ports import ModelSpec
from gateway.realtime.events import SessionUpdate
from gateway.realtime.ids import new_id
from gateway.realtime.session import default_session
from media.speech_likeness import preload
from media.vad import engine_detector
from personas.persona import Persona

__all__ = ["configure", "kept_audio_ms", "new_core", "open_engine"]

KEPT_AUDIO_MS = 60_000
"""The caller's audio that a client over a socket can ask for again."""


async def new_core(
    persona: Persona,
    model: str,
    *,
    keep_audio_ms: int = KEPT_AUDIO_MS,
    manner: Manner | None = None,
    clock: Callable[[], float] | None = None,
    unspoken: str | None = None,
) -> EngineCore:
    """A session's core with the persona's defaults in force. `clock`: the time, in Unix seconds; none: the real one.
    `unspoken`: see `EngineSettings`."""
    await asyncio.to_thread(_load, persona)
    now = asyncio.get_running_loop().time()
    wall = datetime.now(UTC) if clock is None else datetime.fromtimestamp(clock(), UTC)
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
            detector=engine_detector,
            started_at=wall,
            now=now,
            keep_audio_ms=keep_audio_ms,
            manner=manner or Manner(),
            unspoken=unspoken,
        )
    )


def kept_audio_ms(spec: ModelSpec) -> int:
    """How much of the caller's audio a call's session keeps: none where it travels as RTP, and no event holds any."""
    return 0 if spec.realtime else KEPT_AUDIO_MS


def configure(core: EngineCore, session: dict[str, Any], provider: str) -> None:
    """Put the wanted session in force, silently. Raises ModelRefused."""
    core.start()
    for effect in core.client(SessionUpdate(type="session.update", session=session), 0.0):
        if isinstance(effect, Emit) and effect.event["type"] == "error":
            told = effect.event["error"]
            raise ModelRefused(f"{provider} refused the session: {told['code']} at {told['param']}")


@asynccontextmanager
async def open_engine(core: EngineCore, parts: Parts) -> AsyncIterator[EngineSession]:
    """Run a core until the block is left. What the block raises is raised as it is."""
    async with bare_group() as group:
        session = EngineSession(core, parts, group)
        try:
            yield session
        finally:
            session.close()


def _load(persona: Persona) -> None:
    """What would keep the loop, done in a thread: the core then finds it loaded. The detector takes 40 ms; where it
    cannot be loaded another serves."""
    _ = persona.zone
    with suppress(OSError, RuntimeError):
        preload(1)
