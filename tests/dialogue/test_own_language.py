"""Nobody hears English from a persona that speaks something else, whatever they say and whatever the tools answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.engine.mind import Request
from gateway.providers.embedded.dialogue import DialogueMind
from gateway.providers.embedded.english.words import listed
from gateway.providers.embedded.known import tongue_of
from personas.library import load
from personas.persona import Persona
from personas.prompt import session_for
from tests.dialogue.talk import NOW, TOOLS

pytestmark = pytest.mark.unit

PERSONAS = {
    name: persona
    for name, persona in load().items()
    if not persona.locale.startswith("en") and persona.dialogue is not None
}
ENGLISH = listed(
    "the you your yours is are was what which who please sorry thank thanks yes hello goodbye moment line still there "
    "and for with of at on in it this that i can could would will have need say said help want call number name "
    "appointment day time today tomorrow morning afternoon noon monday friday november first last something nothing "
    "right wait good one two five zero oh pm"
)
SAID = {
    "es": (
        "sí",
        "no",
        "no, mejor el sábado",
        "el viernes a las nueve y media",
        "una limpieza",
        "quiero una cita",
        "Lucía Hernández",
        "cinco cinco cinco cinco cinco cero cero uno siete dos",
        "me llamo Ana",
        "la primera",
        "cuatro ocho uno nueve dos seis",
        "espere",
        "repita por favor",
        "mejor el lunes",
        "qué horario tienen",
        "adiós",
        "olvídelo",
        "quiero reportar un choque",
        "nadie salió herido",
        "hola",
        "ajá",
        "",
        "cambie el nombre",
        "una persona por favor",
        "ayer",
        "un coche me pegó por atrás en el semáforo",
        "cuánto es mi deducible",
        "el doce de abril",
        "gracias",
        "ayuda",
        "más tarde",
        "blablablá",
        "otra cosa",
        "uno dos",
    ),
    "ur": (
        "جی ہاں",
        "نہیں",
        "نہیں، ہفتے کو",
        "جمعے کو صبح ساڑھے نو بجے",
        "معائنہ",
        "مجھے اپائنٹمنٹ چاہیے",
        "علی احمد",
        "صفر تین صفر صفر پانچ پانچ پانچ صفر ایک سات دو",
        "میرا نام علی ہے",
        "پہلا",
        "ایک منٹ",
        "دوبارہ کہیے",
        "پیر کو",
        "آپ کے اوقات کیا ہیں",
        "خدا حافظ",
        "رہنے دیں",
        "السلام علیکم",
        "",
        "نام بدل دیں",
        "کسی شخص سے بات کرنی ہے",
        "کل",
        "شکریہ",
        "مدد",
        "بعد میں",
        "کچھ اور",
        "ایک دو",
        "بلا بلا",
    ),
}
RESULTS = (
    '{"slots": [{"starts_at": "2026-11-20T09:30:00", "provider": "Solís"}, {"starts_at": "2026-11-20T14:00:00"}]}',
    '{"slots": [], "other_days": [{"starts_at": "2026-11-23T12:00:00", "provider": "Solís"}]}',
    '{"error": "That time is no longer free. The nearest are at noon."}',
    '{"error": "There is no policy with that number."}',
    '{"policy_number": "481926", "holder": "Solís", "status": "active"}',
    '{"status": "lapsed"}',
    '{"claim_number": "621884"}',
    '{"booking_id": "b", "confirmation_code": "K7Q2", "starts_at": '
    '"2026-11-20T09:30:00", "provider": "Solís"}',
    "",
    "Error: broken",
)


def english_in(text: str, language: str) -> list[str]:
    """What of `text` a caller would hear as English. Of codes that are spelled out single letters remain."""
    if language == "es":
        return [word for word in re.findall(r"[a-z']+", text.lower()) if word in ENGLISH]
    return re.findall(r"[A-Za-z]{2,}", text.replace("Solís", ""))


def _message(role: str, text: str) -> dict[str, Any]:
    kind = "input_text" if role == "user" else "output_text"
    return {"id": "i", "type": "message", "role": role, "content": [{"type": kind, "text": text}]}


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Persona, list[dict[str, Any]]]:
    """What came of a caller who says anything in the language, tools that answer anything, and the mind's own words."""
    persona = PERSONAS[draw(st.sampled_from(sorted(PERSONAS)))]
    items: list[dict[str, Any]] = []
    for turn in range(draw(st.integers(1, 9))):
        items.append(_message("user", draw(st.sampled_from(SAID[persona.locale[:2]]))))
        for _ in range(3):
            reply = DialogueMind().respond(asked(persona, items))
            if reply.say:
                items.append(_message("assistant", reply.say))
            for use in reply.tool_uses:
                call = {"name": use.name, "call_id": f"c{turn}", "arguments": "{}"}
                items.append({"type": "function_call", **call})
                output = draw(st.sampled_from(RESULTS))
                items.append({"type": "function_call_output", "call_id": f"c{turn}", "output": output})
            if not reply.tool_uses:
                break
    return persona, items


def asked(persona: Persona, items: list[dict[str, Any]], **more: Any) -> Request:
    session = session_for(persona, [TOOLS[name] for name in persona.tools])
    return Request(
        **{
            "conversation": tuple(items),
            "instructions": session["instructions"],
            "tools": tuple(session["tools"]),
            "tool_choice": "auto",
            "now": NOW,
            "persona": persona,
        }
        | more
    )


@settings(max_examples=150, deadline=None)
@given(conversations())
def test_whatever_is_said_no_english_leaks(made: tuple[Persona, list[dict[str, Any]]]) -> None:
    persona, items = made
    language = persona.locale[:2]
    for item in items:
        if item.get("role") == "assistant":
            said = item["content"][0]["text"]
            assert english_in(said, language) == [], said


@pytest.mark.parametrize("name", sorted(PERSONAS))
def test_without_a_dialogue_and_without_tools_neither(name: str) -> None:
    bare = PERSONAS[name].model_copy(update={"dialogue": None})
    for said in SAID[bare.locale[:2]]:
        for more in ({"tools": ()}, {}, {"tool_choice": "none"}):
            for persona in (bare, PERSONAS[name]):
                reply = DialogueMind().respond(asked(persona, [_message("user", said)], **more))
                assert reply.say or reply.tool_uses
                assert english_in(reply.say, bare.locale[:2]) == [], reply.say


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case BaseModel():
            for name in type(value).model_fields:
                yield from _texts(getattr(value, name))
        case list() | tuple():
            for each in value:
                yield from _texts(each)
        case _:
            pass


SPOKEN_BY_ITSELF = (
    "greeting",
    "still_there",
    "farewell",
    "bridging",
    "filler",
    "putting_through",
    "voicemail",
    "outbound",
    "recording",
)


@pytest.mark.parametrize("name", sorted(PERSONAS))
def test_no_text_that_is_said_word_for_word_is_english(name: str) -> None:
    persona = PERSONAS[name]
    for field in SPOKEN_BY_ITSELF:
        for text in _texts(getattr(persona, field)):
            if (field, text) != ("recording", persona.recording.mode):
                assert english_in(re.sub(r"\{\w+\}", "", text), persona.locale[:2]) == [], (field, text)


@pytest.mark.parametrize("language", ["es", "ur"])
def test_the_engine_s_own_lines_are_not_english(language: str) -> None:
    persona = next(each for each in PERSONAS.values() if each.locale.startswith(language))
    tongue = tongue_of(persona)
    assert tongue is not None
    for name in type(tongue.lines).__dataclass_fields__:
        line = getattr(tongue.lines, name)
        assert line.strip()
        assert english_in(line, language) == [], line


def test_english_would_be_noticed() -> None:
    assert english_in("Are you still there?", "es")
    assert english_in("One moment, please.", "ur")
    assert not english_in("¿Sigue en la línea? No, K, siete, Q, dos.", "es")
