"""Spanish words in normal form: small letters without accents, `del` and `al` written out."""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.providers.embedded.likeness import alike_by, nearest, sound_by

__all__ = ["OPTIONAL", "STOP", "alike", "best", "fold", "listed", "stem", "tokens"]

_TOKEN = re.compile(r"\$?\d[\d,]*(?:[:./-]\d+)*|[^\W\d_]+")
_ACCENTS = str.maketrans("áàâäéèêëíìîïóòôöúùûü", "aaaaeeeeiiiioooouuuu")
_LATER = re.compile(r"\bmas tarde\b")
_EARLIER = re.compile(r"\bmas temprano\b")
"""One word each, so that `la tarde` and `más tarde` have none in common."""
_OTHERWISE = {
    "del": ("de", "el"), "al": ("a", "el"), "manana": ("mañana",), "ano": ("año",), "anos": ("años",), "q": ("que",),
    "okey": ("ok",), "okay": ("ok",), "sip": ("si",), "nop": ("no",),
}  # fmt: skip
"""Words that are written out, or were typed without a tilde."""


def listed(text: str) -> frozenset[str]:
    """The words of `text`, as a set."""
    return frozenset(text.split())


STOP = listed(
    "a ante con de desde el la los las lo le les me te se nos un una unos unas y e o u que en por para "
    "pero si no es son era esta estan este esto ese esa eso estas mi mis tu tus su sus yo usted ustedes "
    "ella ellos nosotros ya muy mas hay ha han he hemos ser sea estar fue va voy ir al del favor gracias "
    "pues bueno hola oiga mire entonces como quiero quisiera necesito queria gustaria puedo puede pueden "
    "podria tengo tiene tienen hacer cuando donde cual cuales quien cuanto cuanta cuantos cuantas"
)
"""Words that carry little of a sentence's meaning. Without accents, as all words here."""

OPTIONAL = listed(
    "a el la los las lo un una unos unas de en con para por mi mis su sus me le se que y es esta son por "
    "favor"
)
"""Words that a phrase is still the same without."""


def fold(word: str) -> str:
    """Small, without accents; ñ stays."""
    return word.lower().translate(_ACCENTS)


@lru_cache(maxsize=8192)
def tokens(text: str) -> tuple[str, ...]:
    """The words of `text` in normal form."""
    text = _LATER.sub("despues", _EARLIER.sub("antes", fold(text)))
    text = re.sub(r"\b([ap])\.?\s?m\b\.?", r"\1m", text) if re.search(r"[ap]\.|\b[ap] m\b", text) else text
    text = re.sub(r"(\d)\s?([ap]m|hrs?|h)\b", r"\1 \2", text)
    words: list[str] = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        words.extend(_OTHERWISE.get(word, (word,)))
    return tuple(words)


_ENDINGS = (
    "aciones", "acion", "andose", "ando", "iendo", "adas", "ados", "ada", "ado", "idos", "idas", "ido", "ida", "arlo",
    "arla", "arme", "ar", "er", "ir", "es", "as", "os", "a", "o", "e", "s",
)  # fmt: skip


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """A rough stem: `perros`, `perra` → `perr`; `vacunar`, `vacunas`, `vacunado` → `vacun`."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


_SOUNDS = (
    ("h", ""), ("ll", "y"), ("v", "b"), ("qu", "k"), ("gu(?=[ei])", "g"), ("g(?=[ei])", "j"), ("c(?=[ei])", "s"),
    ("z", "s"), ("c", "k"), ("x", "ks"), ("(.)\\1", "\\1"), ("n(?=[bp])", "m"),
)  # fmt: skip

alike = alike_by(stem, sound_by(_SOUNDS), shortest=5)


def best(word: str, options: tuple[str, ...] | frozenset[str], least: float = 0.75) -> str | None:
    """The option that `word` most likely was."""
    return nearest(alike, word, options, least)
