"""Recorded callers and noises as frames for a speech detector, and what it says of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from media import g711
from media.audio import PCM24, PCMU, AudioFormat
from media.rates import Converter
from media.resample import Resampler
from media.vad import (
    SpeechStarted,
    SpeechStopped,
    Verdict,
    VoiceDetector,
    engine_detector,
    local_detector,
)
from tests.caller_audio import pcm, recordings

__all__ = [
    "BEDS", "FRAME", "KINDS", "TURNS", "Heard", "at_level", "by_telephone", "carried", "frames", "listen", "room",
    "sound", "starts", "stops",
]  # fmt: skip

Heard = list[tuple[Verdict, int]]

FRAME = 960
"""Bytes."""
KINDS: dict[str, Callable[[], VoiceDetector]] = {
    "local": local_detector, "telephone": lambda: local_detector(PCMU), "engine": engine_detector,
}  # fmt: skip
TURNS = [r.name for r in recordings() if r.kind == "turn"]
BEDS = [r.name for r in recordings() if r.kind == "noise"]
BED_RMS = 800.0


def at_level(bed: str, dbfs: float) -> NDArray[np.float32]:
    """A noise at this root mean square."""
    return sound(bed) * np.float32(32768 * 10 ** (dbfs / 20) / BED_RMS)


@cache
def sound(name: str) -> NDArray[np.float32]:
    """A recording at 24 kHz."""
    resampler = Resampler(16_000, 24_000)
    data = resampler.process(pcm(name)) + resampler.flush()
    return np.frombuffer(data, "<i2").astype(np.float32)


def room(ms: int, level: float = 6.0) -> NDArray[np.float32]:
    """A quiet room: white noise of `level` root mean square."""
    return np.random.default_rng(1).normal(0.0, level, ms * 24).astype(np.float32)


def frames(*parts: NDArray[np.float32]) -> list[bytes]:
    line = np.concatenate(parts)
    data = np.clip(np.rint(line), -32768, 32767).astype("<i2").tobytes()
    return [data[at : at + FRAME] for at in range(0, len(data) - FRAME + 1, FRAME)]


def carried(heard: list[bytes], form: AudioFormat) -> list[bytes]:
    """The frames in a telephone's format; those at 24 kHz as they are."""
    if form.law is None:
        return heard
    narrower = Converter(PCM24.rate, g711.RATE)
    return [g711.encode(narrower.process(frame), form.law) for frame in heard]


def by_telephone(heard: list[bytes]) -> list[bytes]:
    """The frames through a telephone and up to 24 kHz again."""
    wider = Converter(g711.RATE, PCM24.rate)
    return [wider.process(g711.decode(frame, "mu")) for frame in carried(heard, PCMU)]


def listen(detector: VoiceDetector, heard: list[bytes]) -> Heard:
    """Every verdict, with the milliseconds of audio after which it came. Who hears a telephone is given G.711."""
    heard = carried(heard, detector.form)
    verdicts = [(verdict, detector.fed_ms) for frame in heard for verdict in detector.feed(frame)]
    detector.close()
    return verdicts


def starts(verdicts: Heard) -> list[SpeechStarted]:
    return [verdict for verdict, _ in verdicts if isinstance(verdict, SpeechStarted)]


def stops(verdicts: Heard) -> list[SpeechStopped]:
    return [verdict for verdict, _ in verdicts if isinstance(verdict, SpeechStopped)]
