"""A trigram language model from a list of sentences, in the ARPA format that speech decoders read.

Katz back-off with absolute discounting: from the count of every seen n-gram `DISCOUNT` is taken, and what that
frees goes to the unseen ones in proportion to the next shorter model. No unknown word: a decoder can only say
words of its dictionary anyway. The same sentences give the same bytes, whatever the platform.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = ["DISCOUNT", "arpa"]

DISCOUNT = 0.5
"""Between 0 and 1. A half leaves paraphrases possible and keeps the script's own lines near certain."""

START, END = "<s>", "</s>"
NEVER = -99.0
"""ARPA's logarithm of zero: nothing ever predicts `<s>`."""

_Gram = tuple[str, ...]


def arpa(sentences: Iterable[tuple[Sequence[str], int]]) -> str:
    """The model of `sentences`: each its words, and how often it counts (≥ 1).

    Raises ValueError when there is no word at all.
    """
    counts = _count(sentences)
    if len(counts[0]) < 2:
        raise ValueError("a language model needs at least one word")
    total = sum(counts[0].values())
    chance: dict[_Gram, float] = {gram: count / total for gram, count in counts[0].items()}
    weight: dict[_Gram, float] = {}
    for order in (1, 2):
        _extend(counts[order], chance, weight)
    chance[(START,)] = 0.0

    lines = ["\\data\\"]
    tables = [sorted({*counts[0], (START,)}), sorted(counts[1]), sorted(counts[2])]
    lines += [f"ngram {order}={len(table)}" for order, table in enumerate(tables, 1)]
    for order, table in enumerate(tables, 1):
        lines += ["", f"\\{order}-grams:"]
        for gram in table:
            line = f"{_log(chance[gram]):.4f} {' '.join(gram)}"
            lines.append(line if order == 3 else f"{line} {_log(weight.get(gram, 1.0)):.4f}")
    return "\n".join([*lines, "", "\\end\\", ""])


def _count(
    sentences: Iterable[tuple[Sequence[str], int]],
) -> tuple[Counter[_Gram], Counter[_Gram], Counter[_Gram]]:
    counts: tuple[Counter[_Gram], Counter[_Gram], Counter[_Gram]] = (Counter(), Counter(), Counter())
    for words, times in sentences:
        if not words:
            continue
        line = (START, *words, END)
        for order in (1, 2, 3):
            for at in range(len(line) - order + 1):
                gram = line[at : at + order]
                if gram != (START,):
                    counts[order - 1][gram] += times
    return counts


def _extend(counts: Counter[_Gram], chance: dict[_Gram, float], weight: dict[_Gram, float]) -> None:
    """Fill in the probabilities of one order, and the back-off weights of the histories it has."""
    followers: dict[_Gram, list[_Gram]] = {}
    for gram in counts:
        followers.setdefault(gram[:-1], []).append(gram)
    for history, grams in followers.items():
        seen = sum(counts[gram] for gram in grams)
        for gram in grams:
            chance[gram] = (counts[gram] - DISCOUNT) / seen
        freed = DISCOUNT * len(grams) / seen
        shorter = 1.0 - sum(chance[gram[1:]] for gram in grams)
        if shorter > 1e-9:
            weight[history] = freed / shorter
            continue
        # Every word has followed this history: nobody is left to give to.
        for gram in grams:
            chance[gram] /= 1.0 - freed


def _log(value: float) -> float:
    return math.log10(value) if value > 0.0 else NEVER
