"""Ears and voice of the embedded engine: which are there, and whether they understand each other."""

from __future__ import annotations

import asyncio

from gateway.checks.finding import Finding, fault, ok, warning
from gateway.config import Settings
from gateway.speech.active import Finding as Engine
from gateway.speech.active import open_speech, probe
from media.resample import Resampler

__all__ = ["check_speech", "judge_engines"]

SENTENCE = "what is the weather today"
TRY_S = 30.0


async def check_speech(settings: Settings) -> list[Finding]:
    """Every engine, and one sentence said by the voice and heard by the ears."""
    if "embedded" not in settings.provider_order:
        return [ok("speech", "not needed: the embedded engine is not among PARLEY_PROVIDERS")]
    found = judge_engines(await asyncio.to_thread(probe))
    if any(finding.mend for finding in found):
        return found
    try:
        async with asyncio.timeout(TRY_S):
            return [*found, await _try()]
    except TimeoutError:
        seen = f"no answer within {TRY_S:.0f} s"
        return [
            *found,
            fault("speech", seen, "look at the load of this machine, then at the log of a start"),
        ]


def judge_engines(engines: tuple[Engine, ...]) -> list[Finding]:
    """Ears are needed; of the voices one is, and flite is the better one."""
    found = []
    voices = [engine for engine in engines if engine.name.startswith("voice")]
    for engine in engines:
        if engine.ok:
            found.append(ok(engine.name, engine.detail))
        elif engine in voices and any(voice.ok for voice in voices):
            # The first is the better one: its absence is heard. Of the others none is needed then.
            if engine is voices[0]:
                found.append(warning(engine.name, "not there; another voice speaks", engine.detail))
        else:
            found.append(fault(engine.name, "not there", engine.detail))
    return found


async def _try() -> Finding:
    loop = asyncio.get_running_loop()
    async with open_speech(1, 1) as (ears, voice):
        said = b"".join([chunk async for chunk in voice.speak(SENTENCE, voice="marin")])
        resampler = Resampler(24000, 16000)
        pcm = resampler.process(said + bytes(9600)) + resampler.flush()
        began = loop.time()
        heard = await ears.transcribe(pcm)
        took_ms = (loop.time() - began) * 1000
    words = SENTENCE.split()
    understood = sum(word in heard.text.split() for word in words)
    seen = (
        f"said {len(words)} words, understood {understood} in {took_ms:.0f} ms ({ears.tier}; {voice.tier})"
    )
    if understood < len(words) // 2:
        return fault("speech", seen, "install again: make clean install")
    return ok("speech", seen)
