"""What the engine has said in one item: which words belong to which stretch of its audio."""

from __future__ import annotations

from math import floor

from media.audio import PCM24

__all__ = ["Spoken"]

CHARACTER_MS = 60
"""What a character takes to say, about: 170 words a minute."""


class Spoken:
    """The audio of one assistant item, clause by clause. Audio itself is not kept."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._bytes: list[int] = []
        self._whole = 0
        """How many clauses have all of their audio."""
        self.kept_ms: int | None = None
        """Where the item was truncated; None while it is whole."""

    @property
    def made_ms(self) -> int:
        """Milliseconds of audio that were made, truncated or not."""
        return PCM24.to_ms(sum(self._bytes))

    @property
    def audio_ms(self) -> int:
        """Milliseconds of audio that the item holds."""
        return self.made_ms if self.kept_ms is None else min(self.made_ms, self.kept_ms)

    @property
    def transcript(self) -> str:
        """The words of the audio that the item holds."""
        if self.kept_ms is None:
            return "".join(self._texts)
        return self.until(self.kept_ms)

    def begin(self, text: str) -> str:
        """A clause whose audio comes next. Returns it as the transcript goes on: with a space before it."""
        self.end()
        delta = f" {text}" if self._texts else text
        self._texts.append(delta)
        self._bytes.append(0)
        return delta

    def audio(self, size: int) -> None:
        """`size` bytes, PCM16 24 kHz, of the clause begun last."""
        self._bytes[-1] += size

    def end(self) -> None:
        """The clause begun last has all of its audio."""
        self._whole = len(self._texts)

    def truncate(self, audio_end_ms: int) -> None:
        """Keep the first `audio_end_ms` only."""
        self.kept_ms = audio_end_ms

    def until(self, ms: int) -> str:
        """The words heard in the first `ms`: a clause that was cut counts its words by the share of its time. Of one
        that was cut while it was being made, the time is guessed."""
        heard: list[str] = []
        start = 0
        for number, (text, size) in enumerate(zip(self._texts, self._bytes, strict=True)):
            length = PCM24.to_ms(size)
            if number >= self._whole:
                length = max(length, len(text) * CHARACTER_MS)
            if start + length <= ms:
                heard.append(text)
            else:
                words = text.split()
                kept = words[: floor(len(words) * (ms - start) / length)]
                heard.append((" " if heard else "") + " ".join(kept))
                break
            start += length
        return "".join(heard).rstrip()
