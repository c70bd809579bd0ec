"""A persona says what its file leaves out in its own language."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from personas.composition.speaking import in_language, speaking
from personas.consulting import consulting
from personas.dialogue import Dialogue, HandOver
from personas.languages import Languages
from personas.manners import manners_of
from personas.persona import Persona, Recorded

pytestmark = pytest.mark.unit

TOLD: dict[str, Any] = {
    "id": "front_desk",
    "display_name": "Sol",
    "domain": "healthcare",
    "description": "x",
    "avatar_key": "sol",
    "professional_role": "x",
    "default_tone": "x",
    "default_voice": "marin",
    "allowed_voices": ("marin",),
    "scenario": "x",
    "scenario_title": "x",
    "instructions": "x",
}
TASK = {"id": "t", "title": "t", "triggers": ["t"], "slots": [], "steps": [{"call": "c", "failed": "f"}]}
SPOKEN = ("still_there", "farewell", "bridging", "filler", "putting_through")
NOT_SPOKEN = {
    "language",
    "tasks",
    "answers",
    "help",
    "max_misses",
    "goodbye",
    "person",
    "hand_over",
    "hear",
}


def persona(**more: Any) -> Persona:
    return Persona.model_validate({**TOLD, **more})


@pytest.mark.parametrize("locale", ["es-MX", "ur-PK"])
def test_every_text_with_a_default_has_one_in_the_language(locale: str) -> None:
    """Whoever adds an English default is told here that other languages need it too."""
    whole = persona(locale=locale, dialogue={"tasks": [TASK], "help": "h"})
    english = persona(dialogue={"tasks": [TASK], "help": "h"})
    for name in SPOKEN:
        assert getattr(whole, name) != getattr(english, name), name
    assert whole.recording.announce != Recorded().announce
    assert whole.dialogue is not None
    for name in set(Dialogue.model_fields) - NOT_SPOKEN:
        assert getattr(whole.dialogue, name) != getattr(english.dialogue, name), name
    for name in HandOver.model_fields:
        assert getattr(whole.dialogue.hand_over, name) != getattr(HandOver(), name), name


def test_what_the_file_says_stands() -> None:
    told = persona(
        locale="es-MX",
        still_there="¿Bueno?",
        filler=(),
        recording="on",
        dialogue={"tasks": [TASK], "help": "h", "hold": "Sale.", "hand_over": {"say": "Va."}},
    )
    assert (told.still_there, told.filler) == ("¿Bueno?", ())
    assert (told.recording.mode, told.recording.announce) == ("on", "Esta llamada se graba.")
    assert told.dialogue is not None
    assert (told.dialogue.hold, told.dialogue.hand_over.say) == ("Sale.", "Va.")
    assert told.dialogue.hand_over.department == "recepción"


def test_a_language_without_texts_has_to_write_its_own() -> None:
    with pytest.raises(ValidationError, match="add still_there, bridging, filler, putting_through"):
        persona(locale="fr-FR", farewell="Au revoir.")
    own = dict.fromkeys(SPOKEN, "Oui.") | {"filler": ("Oui.",)}
    assert persona(locale="fr-FR", **own).farewell == "Oui."


def test_a_session_in_another_language_of_the_persona_says_its_words_in_that() -> None:
    both = Languages(primary="en", supported=("en", "es"), locked=True)
    english = persona(languages=both, still_there="Still with me?")
    moved = in_language(english, speaking(both, "es-MX"))
    assert (moved.still_there, moved.farewell) == (
        "¿Sigue en la línea?",
        "Gracias por llamar. Hasta luego.",
    )
    assert in_language(english, speaking(both, "en")).still_there == "Still with me?"
    back = Languages(primary="es", supported=("es", "en"), locked=True)
    spanish = persona(locale="es-MX", languages=back)
    assert in_language(spanish, speaking(back, "en")).still_there == "Are you still there?"


def test_a_colleague_is_asked_in_the_persona_s_language() -> None:
    asked = consulting(persona(locale="es-MX"), "recepción", "Quiere cambiar su cita", [])
    assert asked.greeting is not None
    assert asked.greeting.startswith(
        "Hola, le habla Sol. Tengo una llamada en espera para recepción. Quiere cambiar"
    )
    assert asked.dialogue is not None
    manners = manners_of("es")
    assert manners is not None
    assert asked.dialogue.unclear == manners.dialogue["unclear"]
