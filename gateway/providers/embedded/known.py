"""The languages that the embedded engine's mind has."""

from __future__ import annotations

from gateway.providers.embedded.english.pack import ENGLISH
from gateway.providers.embedded.spanish.pack import SPANISH
from gateway.providers.embedded.tongue import Tongue
from gateway.providers.embedded.urdu.pack import URDU
from gateway.speech.ports import LANGUAGES
from personas.languages import language_of
from personas.persona import Persona

__all__ = ["refuses", "tongue_of"]

_TONGUES = {tongue.language: tongue for tongue in (ENGLISH, SPANISH, URDU)}


def tongue_of(persona: Persona | None) -> Tongue | None:
    """The tongue of a persona's conversations, English without one; None for a language that has no pack, and for one
    that the persona is to speak but its dialogue is not written in."""
    if persona is None:
        return ENGLISH
    language = language_of(persona.locale)
    if persona.dialogue is not None and persona.dialogue.language != language:
        return None
    return _TONGUES.get(language)


def refuses(persona: Persona, *, written: bool) -> str | None:
    """Why the embedded engine cannot hold a call of this persona (`gateway.languages.SpeaksSome`)."""
    spoken = language_of(persona.locale) in LANGUAGES
    if tongue_of(persona) is None:
        return (
            f"{persona.display_name} speaks {persona.language} here, which the embedded engine does not know: "
            "configure another provider (docs/providers.md)."
        )
    if spoken or written:
        return None
    return (
        f"{persona.display_name} speaks {persona.language}, and the embedded engine hears and speaks English only: "
        'configure another provider (docs/providers.md), or open a session in text, with output_modalities ["text"].'
    )
