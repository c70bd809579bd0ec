"""What callers say that is the same for every persona: yes, no, wait, again, goodbye; and matching of phrases."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from gateway.providers.embedded.words import OPTIONAL, STOP, alike, listed, tokens
from personas.phrases import expand

__all__ = [
    "ACTS", "FILLERS", "Act", "about", "about_any", "find_act", "is_question", "phrase_words", "polarity", "spot",
    "spot_any",
]  # fmt: skip


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


ACTS: dict[Act, tuple[str, ...]] = {
    Act.HOLD: (
        "stop", "(hold|hang) on [(a|one) (second|minute|moment|sec)]",
        "[just] wait [(a|one) (second|minute|moment)]",
        "[just] (a|one) (second|minute|moment|sec)", "give me (a|one) (second|minute|moment)",
        "let me (think|see|check)",
        "hold it", "not so fast", "slow down",
    ),
    Act.REPEAT: (
        "[can you|could you|please] repeat that", "[can you|could you|please] say that again", "say it again",
        "what did you say", "pardon [me]", "come again", "i did not (hear|catch|get) (you|that)", "once more",
        "repeat [please]", "excuse me", "what was that", "again please", "[i am] sorry what",
    ),
    Act.BACK: ("i am back", "go on", "go ahead", "continue", "i am (here|ready)", "ready",
               "yes i am still here", "hello"),
    Act.BACKCHANNEL: ("mhm", "mm", "hm", "hmm", "aha", "ah", "i see", "ok", "right", "all right", "alright", "got it"),
    Act.GOODBYE: (
        "(goodbye|bye)", "bye bye", "good bye", "see you", "have a (good|nice|great) (day|one|evening|weekend)",
        "that is (all|it) [for (today|now)]", "hang up", "i have to go", "talk to you later", "take care",
    ),
    Act.PERSON: (
        "(speak|talk) (to|with) (a|an|some|another) (person|human|agent|representative|someone|somebody)",
        "(speak|talk) (to|with) (someone|somebody)", "(a person|real person|human|representative|operator) [please]",
        "transfer me", "connect me", "put me through", "(can|could|may) i (speak|talk) (to|with) (a person|someone)",
    ),
    Act.CANCEL: ("never mind", "forget (it|that|about it)", "start over", "cancel that", "scratch that", "start again"),
    Act.HELP: (
        "help [me]", "what can (you|i) (do|say|ask)", "what (are|is) (my|the) options", "i need help",
        "how does this work",
        "can you help [me]", "what do you do",
    ),
    Act.GREETING: ("(hello|hi|hey) [there]", "good (morning|afternoon|evening)", "how are you [(today|doing)]"),
    Act.THANKS: ("(thanks|thank you) [(very|so) much]", "thanks a lot",
                 "(great|good|perfect|wonderful) (thanks|thank you)"),
}  # fmt: skip

FILLERS = frozenset(
    [
        "um",
        "uh",
        "er",
        "ah",
        "well",
        "so",
        "please",
        "actually",
        "like",
        "and",
        "then",
        "oh",
        "just",
        "sorry",
        "but",
        "a",
    ]
)

_POLITE = listed(
    "thanks thank all ok great good perfect wonderful lovely cool fine nice sure right very much"
)
_NO = (
    "no", "nope", "nah", "wrong", "incorrect", "not right", "not correct", "not really", "not quite", "do not",
    "negative", "that is not", "it is not", "neither", "never",
)  # fmt: skip
_YES = (
    "yes", "sure", "correct", "right", "that is it", "works", "works for me", "sounds good", "perfect", "absolutely",
    "of course", "go ahead", "ok", "fine", "exactly", "definitely", "book it", "do it", "great", "good", "please do",
    "all right", "alright", "mhm", "aha", "certainly", "affirmative", "indeed", "it is", "ya", "ye",
    "you bet", "confirm", "confirmed", "that is true", "true", "i guess so", "i think so",
)  # fmt: skip
_YES_MISHEARD = ("yet", "guess", "jess", "yest", "chess")
_NO_MISHEARD = ("know", "nor", "nose")


@lru_cache(maxsize=8192)
def phrase_words(pattern: str) -> tuple[tuple[str, ...], ...]:
    """The phrases that `pattern` stands for, as words in normal form."""
    return tuple(dict.fromkeys(words for words in map(tokens, expand(pattern)) if words))


def _weight(word: str) -> float:
    return 0.25 if word in STOP else 1.0


@lru_cache(maxsize=32768)
def _likes(word: str, words: tuple[str, ...]) -> dict[int, float]:
    """Where in `words` something like `word` stands, and how like it is."""
    likeness = {other: alike(word, other) for other in set(words)}
    return {at: likeness[other] for at, other in enumerate(words) if likeness[other]}


@lru_cache(maxsize=32768)
def spot_any(
    patterns: tuple[str, ...], words: tuple[str, ...], least: float = 0.85
) -> tuple[float, int] | None:
    """The best of the phrases of `patterns` that stands in `words`: how well, and how many words it has."""
    best: tuple[float, int] | None = None
    for pattern in patterns:
        for phrase in phrase_words(pattern):
            hit = spot(phrase, words, least)
            if hit is not None and (best is None or (hit[0], len(phrase)) > best):
                best = hit[0], len(phrase)
    return best


@lru_cache(maxsize=32768)
def about_any(patterns: tuple[str, ...], words: tuple[str, ...]) -> float:
    """How much `words` are about the likeliest question of `patterns`."""
    return max(about(phrase, words) for pattern in patterns for phrase in phrase_words(pattern))


def spot(
    phrase: tuple[str, ...], words: tuple[str, ...], least: float = 0.85
) -> tuple[float, int, int] | None:
    """Where `phrase` stands in `words`: how well (0 to 1), from and until. Its words in order, with few others
    between; each alike by `least`."""
    likes = [_likes(word, words) for word in phrase]
    starts: set[int] = set()
    for word, places in zip(phrase, likes, strict=True):
        starts |= places.keys()
        if word not in OPTIONAL or len(phrase) <= 2:
            break
    if not starts:
        return None
    whole = sum(map(_weight, phrase))
    answer: tuple[float, int, int] | None = None
    for start in sorted(starts):
        at, got, end = start, 0.0, start
        for word, places in zip(phrase, likes, strict=True):
            for ahead in range(at, min(at + 2, len(words)) if at > start else start + 1):
                likeness = places.get(ahead, 0.0)
                if likeness >= least:
                    got += _weight(word) * likeness
                    at = end = ahead + 1
                    break
            else:
                if word not in OPTIONAL or len(phrase) <= 2:
                    got = -1.0
                    break
        score = got / whole
        if score >= 0.72 and (answer is None or score > answer[0] + 1e-9):
            answer = (score, start, end)
    return answer


def about(phrase: tuple[str, ...], words: tuple[str, ...]) -> float:
    """How much `words` as a whole are about the question `phrase`, 0 to 1, whatever the order."""
    meant = [word for word in phrase if word not in STOP]
    if not meant:
        return 1.0 if spot(phrase, words) and len(words) <= len(phrase) + 2 else 0.0
    whole = got = 0.0
    used: set[str] = set()
    for word in phrase:
        likeness, twin = max(
            ((like, words[at]) for at, like in _likes(word, words).items()), default=(0.0, "")
        )
        if likeness >= 0.75:
            got += _weight(word) * likeness
            used.add(twin)
        elif word not in STOP:
            return 0.0 if len(meant) <= 2 else _partly(phrase, words)
        whole += _weight(word)
    told = [word for word in words if word not in STOP]
    covered = sum(1 for word in told if word in used) / len(told) if told else 0.0
    return (got / whole) * (0.55 + 0.45 * covered) if whole else 0.0


def _partly(phrase: tuple[str, ...], words: tuple[str, ...]) -> float:
    """The score when one word of a longer phrase is missing."""
    meant = {word for word in phrase if word not in STOP}
    found = [max(_likes(word, words).values(), default=0.0) for word in meant]
    recall = sum(likeness for likeness in found if likeness >= 0.75) / len(meant)
    told = [word for word in words if word not in STOP]
    covered = [other for other in told if any(alike(word, other) >= 0.75 for word in meant)]
    return recall * (0.55 + 0.45 * len(covered) / len(told)) if told else 0.0


@lru_cache(maxsize=4096)
def find_act(words: tuple[str, ...], more: tuple[tuple[Act, str], ...] = ()) -> Act | None:
    """The act that `words` are, when they are nothing else but it (and fillers, thanks, a yes or no)."""
    best: tuple[int, Act] | None = None
    for act, patterns in ACTS.items():
        left = _without(words, (*patterns, *(pattern for other, pattern in more if other is act)))
        if left is None:
            continue
        rest = [
            word
            for word in left
            if word not in FILLERS and word not in ("yes", "no", "ok", "you", "hello", "hi")
        ]
        if act in (Act.GOODBYE, Act.PERSON, Act.CANCEL):
            rest = [word for word in rest if word not in STOP and word not in _POLITE]
        allowed = 1 if act in (Act.PERSON, Act.REPEAT, Act.CANCEL) else 0
        if len(rest) <= allowed and (best is None or len(left) < best[0]):
            best = len(left), act
    return best[1] if best else None


@lru_cache(maxsize=256)
def _longest_first(patterns: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    phrases = {phrase: None for pattern in patterns for phrase in phrase_words(pattern)}
    return tuple(sorted(phrases, key=len, reverse=True))


def _without(words: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[str, ...] | None:
    """What is left of `words` without the phrases of `patterns`; None when none was there."""
    phrases = _longest_first(patterns)
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


def is_question(words: tuple[str, ...], text: str = "") -> bool:
    """Whether it sounds like a question."""
    first = next(
        (word for word in words if word not in FILLERS and word not in ("ok", "yes", "hi", "hello")), ""
    )
    opening = {
        "what",
        "when",
        "where",
        "who",
        "how",
        "which",
        "why",
        "do",
        "does",
        "is",
        "are",
        "can",
        "could",
        "will",
    }
    return (
        first in opening
        or text.rstrip().endswith("?")
        or words[:3] in (("tell", "me", "about"), ("i", "have", "a"))
    )


@lru_cache(maxsize=4096)
def polarity(words: tuple[str, ...], *, expected: bool = False) -> bool | None:
    """Yes (True), no (False) or neither. `expected`: a yes or no was asked for, so near misses count."""
    if "no" in words and words[words.index("no") :][:2] in (("no", "problem"), ("no", "doubt")):
        return True
    for phrases, answer in ((_NO, False), (_YES, True)):
        for phrase in map(tokens, phrases):
            starts = [at for at in range(len(words)) if words[at : at + len(phrase)] == phrase]
            if starts and (starts[0] < 3 or len(words) <= 6):
                return answer
    if expected and len(words) <= 3:
        if any(word in _NO_MISHEARD for word in words):
            return False
        if any(word in _YES_MISHEARD for word in words):
            return True
    return None
