"""What a recording holds: where somebody speaks, and what."""

from __future__ import annotations

import wave
from array import array
from pathlib import Path

from gateway.speech.active import open_ears, open_voice
from media.resample import Resampler
from scripts.e2e_sip.telephone import RATE

__all__ = ["Spoken", "clip", "recognised", "silent_since", "sounds", "synthesised"]

FRAME_MS = 20
FRAME = RATE * FRAME_MS // 1000
LOUD = 200
"""Root mean square of a frame with speech, of 32768; what is recorded between is digital silence."""
PAUSE_MS = 500
"""A shorter pause is part of what is said."""

Spoken = tuple[float, float]
"""Seconds from the beginning of the recording: begin, end."""


def sounds(pcm: bytes) -> list[Spoken]:
    """Where somebody speaks, in PCM16 of 8 kHz."""
    found: list[Spoken] = []
    for at, level in enumerate(_levels(pcm)):
        if level < LOUD:
            continue
        begin, end = at * FRAME_MS / 1000, (at + 1) * FRAME_MS / 1000
        if found and begin - found[-1][1] < PAUSE_MS / 1000:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def silent_since(pcm: bytes, seconds: float) -> bool:
    """Whether the recording ends with at least so much silence."""
    return not sounds(pcm[-round(seconds * RATE) * 2 :])


def _levels(pcm: bytes) -> list[float]:
    samples = array("h", pcm[: len(pcm) // 2 * 2])
    frames = (samples[at : at + FRAME] for at in range(0, len(samples) - FRAME + 1, FRAME))
    return [(sum(one * one for one in frame) / FRAME) ** 0.5 for frame in frames]


def clip(path: Path) -> bytes:
    """A recording of 16 kHz in the band of a telephone."""
    with wave.open(str(path)) as recording:
        assert recording.getframerate() == 2 * RATE
        return _resampled(recording.readframes(recording.getnframes()), 2 * RATE, RATE)


async def synthesised(text: str) -> bytes:
    """The sentence in the embedded voice, PCM16 of 8 kHz, with a little silence before it."""
    async with open_voice(1) as voice:
        spoken = b"".join([piece async for piece in voice.speak(text, voice="cedar")])
    return bytes(RATE // 5 * 2) + _resampled(spoken, 24_000, RATE)


async def recognised(pcm: bytes, sentences: tuple[str, ...]) -> str:
    """What the embedded ears understand of PCM16 of 8 kHz, when it may be any of these sentences or something else."""
    async with open_ears(1) as ears:
        ears.learn("agents", sentences)
        return (await ears.transcribe(_resampled(pcm, RATE, 2 * RATE), script="agents")).text


def _resampled(pcm: bytes, source: int, target: int) -> bytes:
    resampler = Resampler(source, target)
    return resampler.process(pcm) + resampler.flush()
