"""From one audio format to another, as a stream: rates and G.711."""

from __future__ import annotations

from media import g711
from media.audio import AudioFormat
from media.rates import Converter

__all__ = ["Transcoder"]


class Transcoder:
    """One per stream and direction: the filter remembers. 20 ms in, 20 ms out; equal formats pass untouched."""

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        """Raises ValueError for rates that no telephone has."""
        self._same = source == target
        self._from, self._to = source.law, target.law
        self._converter = Converter(source.rate, target.rate)

    def process(self, audio: bytes) -> bytes:
        """The next chunk, of any length."""
        if self._same:
            return audio
        pcm = audio if self._from is None else g711.decode(audio, self._from)
        pcm = self._converter.process(pcm)
        return pcm if self._to is None else g711.encode(pcm, self._to)

    def reset(self) -> None:
        """What comes next does not follow on what went before."""
        self._converter.reset()
