"""The ears learn what a persona's callers say once somebody calls it, and once only."""

from __future__ import annotations

import pytest

from gateway.engine.lessons import Lessons
from gateway.speech.ports import Heard
from personas.composition.branding import rebranded
from personas.persona import Persona
from tests.dialogue.talk import persona

pytestmark = pytest.mark.unit


class Ears:
    tier = "none"

    def __init__(self) -> None:
        self.learned: list[tuple[str, tuple[str, ...]]] = []

    def learn(self, script: str, sentences: tuple[str, ...]) -> None:
        self.learned.append((script, sentences))

    async def transcribe(self, pcm: bytes, *, script: str | None = None) -> Heard:
        return Heard("", 0.0, "none")


async def test_a_persona_is_taught_as_it_is_called_and_anew_when_it_has_changed() -> None:
    ears, written = Ears(), list[str]()

    def script(who: Persona) -> tuple[str, ...]:
        written.append(who.id)
        return who.hear

    lessons = Lessons(ears, script)
    assert not ears.learned
    clinic, pharmacy = (
        persona(name).model_copy(update={"hear": ("hello",)})
        for name in ("clinic_reception", "pharmacy_refill")
    )
    for who in (clinic, clinic, pharmacy, clinic):
        await lessons.teach(who)
    assert written == ["clinic_reception", "pharmacy_refill"]
    await lessons.teach(clinic.model_copy(update={"greeting": "Good morning."}))
    assert written == ["clinic_reception", "pharmacy_refill"]
    await lessons.teach(clinic.model_copy(update={"hear": ("good morning",)}))
    assert [name for name, _ in ears.learned] == ["clinic_reception", "pharmacy_refill", "clinic_reception"]
    assert ears.learned[-1] == ("clinic_reception", ("good morning",))


async def test_businesses_whose_callers_say_the_same_are_taught_once() -> None:
    ears, written = Ears(), list[str]()

    def script(who: Persona) -> tuple[str, ...]:
        written.append(who.id)
        return ("i need an appointment",)

    lessons = Lessons(ears, script)
    clinic = persona("clinic_reception")
    another = rebranded(clinic, "Hollis House")
    assert another.dialogue != clinic.dialogue, "what it says has changed"
    for who in (clinic, another, clinic, rebranded(clinic, "Hollis House")):
        await lessons.teach(who)
    assert written == ["clinic_reception"] * 2
    assert len(ears.learned) == 1
