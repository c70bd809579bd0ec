"""Whatever the items and the tools: a reply, never empty, and arguments the schema accepts."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.mind import Reply, Request
from gateway.providers.embedded.dialogue import DialogueMind
from gateway.speech.ports import Heard
from personas.library import load
from personas.persona import Persona
from personas.prompt import session_for
from tests.dialogue.talk import NOW
from tools.library import load as load_tools

pytestmark = pytest.mark.unit

PERSONAS = load()
TOOLS = load_tools()
SAID = (
    "yes", "no", "no make it saturday", "friday at nine thirty", "a cleaning", "book an appointment",
    "susan walker", "my name is bob", "five five five oh one seven two", "seven three zero five",
    "the first one", "wait", "repeat that", "actually monday", "what are your hours", "goodbye",
    "never mind", "i want to report a car accident", "nobody was hurt", "four eight one nine two six",
    "there is a charge i don't recognize", "uh huh", "", "change the name", "a person please",
    "yesterday", "a long story about a car and a wall on the road", "what is my deductible",
    "two thousand", "i lost my card",
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
texts = st.sampled_from(SAID) | st.text(max_size=40)
roles = st.sampled_from(["user", "user", "user", "assistant", "system"])
NAMES = [*sorted(TOOLS), "other"]


def _message(role: str, text: str, kind: str) -> dict[str, Any]:
    part = {"type": kind, "transcript" if kind.endswith("audio") else "text": text}
    return {"id": "i", "type": "message", "role": role, "content": [part]}


messages = st.builds(_message, roles, texts, st.sampled_from(["input_audio", "input_text", "output_audio"]))
calls = st.builds(
    lambda name, call, arguments: {
        "type": "function_call",
        "name": name,
        "call_id": call,
        "arguments": arguments,
    },
    st.sampled_from(NAMES),
    st.sampled_from("abc"),
    st.one_of(st.text(max_size=10), json_values.map(json.dumps)),
)
RESULTS = (
    '{"slots": [{"starts_at": "2026-11-20T09:30:00", "provider": "Dr. Chen"}]}', '{"slots": [1, null, {"x": 2}]}',
    '{"charges": [{"charge_id": "c", "merchant": "M", "amount": 1.5}]}', '{"error": "no"}', '{"status": "lapsed"}', "",
)  # fmt: skip
outputs = st.builds(
    lambda call, output: {"type": "function_call_output", "call_id": call, "output": output},
    st.sampled_from("abc"),
    st.one_of(st.sampled_from(RESULTS), json_values.map(json.dumps), st.text(max_size=10)),
)
odd = st.dictionaries(
    st.sampled_from(["type", "role", "content", "name", "call_id", "output", "id"]), json_values
)
items = st.lists(st.one_of(messages, messages, calls, outputs, odd), max_size=10)
scores = st.builds(Heard, texts, st.floats(0, 1), st.sampled_from(["script", "open", "none"]))


def check(reply: Reply, tools: list[dict[str, Any]]) -> None:
    assert reply.say.strip() or reply.tool_uses
    schemas = {tool["name"]: tool["parameters"] for tool in tools}
    for use in reply.tool_uses:
        jsonschema.validate(use.arguments, schemas[use.name])


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(PERSONAS)), items, scores, st.sampled_from(["auto", "none", "required"]))
def test_any_items_are_answered(
    name: str, conversation: list[dict[str, Any]], heard: Heard, choice: str
) -> None:
    persona: Persona = PERSONAS[name]
    session = session_for(persona, [TOOLS[each] for each in persona.tools])
    request = Request(
        conversation=tuple(conversation),
        instructions=session["instructions"],
        tools=tuple(session["tools"]),
        tool_choice=choice,
        now=NOW,
        persona=persona,
        heard={"i": heard},
    )
    reply = DialogueMind().respond(request)
    check(reply, session["tools"])
    assert choice != "none" or not reply.tool_uses
    assert choice != "required" or reply.tool_uses
    assert DialogueMind().respond(request) == reply


strings = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={
        "minLength": st.integers(0, 5),
        "maxLength": st.integers(12, 40),
        "description": st.text(max_size=20),
    },
)
formatted = st.fixed_dictionaries(
    {
        "type": st.just("string"),
        "format": st.sampled_from(["date", "date-time", "time", "email", "uuid", "uri"]),
    }
)
patterned = st.fixed_dictionaries(
    {
        "type": st.just("string"),
        "pattern": st.sampled_from([r"^[0-9]{4}$", r"^\d{3}-\d{4}$", "^[A-Z]{2}[0-9]+$", "^(a|b)c$"]),
    }
)
enums = st.fixed_dictionaries(
    {"enum": st.lists(st.sampled_from(["red", "green", 3, 2.5, True]), min_size=1, max_size=4)}
)
booleans = st.just({"type": "boolean"})


def _bounds(low: int, span: int, kind: str, exclusive: bool) -> dict[str, Any]:
    names = ("exclusiveMinimum", "exclusiveMaximum") if exclusive else ("minimum", "maximum")
    return {"type": kind, names[0]: low, names[1]: low + span}


numbers = st.builds(
    _bounds, st.integers(-50, 50), st.integers(2, 50), st.sampled_from(["integer", "number"]), st.booleans()
)
multiples = st.builds(lambda step: {"type": "integer", "minimum": 1, "multipleOf": step}, st.integers(1, 9))
nullable = st.just({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None})
leaves = st.one_of(strings, formatted, patterned, enums, booleans, numbers, multiples, nullable)


def _object(properties: dict[str, Any], share: int) -> dict[str, Any]:
    required = sorted(properties)[: len(properties) * share // 2]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


property_names = st.sampled_from(
    ["city", "date", "count", "name", "phone", "on", "query", "tags", "address", "colour"]
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(
            lambda each, least: {"type": "array", "items": each, "minItems": least},
            inner,
            st.integers(0, 2),
        ),
        st.builds(_object, st.dictionaries(property_names, inner, max_size=3), st.integers(0, 2)),
    ),
    max_leaves=6,
)
parameters = st.builds(_object, st.dictionaries(property_names, schemas, max_size=4), st.integers(0, 2))
ASKED = (
    "turn on the red lamp in boston tomorrow", "look up the number two four seven seven",
    "my name is susan walker", "add three and four and seventeen",
    "order green for friday at nine thirty", "call me at 555-0172", "hello", "yes", "minus five",
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(parameters, st.sampled_from(ASKED) | st.text(max_size=30), st.sampled_from(["auto", "required"]))
def test_arguments_are_always_valid(schema: dict[str, Any], text: str, choice: str) -> None:
    tool = {
        "type": "function",
        "name": "look_up_lamp_number",
        "description": "Turn, add, order",
        "parameters": schema,
    }
    said = [_message("user", text, "input_text")]
    for _ in range(3):
        reply = DialogueMind().respond(Request(tuple(said), "", (tool,), choice, NOW))
        check(reply, [tool])
        assert choice != "required" or reply.tool_uses
        if reply.tool_uses:
            break
        said += [
            _message("assistant", reply.say, "output_text"),
            _message("user", "twelve red", "input_text"),
        ]
