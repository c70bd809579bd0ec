"""A client's audio format at its wire, PCM 24 kHz inside: `audio/pcm`, `audio/pcmu`, `audio/pcma`. Sans-IO."""

from __future__ import annotations

import base64
from typing import Any

from media import g711
from media.audio import PCM24
from media.g711 import Law
from media.resample import Resampler

__all__ = ["FORMATS", "Decoder", "Encoder", "retold"]

FORMATS: dict[str, Law | None] = {"audio/pcm": None, "audio/pcmu": "mu", "audio/pcma": "a"}
"""Format type of the realtime protocol → its companding."""


class Decoder:
    """The client's audio to PCM16 24 kHz. One per client: a stream, whose chunks may end anywhere."""

    def __init__(self) -> None:
        self._law: Law | None = None
        self._resampler = Resampler(g711.RATE, PCM24.rate)
        self._half = b""

    def use(self, format_type: str) -> None:
        """From now on the client sends this format. Raises KeyError for one that does not exist."""
        law = FORMATS[format_type]
        if law != self._law:
            self._law = law
            self.reset()

    def decode(self, audio: bytes) -> bytes:
        if self._law is not None:
            return self._resampler.process(g711.decode(audio, self._law))
        if self._half:
            audio, self._half = self._half + audio, b""
        if len(audio) % 2:
            audio, self._half = audio[:-1], audio[-1:]
        return audio

    def flush(self) -> bytes:
        """What the filter still holds. To be asked for before the stream is cut: a commit counts every sample."""
        return b"" if self._law is None else self._resampler.flush()

    def reset(self) -> None:
        """Forget what was not given out."""
        self._half = b""
        self._resampler = Resampler(g711.RATE, PCM24.rate)


class Encoder:
    """PCM16 24 kHz to the client's format. One per item."""

    def __init__(self, format_type: str) -> None:
        """Raises KeyError for a format that does not exist."""
        self._law = FORMATS[format_type]
        self._resampler = None if self._law is None else Resampler(PCM24.rate, g711.RATE)

    def encode(self, pcm: bytes) -> bytes:
        if self._law is None or self._resampler is None:
            return pcm
        return g711.encode(self._resampler.process(pcm), self._law)

    def flush(self) -> bytes:
        """The end of the item, which the filter still holds."""
        if self._law is None or self._resampler is None:
            return b""
        return g711.encode(self._resampler.flush(), self._law)


def retold(item: dict[str, Any], format_type: str) -> dict[str, Any]:
    """An item of the conversation with its audio, base64 of PCM16 24 kHz, in this format. Raises KeyError for one
    that does not exist."""
    parts = [_part(part, format_type) for part in item.get("content") or ()]
    return {**item, "content": parts} if parts else item


def _part(part: dict[str, Any], format_type: str) -> dict[str, Any]:
    if not part.get("audio"):
        return part
    encoder = Encoder(format_type)
    told = encoder.encode(base64.b64decode(part["audio"])) + encoder.flush()
    return {**part, "audio": base64.b64encode(told).decode()}
