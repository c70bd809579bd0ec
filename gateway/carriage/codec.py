"""Audio as a carrier carries it, to and from ours (PCM16, 24 kHz): G.711 or linear, at the carrier's rate. Sans-IO."""

from __future__ import annotations

from gateway.wire import Codec, Encoding
from media import g711
from media.audio import PCM24
from media.g711 import Law
from media.rates import Converter

__all__ = ["Decoder", "Encoder", "silence"]

LAWS: dict[Codec, Law | None] = {Codec.PCMU: "mu", Codec.PCMA: "a", Codec.L16: None}
SILENT = {Codec.PCMU: b"\xff", Codec.PCMA: b"\xd5", Codec.L16: b"\0"}


class Decoder:
    """The caller's audio to ours. One per stream."""

    def __init__(self, encoding: Encoding) -> None:
        """Raises ValueError for a rate that no telephone has."""
        self._law = LAWS[encoding.codec]
        self._converter = Converter(encoding.rate, PCM24.rate)

    def decode(self, audio: bytes) -> bytes:
        pcm = audio if self._law is None else g711.decode(audio, self._law)
        return self._converter.process(pcm)


class Encoder:
    """Our audio to the carrier's: 20 ms in, 20 ms out. One per stream."""

    def __init__(self, encoding: Encoding) -> None:
        """Raises ValueError for a rate that no telephone has."""
        self._law = LAWS[encoding.codec]
        self._converter = Converter(PCM24.rate, encoding.rate)

    def encode(self, pcm: bytes) -> bytes:
        converted = self._converter.process(pcm)
        return converted if self._law is None else g711.encode(converted, self._law)

    def reset(self) -> None:
        """What comes next does not follow on what went before."""
        self._converter.reset()


def silence(encoding: Encoding, count: int) -> bytes:
    """`count` bytes of it (reference/telephony.md, section 0, rule 3)."""
    return SILENT[encoding.codec] * count
