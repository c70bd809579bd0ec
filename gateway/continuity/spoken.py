"""How much of a text was said when only so much of its audio is there. Pure."""

from __future__ import annotations

__all__ = ["rest_of", "said_so_far", "until"]

CHARACTERS_PER_S = 17
"""Of quick speech. Transcripts run ahead of their audio: this tells how far the audio can have come at most."""


def until(text: str, heard_ms: int, total_ms: int) -> str:
    """The words in the first `heard_ms` of `total_ms` of audio, speech taken as even over the text; a word counts
    when more than half of it does."""
    if total_ms <= 0 or heard_ms <= 0:
        return ""
    if heard_ms >= total_ms:
        return text.strip()
    return _first(text, len(text) * heard_ms / total_ms)


def said_so_far(text: str, audio_ms: int) -> str:
    """The words of a transcript that its audio, broken off after `audio_ms`, can have come to."""
    reach = audio_ms * CHARACTERS_PER_S / 1000
    return text.strip() if reach >= len(text) else _first(text, reach)


def rest_of(text: str, said: str) -> str:
    """What is left of `text` when `said` was its beginning, at least its last word; all of it when it was not."""
    words, heard = text.split(), said.split()
    begun = [_bare(word) for word in words[: len(heard)]] == [_bare(word) for word in heard]
    return " ".join(words[min(len(heard), len(words) - 1) :]) if begun and words else text


def _bare(word: str) -> str:
    return "".join(c for c in word.casefold() if c.isalnum())


def _first(text: str, limit: float) -> str:
    cut = at = 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        if (start + at) / 2 > limit:
            break
        cut = at
    return text[:cut].strip()
