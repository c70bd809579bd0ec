"""The languages that the embedded engine's mind has."""

from __future__ import annotations

from gateway.providers.embedded.english.pack import ENGLISH
from gateway.providers.embedded.spanish.pack import SPANISH
from gateway.providers.embedded.tongue import Tongue
from personas.languages import language_of
from personas.persona import Persona

__all__ = ["HEARD", "tongue_of"]

HEARD = frozenset({"en"})
"""Languages that the ears know, and the voice: ISO 639-1."""

_TONGUES = {tongue.language: tongue for tongue in (ENGLISH, SPANISH)}


def tongue_of(persona: Persona | None) -> Tongue | None:
    """The tongue of a persona's conversations, English without one; None for a language that has no pack."""
    return ENGLISH if persona is None else _TONGUES.get(language_of(persona.locale))
