"""From the sentences of a script to what a decoder loads: a language model and a dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.speech.common import COMMON, FREQUENT
from gateway.speech.lexicon import JOINED, Lexicon
from gateway.speech.ngram import arpa

__all__ = ["Grammar", "grammar", "written"]

COMMON_SHARE = 0.5
"""What every caller may say counts half as much, all in all, as the script's own sentences."""
FREQUENT_TIMES = 20

_JOIN = {phrase: token for token, (phrase, _) in JOINED.items()}


@dataclass(frozen=True, slots=True)
class Grammar:
    """Files a decoder reads."""

    model: str
    """ARPA."""
    dictionary: str


def grammar(sentences: Sequence[str], lexicon: Lexicon) -> Grammar:
    """`sentences` and those of `gateway.speech.common`. A sentence with a word that nobody can pronounce is left
    out; the others do not change by it."""
    own = [words for words in map(_words, sentences) if words and all(map(lexicon.phones, words))]
    common = [
        (words, FREQUENT_TIMES if line in FREQUENT else 1) for line in COMMON if (words := _words(line))
    ]
    unit = max(1, round(COMMON_SHARE * len(own) / sum(times for _, times in common)))
    counted = [*((words, 1) for words in own), *((words, unit * times) for words, times in common)]
    return Grammar(arpa(counted), lexicon.dictionary(word for words, _ in counted for word in words))


def written(heard: str) -> str:
    """A decoder's words as people write them."""
    return " ".join(JOINED[word][0] if word in JOINED else word for word in heard.split())


def _words(sentence: str) -> tuple[str, ...]:
    sentence = " ".join(sentence.lower().split())
    return (_JOIN[sentence],) if sentence in _JOIN else tuple(sentence.split())
