"""Words as the recogniser writes them: normal forms, and how alike two words are by letters and by sound."""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.providers.embedded.likeness import alike_by, nearest, sound_by

__all__ = ["OPTIONAL", "STOP", "alike", "best", "content", "listed", "normal", "stem", "tokens"]

_TOKEN = re.compile(
    r"\$?\d[\d,]*(?:[:./-]\d+)*(?:\s?(?:st|nd|rd|th)\b)?|[a-z]+(?:'[a-z]+)*|[^\W\d_]+", re.IGNORECASE
)
_CONTRACTIONS = {
    "i'd": "i would", "i'm": "i am", "i'll": "i will", "i've": "i have", "you're": "you are", "you've": "you have",
    "we're": "we are", "we've": "we have", "they're": "they are", "it's": "it is", "that's": "that is",
    "there's": "there is", "what's": "what is", "where's": "where is", "who's": "who is", "when's": "when is",
    "how's": "how is", "name's": "name is", "let's": "let us", "don't": "do not", "doesn't": "does not",
    "didn't": "did not", "isn't": "is not", "aren't": "are not", "wasn't": "was not", "weren't": "were not",
    "can't": "can not", "cannot": "can not", "couldn't": "could not", "won't": "will not", "wouldn't": "would not",
    "shouldn't": "should not", "haven't": "have not", "hasn't": "has not", "gonna": "going to", "wanna": "want to",
    "o'clock": "oclock", "mm-hmm": "mhm", "uh-huh": "mhm", "okay": "ok", "yeah": "yes", "yep": "yes", "yup": "yes",
}  # fmt: skip


def listed(text: str) -> frozenset[str]:
    """The words of `text`, as a set."""
    return frozenset(text.split())


STOP = listed(
    "a an the i you he she it we they me my your his her its our their this that these those to of in on at for "
    "with by from and or but so do does did is are was were be been am have has had will would can could should "
    "may might must shall please just um uh er ah well like there here what when where who how which why if then "
    "about some any as up go going get got want need let us not no yes ok oh hi hello hey thanks thank"
)
"""Words that carry little of a sentence's meaning."""

OPTIONAL = listed(
    "a an the my your his her our their me us please just to of on for at in it is am are will would"
)
"""Words that a phrase is still the same without."""


def normal(text: str) -> str:
    """Lower case, straight apostrophes, contractions written out, `9:30am` and `a. m.` as `9:30 am`, `am`."""
    text = text.lower().replace("’", "'").replace("uh-huh", "mhm").replace("mm-hmm", "mhm")
    text = re.sub(r"\b(uh|mm|mhm|um) (huh|hm|hmm)\b", "mhm", text)
    text = re.sub(r"\b([ap])\.?\s?m\b\.?", r"\1m", text) if re.search(r"[ap]\.|\b[ap] m\b", text) else text
    text = re.sub(r"(\d)\s?([ap]m)\b", r"\1 \2", text)
    return re.sub(r"[a-z]+(?:['-][a-z]+)+|okay|yeah|yep|yup|gonna|wanna|cannot", _expand, text)


def _expand(match: re.Match[str]) -> str:
    word = match.group()
    return _CONTRACTIONS.get(word) or word.replace("-", " ")


@lru_cache(maxsize=8192)
def tokens(text: str) -> tuple[str, ...]:
    """The words of `text` in normal form."""
    return tuple(match.group().lower() for match in _TOKEN.finditer(normal(text)))


def content(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words that mean something."""
    return tuple(word for word in words if word not in STOP)


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """A rough stem: `cleaning`, `cleaned`, `cleans` → `clean`."""
    for ending in ("ations", "ation", "ings", "ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            base = word[: -len(ending)]
            if ending == "ies":
                return base + "y"
            if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "sl":
                base = base[:-1]
            return base.removesuffix("e") if len(base) > 3 else base
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


_SOUNDS = (
    ("^kn", "n"), ("^wr", "r"), ("^ps", "s"), ("tch", "C"), ("ch", "C"), ("sh", "C"), ("tion", "Cn"), ("ph", "f"),
    ("ght", "t"), ("gh", ""), ("ck", "k"), ("qu", "kw"), ("x", "ks"), ("c(?=[eiy])", "s"), ("c", "k"), ("dge", "j"),
    ("g(?=[eiy])", "j"), ("z", "s"), ("th", "T"), ("v", "f"), ("wh", "w"), ("(.)\\1", "\\1"), ("[aeiouy]+", "a"),
    ("h", ""),
)  # fmt: skip
alike = alike_by(stem, sound_by(_SOUNDS))


def best(word: str, options: tuple[str, ...] | frozenset[str], least: float = 0.75) -> str | None:
    """The option that `word` most likely was (`gateway.providers.embedded.likeness.nearest`)."""
    return nearest(alike, word, options, least)
