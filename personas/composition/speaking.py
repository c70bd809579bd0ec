"""In which language a session is held, by the persona's policy and who wishes for what. Pure.

A locked persona speaks one of its languages, whatever anybody wishes. One that is not takes any; its `supported` are
those that it is known to speak.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from personas.languages import Languages, language_of
from personas.manners import SPOKEN, texts_in
from personas.persona import Persona

__all__ = ["Spoken", "in_language", "is_tag", "speaking", "transcribable"]

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}")
_NAMES = {
    "ar": "Arabic", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch",
    "no": "Norwegian", "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sv": "Swedish", "ta": "Tamil", "te": "Telugu", "th": "Thai", "tl": "Tagalog", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
"""English names of languages that a persona does not name itself (ISO 639-1)."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What came of the wishes."""

    code: str
    """ISO 639-1."""
    name: str
    """For people, and for the model."""
    refused: str | None = None
    """The first wish, where the persona's policy refused it."""


def is_tag(text: str) -> bool:
    """Whether it can be a BCP 47 language tag."""
    return len(text) <= 35 and _TAG.fullmatch(text.replace("_", "-")) is not None


def speaking(languages: Languages, *wishes: str | None) -> Spoken:
    """The language of a session. `wishes` are BCP 47 tags, the one that counts most first; what is no tag is none."""
    refused: str | None = None
    for wish in wishes:
        if wish is None or not is_tag(wish):
            continue
        code = language_of(wish)
        if code in languages.supported or (not languages.locked and len(code) == 2):
            return Spoken(code, named(languages, code), refused)
        refused = refused or wish
    code = languages.primary or "en"
    return Spoken(code, named(languages, code), refused)


def named(languages: Languages, code: str) -> str:
    label = languages.label(code)
    return label if label != code else _NAMES.get(code, code)


def in_language(persona: Persona, spoken: Spoken) -> Persona:
    """`persona` in a session that is held in this language."""
    languages = persona.languages
    if spoken.code == languages.primary:
        return persona
    supported = (
        languages.supported if spoken.code in languages.supported else (*languages.supported, spoken.code)
    )
    # One of another country would be a guess: the locale is the bare language.
    return persona.model_copy(
        update={
            "languages": languages.model_copy(update={"primary": spoken.code, "supported": supported}),
            "locale": spoken.code,
            "language": spoken.name,
            **_said_in(spoken.code),
        }
    )


def _said_in(code: str) -> dict[str, Any]:
    """What is said word for word, in this language where it is known: what the persona has is in its own."""
    if code == "en":
        return {name: Persona.model_fields[name].default for name in SPOKEN}
    return dict(texts_in(code))


def transcribable(languages: Languages, wish: str | None) -> bool:
    """Whether the caller may be transcribed in this language: a client must not move a locked persona by its ears.
    None (the transcriber finds out) is a wish as well."""
    return not languages.locked or (wish is not None and language_of(wish) in languages.supported)
