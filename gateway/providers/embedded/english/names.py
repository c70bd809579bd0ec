"""People's names in spoken English: `my name is susan walker`, `it's sue, s u e`, `mcdonald`."""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.providers.embedded.english.numbers import one_word
from gateway.providers.embedded.english.people import FIRST, LAST
from gateway.providers.embedded.english.words import alike, listed, tokens
from gateway.providers.embedded.findings import Name

__all__ = ["find_name", "names_somebody", "written"]

_CUES: tuple[tuple[str, ...], ...] = (
    ("my", "full", "name", "is"), ("my", "name", "is"), ("the", "name", "is"), ("name", "is"), ("my", "name"),
    ("under", "the", "name", "of"), ("under", "the", "name"), ("call", "me"), ("last", "name", "is"), ("last", "name"),
    ("first", "name", "is"), ("i", "am", "called"),
)  # fmt: skip
_WEAK_CUES: tuple[tuple[str, ...], ...] = (
    ("this", "is"),
    ("it", "is"),
    ("i", "am"),
    ("that", "is"),
    ("for",),
    ("name",),
    ("under",),
    ("yes",),
)
_ENDS = listed(
    "and i my phone number is at on for with from speaking here calling please thanks thank who that this the it but "
    "you can could would like want to am be in of street live spelled spelling"
)
_LEADING = frozenset(
    [
        "um",
        "uh",
        "er",
        "sure",
        "yes",
        "no",
        "nope",
        "ok",
        "well",
        "so",
        "oh",
        "hi",
        "hello",
        "mister",
        "miss",
        "mr",
    ]
)
_NOT_NAMES = listed(
    "what when where how why who which looking calling trying need want would like have had not no do does did can "
    "could will should sorry wait stop hold appointment cleaning morning afternoon monday tuesday wednesday thursday "
    "friday saturday sunday today tomorrow nothing something maybe again help about don't change wrong actually "
    "correct right repeat back fine good all it anything everything"
)
_PREFIXES = re.compile(r"^(mc)([a-z]{2,})$")


def written(words: tuple[str, ...] | list[str]) -> str:
    """Capitals where names have them."""
    return " ".join(_capital(word) for word in words)


def _capital(word: str) -> str:
    scots = _PREFIXES.match(word)
    if scots:
        return "Mc" + scots[2].capitalize()
    return (
        "'".join(part[:1].upper() + part[1:] for part in word.split("'"))
        if len(word) > 2
        else word.capitalize()
    )


@lru_cache(maxsize=4096)
def find_name(text: str, *, expected: bool) -> Name | None:
    """The name in `text`. `expected`: the bare words of a short utterance are one."""
    words = tokens(text)
    for cue in _CUES:
        for at in range(len(words) - len(cue)):
            if words[at : at + len(cue)] == cue:
                return _name(words[at + len(cue) :], sure=True)
    if not expected:
        for at in range(len(words) - 2):
            if words[at : at + 2] == ("this", "is") and words[at + 2] in FIRST:
                return _name(words[at + 2 :], sure=True)
        return None
    start = 0
    while start < len(words) and words[start] in _LEADING:
        start += 1
    for cue in _WEAK_CUES:
        if words[start : start + len(cue)] == cue:
            return _name(words[start + len(cue) :], sure=True)
    bare = words[start:]
    if not bare or len([word for word in bare if len(word) > 1]) > 4:
        return None
    return _name(bare, sure=len(bare) == 2)


def _name(words: tuple[str, ...], *, sure: bool) -> Name | None:
    while words and words[0] in _LEADING:
        words = words[1:]
    kept: list[str] = []
    spelled: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word == "double" and at + 1 < len(words) and len(words[at + 1]) == 1:
            spelled += [words[at + 1]] * 2
            at += 2
            continue
        if len(word) == 1 and word.isalpha() and (spelled or _letters(words, at) >= 3):
            spelled.append(word)
        elif word in ("spelled", "spelling") and _letters(words, at + 1) >= 2:
            pass
        else:
            if spelled:
                kept = _with_spelling(kept, spelled)
                spelled = []
            if word in _ENDS or len(kept) == 3:
                break
            kept.append(word)
        at += 1
    if spelled:
        kept = _with_spelling(kept, spelled)
    if not kept or any(
        word in _NOT_NAMES or one_word(word) is not None or word[0].isdigit() for word in kept
    ):
        return None
    if len(kept) == 1 and len(kept[0]) < 2:
        return None
    return Name(written(kept), sure)


def _letters(words: tuple[str, ...], at: int) -> int:
    count = 0
    while at + count < len(words) and (len(words[at + count]) == 1 or words[at + count] == "double"):
        count += 1
    return count


def _with_spelling(kept: list[str], letters: list[str]) -> list[str]:
    """The spelled word instead of the one it sounds like, or after the others."""
    word = "".join(letters)
    for at, heard in enumerate(kept):
        if alike(heard, word) >= 0.6 or (at == len(kept) - 1 and heard[0] == word[0]):
            return [*kept[:at], word, *kept[at + 1 :]]
    return [*kept, word]


def names_somebody(words: tuple[str, ...]) -> bool:
    """Whether `no, it's Susan Miller` may be meant."""
    cued = any(words[at : at + 2] in (("it", "is"), ("this", "is")) for at in range(len(words)))
    return cued and any(word in FIRST or word in LAST for word in words)
