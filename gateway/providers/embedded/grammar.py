"""Matching of phrases, and what callers say that is the same for every persona, in any one language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from personas.phrases import expand

__all__ = ["Act", "Grammar", "Vocabulary", "Words"]

Words = tuple[str, ...]
"""An utterance in normal form."""


class Act(StrEnum):
    """A whole utterance that only steers the conversation."""

    HOLD = "hold"
    REPEAT = "repeat"
    BACK = "back"
    BACKCHANNEL = "backchannel"
    GOODBYE = "goodbye"
    PERSON = "person"
    CANCEL = "cancel"
    HELP = "help"
    GREETING = "greeting"
    THANKS = "thanks"


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """A language's words, as far as phrases need them. Phrases are in the small language of `personas.phrases`."""

    tokens: Callable[[str], Words]
    """The words of a text in normal form."""
    alike: Callable[[str, str], float]
    """How alike two words are, 0 to 1; far apart is 0."""
    stop: frozenset[str]
    """Words that carry little of a sentence's meaning."""
    optional: frozenset[str]
    """Words that a phrase is still the same without."""
    fillers: frozenset[str]
    """Words that an utterance is still the same without."""
    beside: frozenset[str]
    """What may stand beside an act: a yes, a no, a greeting."""
    polite: frozenset[str]
    """What may stand beside a goodbye."""
    acts: Mapping[Act, tuple[str, ...]]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    yes_all_the_same: tuple[str, ...]
    """Phrases that begin with a no and are a yes: `no problem`."""
    yes_misheard: tuple[str, ...]
    """What the ears write for a yes now and then."""
    no_misheard: tuple[str, ...]
    questions: frozenset[str]
    """Words that a question begins with."""
    questions_anywhere: frozenset[str]
    """Words that make a sentence a question wherever they stand."""
    before_questions: frozenset[str]
    """Words that may stand before those, besides the fillers."""
    question_openings: tuple[str, ...]
    """Phrases that begin what is a question though it is none."""


class Grammar:
    """What its methods are asked is remembered: a conversation is worked out anew for every reply."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.phrase_words = lru_cache(maxsize=8192)(self._phrase_words)
        self.spot_any = lru_cache(maxsize=32768)(self._spot_any)
        self.about_any = lru_cache(maxsize=32768)(self._about_any)
        self.find_act = lru_cache(maxsize=4096)(self._find_act)
        self.polarity = lru_cache(maxsize=4096)(self._polarity)
        self._likes = lru_cache(maxsize=32768)(self._likes_of)
        self._longest_first = lru_cache(maxsize=256)(self._phrases_longest_first)
        self._openings = tuple(map(vocabulary.tokens, vocabulary.question_openings))
        self._yes_all_the_same = tuple(map(vocabulary.tokens, vocabulary.yes_all_the_same))
        self._answers = tuple(
            (tuple(map(vocabulary.tokens, phrases)), answer)
            for phrases, answer in ((vocabulary.no, False), (vocabulary.yes, True))
        )

    def _phrase_words(self, pattern: str) -> tuple[Words, ...]:
        """The phrases that `pattern` stands for, as words in normal form."""
        tokens = self.vocabulary.tokens
        return tuple(dict.fromkeys(words for words in map(tokens, expand(pattern)) if words))

    def _weight(self, word: str) -> float:
        return 0.25 if word in self.vocabulary.stop else 1.0

    def _likes_of(self, word: str, words: Words) -> dict[int, float]:
        """Where in `words` something like `word` stands, and how like it is."""
        alike = self.vocabulary.alike
        likeness = {other: alike(word, other) for other in set(words)}
        return {at: likeness[other] for at, other in enumerate(words) if likeness[other]}

    def _spot_any(
        self, patterns: tuple[str, ...], words: Words, least: float = 0.85
    ) -> tuple[float, int] | None:
        """The best of the phrases of `patterns` that stands in `words`: how well, and how many words it has."""
        best: tuple[float, int] | None = None
        for pattern in patterns:
            for phrase in self.phrase_words(pattern):
                hit = self.spot(phrase, words, least)
                if hit is not None and (best is None or (hit[0], len(phrase)) > best):
                    best = hit[0], len(phrase)
        return best

    def _about_any(self, patterns: tuple[str, ...], words: Words) -> float:
        """How much `words` are about the likeliest question of `patterns`."""
        return max(
            self.about(phrase, words) for pattern in patterns for phrase in self.phrase_words(pattern)
        )

    def spot(self, phrase: Words, words: Words, least: float = 0.85) -> tuple[float, int, int] | None:
        """Where `phrase` stands in `words`: how well (0 to 1), from and until. Its words in order, with few others
        between; each alike by `least`."""
        optional, stop = self.vocabulary.optional, self.vocabulary.stop
        weights = [0.25 if word in stop else 1.0 for word in phrase]
        likes = [self._likes(word, words) for word in phrase]
        starts: set[int] = set()
        for word, places in zip(phrase, likes, strict=True):
            starts |= places.keys()
            if word not in optional or len(phrase) <= 2:
                break
        if not starts:
            return None
        whole = sum(weights)
        answer: tuple[float, int, int] | None = None
        for start in sorted(starts):
            at, got, end = start, 0.0, start
            for word, places, weight in zip(phrase, likes, weights, strict=True):
                for ahead in range(at, min(at + 2, len(words)) if at > start else start + 1):
                    likeness = places.get(ahead, 0.0)
                    if likeness >= least:
                        got += weight * likeness
                        at = end = ahead + 1
                        break
                else:
                    if word not in optional or len(phrase) <= 2:
                        got = -1.0
                        break
            score = got / whole
            if score >= 0.72 and (answer is None or score > answer[0] + 1e-9):
                answer = (score, start, end)
        return answer

    def about(self, phrase: Words, words: Words) -> float:
        """How much `words` as a whole are about the question `phrase`, 0 to 1, whatever the order."""
        stop = self.vocabulary.stop
        meant = [word for word in phrase if word not in stop]
        if not meant:
            return 1.0 if self.spot(phrase, words) and len(words) <= len(phrase) + 2 else 0.0
        whole = got = 0.0
        used: set[str] = set()
        for word in phrase:
            likeness, twin = max(
                ((like, words[at]) for at, like in self._likes(word, words).items()), default=(0.0, "")
            )
            if likeness >= 0.75:
                got += self._weight(word) * likeness
                used.add(twin)
            elif word not in stop:
                return 0.0 if len(meant) <= 2 else self._partly(phrase, words)
            whole += self._weight(word)
        told = [word for word in words if word not in stop]
        covered = sum(1 for word in told if word in used) / len(told) if told else 0.0
        return (got / whole) * (0.55 + 0.45 * covered) if whole else 0.0

    def _partly(self, phrase: Words, words: Words) -> float:
        """The score when one word of a longer phrase is missing."""
        stop, alike = self.vocabulary.stop, self.vocabulary.alike
        meant = {word for word in phrase if word not in stop}
        found = [max(self._likes(word, words).values(), default=0.0) for word in meant]
        recall = sum(likeness for likeness in found if likeness >= 0.75) / len(meant)
        told = [word for word in words if word not in stop]
        covered = [other for other in told if any(alike(word, other) >= 0.75 for word in meant)]
        return recall * (0.55 + 0.45 * len(covered) / len(told)) if told else 0.0

    def _find_act(self, words: Words, more: tuple[tuple[Act, str], ...] = ()) -> Act | None:
        """The act that `words` are, when they are nothing else but it (and fillers, thanks, a yes or no)."""
        lexicon = self.vocabulary
        best: tuple[int, Act] | None = None
        for act, patterns in lexicon.acts.items():
            left = self._without(words, (*patterns, *(pattern for other, pattern in more if other is act)))
            if left is None:
                continue
            rest = [word for word in left if word not in lexicon.fillers and word not in lexicon.beside]
            if act in (Act.GOODBYE, Act.PERSON, Act.CANCEL):
                rest = [word for word in rest if word not in lexicon.stop and word not in lexicon.polite]
            allowed = 1 if act in (Act.PERSON, Act.REPEAT, Act.CANCEL) else 0
            if len(rest) <= allowed and (best is None or len(left) < best[0]):
                best = len(left), act
        return best[1] if best else None

    def _phrases_longest_first(self, patterns: tuple[str, ...]) -> tuple[Words, ...]:
        phrases = {phrase: None for pattern in patterns for phrase in self.phrase_words(pattern)}
        return tuple(sorted(phrases, key=len, reverse=True))

    def _without(self, words: Words, patterns: tuple[str, ...]) -> Words | None:
        """What is left of `words` without the phrases of `patterns`; None when none was there."""
        phrases = self._longest_first(patterns)
        left, hit, at = list[str](), False, 0
        while at < len(words):
            for phrase in phrases:
                if words[at : at + len(phrase)] == phrase:
                    hit, at = True, at + len(phrase)
                    break
            else:
                left.append(words[at])
                at += 1
        return tuple(left) if hit else None

    def is_question(self, words: Words, text: str = "") -> bool:
        """Whether it sounds like a question."""
        lexicon = self.vocabulary
        passed = lexicon.fillers | lexicon.before_questions
        first = next((word for word in words if word not in passed), "")
        return (
            first in lexicon.questions
            or text.rstrip().endswith(("?", "؟"))
            or any(words[: len(opening)] == opening for opening in self._openings)
            or not lexicon.questions_anywhere.isdisjoint(words)
        )

    def _polarity(self, words: Words, *, expected: bool = False) -> bool | None:
        """Yes (True), no (False) or neither. `expected`: a yes or no was asked for, so near misses count."""
        for phrase in self._yes_all_the_same:
            if phrase[0] in words and words[words.index(phrase[0]) :][: len(phrase)] == phrase:
                return True
        for phrases, answer in self._answers:
            for phrase in phrases:
                starts = [at for at in range(len(words)) if words[at : at + len(phrase)] == phrase]
                if starts and (starts[0] < 3 or len(words) <= 6):
                    return answer
        if expected and len(words) <= 3:
            if any(word in self.vocabulary.no_misheard for word in words):
                return False
            if any(word in self.vocabulary.yes_misheard for word in words):
                return True
        return None
