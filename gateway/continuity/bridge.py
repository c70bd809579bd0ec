"""The phrase that covers a change of providers, spoken ahead: in the moment it is needed nobody is there to say it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Protocol

from gateway.beside import beside
from gateway.errors import GatewayError
from gateway.log import where
from gateway.speech.active import open_voice
from gateway.speech.last_resort import ToneVoice
from gateway.speech.ports import LANGUAGES, Voice
from personas.languages import language_of
from personas.persona import Persona

__all__ = ["Bridge", "SpokenBridge", "spoken_bridge"]

logger = logging.getLogger(__name__)

SPEAK_S = 10.0
"""Longest wait for one phrase in one voice."""


class Bridge(Protocol):
    def audio(self, persona: Persona, voice: str) -> tuple[str, bytes] | None:
        """The words and their sound (PCM16 24 kHz) in a voice; None where there is none. Returns at once."""


class SpokenBridge:
    """Phrases by words and voice. What is missing is missing: a call goes on without it."""

    def __init__(self) -> None:
        self._spoken: dict[tuple[str, str], bytes] = {}

    def audio(self, persona: Persona, voice: str) -> tuple[str, bytes] | None:
        text = persona.bridging
        pcm = self._spoken.get((text, voice)) or self._spoken.get((text, persona.default_voice))
        return None if pcm is None else (text, pcm)

    async def prepare(self, personas: Iterable[Persona], voice: Voice) -> None:
        """Have every persona's phrase spoken in each voice it may have, its own first, if the voice knows the language.
        Never fails for a phrase that cannot be spoken."""
        known = [persona for persona in personas if language_of(persona.locale) in LANGUAGES]
        wanted = [(persona.bridging, persona.default_voice) for persona in known]
        wanted += [(persona.bridging, name) for persona in known for name in persona.allowed_voices]
        for text, name in wanted:
            if text.strip() and (text, name) not in self._spoken:
                pcm = await _speak(text, name, voice)
                if pcm:
                    self._spoken[text, name] = pcm


@asynccontextmanager
async def spoken_bridge(
    personas: Iterable[Persona], voice: Voice | None, begin: asyncio.Event
) -> AsyncIterator[SpokenBridge]:
    """The phrases of these personas, spoken by `voice`; without one, by a voice that is opened then. No call waits
    for them: they come one after the other, while the block runs, once `begin` is set. What the block raises is raised
    as it is."""
    bridge = SpokenBridge()
    async with beside(_prepared(bridge, tuple(personas), voice, begin), "bridge"):
        yield bridge


async def _prepared(
    bridge: SpokenBridge, personas: tuple[Persona, ...], voice: Voice | None, begin: asyncio.Event
) -> None:
    try:
        await begin.wait()
        if voice is not None:
            await bridge.prepare(personas, voice)
            return
        async with open_voice(1) as own:
            # Tones instead of words would say nothing, and be strange beside a provider's voice.
            if not isinstance(own, ToneVoice):
                await bridge.prepare(personas, own)
    except Exception as fault:  # noqa: BLE001 - our bug: calls go on without the phrases
        logger.error("no bridging phrases: %s", where(fault))


async def _speak(text: str, name: str, voice: Voice) -> bytes:
    try:
        async with asyncio.timeout(SPEAK_S):
            return b"".join([chunk async for chunk in voice.speak(text, voice=name)])
    except (GatewayError, TimeoutError) as error:
        logger.warning("no bridging phrase in the voice %s: %s", name, type(error).__name__)
        return b""
