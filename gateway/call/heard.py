"""What was heard of a reply, as words."""

from __future__ import annotations

__all__ = ["split_heard"]


def split_heard(text: str, heard_ms: int, total_ms: int) -> tuple[str, str]:
    """Cut `text` where `heard_ms` of its `total_ms` of audio end: (heard, unheard), at a word boundary.

    Speech is taken as even over the text: providers send no word times, and within a sentence the error is a
    word or so. A word counts as heard when more than half of it was.
    """
    if total_ms <= 0 or heard_ms <= 0:
        return "", text.strip()
    if heard_ms >= total_ms:
        return text.strip(), ""
    limit = len(text) * heard_ms / total_ms
    cut = at = 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        if (start + at) / 2 > limit:
            break
        cut = at
    return text[:cut].strip(), text[cut:].strip()
