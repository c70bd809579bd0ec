"""Audio as a carrier carries it, and the format of the call that goes with it."""

from __future__ import annotations

from gateway.wire import Codec, Encoding
from media.audio import PCM24, PCMA, PCMU, AudioFormat, Law

__all__ = ["call_format", "carried"]

LAWS: dict[Codec, Law | None] = {Codec.PCMU: "mu", Codec.PCMA: "a", Codec.L16: None}


def carried(encoding: Encoding) -> AudioFormat:
    """The format of what travels."""
    return AudioFormat(encoding.rate, LAWS[encoding.codec])


def call_format(hears: Encoding, plays: Encoding) -> AudioFormat:
    """G.711 where the carrier carries that both ways: nothing is to be converted then but for those who cannot take
    it. PCM24 otherwise, which has room for whatever a carrier has."""
    form = carried(hears)
    return form if form in (PCMU, PCMA) and carried(plays) == form else PCM24
