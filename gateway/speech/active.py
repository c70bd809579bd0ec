"""The best ears and voice that this machine can run, and what to install for better ones."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from gateway.speech.ears import open_ears as pooled_ears
from gateway.speech.errors import SpeechUnavailable
from gateway.speech.flite import Flite, FliteMissing
from gateway.speech.last_resort import NoEars, ToneVoice
from gateway.speech.ports import Ears, Voice
from gateway.speech.voice import open_voice as pooled_voice

__all__ = ["Finding", "open_ears", "open_speech", "open_voice", "probe"]

log = logging.getLogger(__name__)

ENGINES: tuple[Literal["flite", "espeak"], ...] = ("flite", "espeak")


@dataclass(frozen=True, slots=True)
class Finding:
    """One engine, as `parley doctor` reports it."""

    name: str
    ok: bool
    detail: str
    """What it gives, or what to do to get it."""


@asynccontextmanager
async def open_speech(ears_workers: int = 2, voice_workers: int = 1) -> AsyncIterator[tuple[Ears, Voice]]:
    """Both at once, see `open_ears` and `open_voice`."""
    async with open_ears(ears_workers) as ears, open_voice(voice_workers) as voice:
        yield ears, voice


@asynccontextmanager
async def open_ears(workers: int) -> AsyncIterator[Ears]:
    """Start a pool: pocketsphinx, or ears that hear nothing. Says in the log which. Leaving ends every process,
    within a few seconds. Never raises for a missing engine."""
    async with AsyncExitStack() as stack:
        ears = await _ears(stack, workers)
        log.info("ears: %s", ears.tier)
        yield ears


@asynccontextmanager
async def open_voice(workers: int) -> AsyncIterator[Voice]:
    """Start a pool, best engine first: flite, espeak-ng, tones with text. Otherwise as `open_ears`."""
    async with AsyncExitStack() as stack:
        voice = await _voice(stack, workers)
        log.info("voice: %s", voice.tier)
        yield voice


async def _ears(stack: AsyncExitStack, workers: int) -> Ears:
    try:
        return await stack.enter_async_context(pooled_ears(workers))
    except SpeechUnavailable as error:
        log.warning("no ears: %s; see parley doctor", error)
        return NoEars()


async def _voice(stack: AsyncExitStack, workers: int) -> Voice:
    for engine in ENGINES:
        if engine == "espeak" and await asyncio.to_thread(shutil.which, "espeak-ng") is None:
            continue  # Plainly absent: no process need be started to find out.
        try:
            return await stack.enter_async_context(pooled_voice(workers, engine=engine))
        except SpeechUnavailable as error:
            log.warning("no voice by %s: %s; see parley doctor", engine, error)
    return ToneVoice()


def probe() -> tuple[Finding, ...]:
    """What is there, in order of preference. Loads libraries: for the doctor, not for a serving process."""
    return (_pocketsphinx(), _flite(), _espeak())


def _pocketsphinx() -> Finding:
    if find_spec("pocketsphinx") is None:
        return Finding("ears: pocketsphinx", False, "not installed: pip install pocketsphinx")
    return Finding("ears: pocketsphinx", True, "hears American English, its model included")


def _flite() -> Finding:
    try:
        Flite(("slt", "rms", "awb"))
    except FliteMissing as error:
        return Finding("voice: flite", False, f"{error}; on Debian: apt-get install libflite1")
    return Finding("voice: flite", True, "speaks with slt, rms and awb")


def _espeak() -> Finding:
    if shutil.which("espeak-ng") is None:
        return Finding(
            "voice: espeak-ng", False, "only needed without flite; on Debian: apt-get install espeak-ng"
        )
    return Finding("voice: espeak-ng", True, "stands by in case flite is missing")
