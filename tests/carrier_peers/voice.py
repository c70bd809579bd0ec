"""What a caller says, as the telephone network brings it: band-limited, in the carrier's codec, in its frames."""

from __future__ import annotations

import wave
from functools import lru_cache
from pathlib import Path

import numpy as np

from media.framer import Framer
from media.resample import Resampler
from tests.caller_audio import caller
from tests.carrier_peers.codecs import Codec

__all__ = ["band_limited", "spoken"]

BANDS = {8000: (300.0, 3400.0), 16000: (50.0, 7000.0)}
"""Hertz that pass, by sample rate: ITU-T G.711's telephone band and G.722's wide band."""

EDGE_HZ = 50.0
"""Over how much the band's edges fade: a brick wall would ring."""


def band_limited(pcm: bytes, rate: int) -> bytes:
    """PCM16 little-endian with what the network does not carry taken out; rates without a band pass whole."""
    if rate not in BANDS or not pcm:
        return pcm
    low, high = BANDS[rate]
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    rises = np.clip((hertz - low) / EDGE_HZ + 1, 0, 1)
    falls = np.clip((high - hertz) / EDGE_HZ + 1, 0, 1)
    passed = np.fft.irfft(np.fft.rfft(samples) * rises * falls, len(samples))
    return bytes(np.clip(np.rint(passed), -32768, 32767).astype("<i2").tobytes())


@lru_cache(maxsize=64)
def spoken(source: str | Path, codec: Codec, frame_ms: int = 20) -> tuple[bytes, ...]:
    """A recording (a name in `tests/audio`, or the path of a mono 16-bit WAV) as whole frames of the wire; the last is
    filled up with silence."""
    path = source if isinstance(source, Path) else caller(source)
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ValueError(f"{path} is not mono with 16 bits")
        rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    resampler = Resampler(rate, codec.rate)
    wire = codec.encode(band_limited(resampler.process(pcm) + resampler.flush(), codec.rate))
    framer = Framer(codec.frame_bytes(frame_ms))
    frames = framer.push(wire)
    if rest := framer.flush():
        missing = (framer.frame_bytes - len(rest)) // codec.sample_bytes
        frames.append(rest + codec.silence * missing)
    return tuple(frames)
