"""What is said in these tests, whichever client says it."""

from __future__ import annotations

from media.audio import PCM16K, PCM24
from media.resample import Resampler
from personas.prompt import say_exactly
from tests.caller_audio import pcm

__all__ = ["LONG", "ORDER", "pcm24"]

ORDER = "What is the status of order 42?"

LONG = say_exactly(
    "Let me tell you at some length how this works. First we look for your order, then we ask the depot where it is, "
    "after that we call the driver, and in the end we tell you the hour at which it will be at your door."
)
"""Instructions of a reply that lasts well over ten seconds: time to interrupt it."""


def pcm24(name: str, silence_ms: int = 1500) -> bytes:
    """A recorded caller, PCM16 24 kHz, followed by the silence that ends a turn."""
    resampler = Resampler(PCM16K.rate, PCM24.rate)
    return resampler.process(pcm(name)) + resampler.flush() + bytes(PCM24.to_bytes(silence_ms))
