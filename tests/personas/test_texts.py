"""Phrases, templates, and the session built for a persona."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personas.library import load
from personas.phrases import expand
from personas.prompt import said_exactly, say_exactly, session_for
from personas.template import fields, fill, only_field
from tools.library import load as load_tools

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("pattern", "phrases"),
    [
        ("hello", ("hello",)),
        ("(a|b) c", ("a c", "b c")),
        ("[please] go", ("go", "please go")),
        ("x [(a|b)]", ("x", "x a", "x b")),
        ("(a|b|b)", ("a", "b")),
    ],
)
def test_phrases_expand(pattern: str, phrases: tuple[str, ...]) -> None:
    assert expand(pattern) == phrases


@pytest.mark.parametrize("pattern", ["(a", "a)", "[a", "a]", "", "[ ]", "(a|b)(c|d)" + "(e|f)" * 8])
def test_wrong_phrases_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"bracket|empty|more than"):
        expand(pattern)


@given(st.text(alphabet="ab ()[]|", max_size=24))
def test_a_phrase_expands_or_is_refused(pattern: str) -> None:
    try:
        assert all(phrase == " ".join(phrase.split()) for phrase in expand(pattern))
    except ValueError:
        return


def test_templates() -> None:
    assert [field.path for field in fields("On {wish.date|date} for {name}.")] == [
        ("wish", "date"),
        ("name",),
    ]
    assert fill("On {day|date}.", lambda field: f"<{field.filter}>") == "On <date>."
    assert only_field(" {a.b} ") is not None
    assert only_field("{a} {b}") is None


@given(st.text())
def test_what_is_to_be_said_exactly_comes_back(text: str) -> None:
    assert said_exactly(say_exactly(text)) == text


@pytest.mark.parametrize("text", [None, "", "Say hello.", "You are a bank."])
def test_other_instructions_are_no_order_to_speak(text: str | None) -> None:
    assert said_exactly(text) is None


@pytest.mark.parametrize("name", sorted(load()))
def test_the_session_of_a_persona(name: str) -> None:
    persona, tools = load()[name], load_tools()
    session = session_for(persona, [tools[each] for each in persona.tools])
    assert session["type"] == "realtime"
    assert session["instructions"].startswith(persona.instructions.strip())
    assert session["audio"]["output"]["voice"] == persona.default_voice
    expected = {"model": "gpt-4o-mini-transcribe", "language": persona.languages.primary}
    if persona.transcription_prompt is not None:
        expected["prompt"] = persona.transcription_prompt
    assert session["audio"]["input"]["transcription"] == expected
    detection = session["audio"]["input"]["turn_detection"]
    assert detection["create_response"] is False
    assert detection["interrupt_response"] is False
    assert [tool["name"] for tool in session["tools"]] == list(persona.tools)
    own = session_for(persona.model_copy(update={"turns": "provider"}), [])
    assert own["audio"]["input"]["turn_detection"]["create_response"] is True


def test_only_a_persona_that_says_so_asks_a_model_to_reason() -> None:
    persona = load()["assistant"]
    assert "reasoning" not in session_for(persona, [])
    reasoning = session_for(persona.model_copy(update={"reasoning_effort": "low"}), [])
    assert reasoning["reasoning"] == {"effort": "low"}
