"""How alike two words are, by letters and by sound; the same for every language but for its stems and its sounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

__all__ = ["alike_by", "nearest", "sound_by"]


def _distance(a: str, b: str) -> int:
    """Edit distance with transpositions counted as two."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (one != other))
    return row[-1]


@lru_cache(maxsize=16384)
def _letters(word: str) -> frozenset[str]:
    return frozenset(word)


def _apart(a: str, b: str) -> int:
    one, other = _letters(a), _letters(b)
    return max(len(one - other), len(other - one))


def sound_by(rules: tuple[tuple[str, str], ...]) -> Callable[[str], str]:
    """A word as it sounds: each rule a regular expression and what takes its place, in order."""
    compiled = tuple((re.compile(pattern), by) for pattern, by in rules)

    @lru_cache(maxsize=16384)
    def sound(word: str) -> str:
        for pattern, by in compiled:
            word = pattern.sub(by, word)
        return word

    return sound


def alike_by(
    stem: Callable[[str], str], sound: Callable[[str], str], shortest: int = 4
) -> Callable[[str, str], float]:
    """How alike two words are, 0 to 1: 1 the same word, 0.95 the same stem, below 0.6 told as 0. Words with fewer
    letters than `shortest` are the same or not."""

    @lru_cache(maxsize=65536)
    def alike(a: str, b: str) -> float:
        if a == b:
            return 1.0
        if a[:1].isdigit() or b[:1].isdigit():
            return 0.0
        if stem(a) == stem(b):
            return 0.95
        longest = max(len(a), len(b))
        if min(len(a), len(b)) < shortest or abs(len(a) - len(b)) > 3:
            return 0.0
        x, y = sound(a), sound(b)
        # Letters that only one of them has bound the distance from below, and most pairs differ too much at once.
        most, most_sound = 1 - _apart(a, b) / longest, 1 - _apart(x, y) / max(len(x), len(y), 1)
        if most < 0.6 and 0.5 * most + 0.45 * most_sound < 0.6:
            return 0.0
        letters = 1 - _distance(a, b) / longest
        sounds = 1 - _distance(x, y) / max(len(x), len(y), 1)
        score = max(letters, 0.5 * letters + 0.45 * sounds)
        return score if score >= 0.6 else 0.0

    return alike


def nearest(
    alike: Callable[[str, str], float],
    word: str,
    options: tuple[str, ...] | frozenset[str],
    least: float = 0.75,
) -> str | None:
    """The option that `word` most likely was, if any is alike by at least `least`. Short words must be exact."""
    if word in options:
        return word
    found, score = None, least
    for option in sorted(options):
        likeness = alike(word, option)
        if likeness > score or (likeness == score and found is None):
            found, score = option, likeness
    return found
