"""A client's own instructions and tools, without a dialogue."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.engine.mind import Reply, Request, ToolUse
from gateway.providers.embedded.dialogue import DialogueMind
from personas.prompt import say_exactly
from tests.dialogue.talk import NOW, Talk, persona

pytestmark = pytest.mark.unit

INSTRUCTIONS = """\
You are Robin, a travel assistant for Bluewave Tours. Always be polite.
- Our office is open from nine to five.
- The Lisbon tour costs 320 dollars and takes four days.
If the user asks about refunds, say: "Refunds take ten days."
"""


def tool(name: str, description: str, properties: dict[str, Any], *required: str) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return {"type": "function", "name": name, "description": description, "parameters": parameters}


TOOLS = (
    tool(
        "get_weather",
        "Get the current weather for a city",
        {"city": {"type": "string", "description": "The city to look up, e.g. Paris"},
         "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "city",
    ),
    tool(
        "set_light",
        "Turn a lamp on or off",
        {"room": {"type": "string", "enum": ["kitchen", "bedroom", "living_room"]}, "on": {"type": "boolean"},
         "brightness": {"type": "integer", "minimum": 0, "maximum": 100}},
        "room", "on",
    ),
    tool(
        "book_table",
        "Book a table in the restaurant",
        {"date": {"type": "string", "format": "date"},
         "party_size": {"type": "integer", "minimum": 1, "maximum": 12, "description": "How many people"},
         "name": {"type": "string", "description": "Name for the reservation"}},
        "date", "party_size", "name",
    ),
    tool("add_numbers", "Add numbers together",
         {"numbers": {"type": "array", "items": {"type": "number"}, "minItems": 2}}, "numbers"),
    tool("send_message", "Send an email message",
         {"to": {"type": "string", "format": "email"}, "body": {"type": "string"}}, "to", "body"),
    tool(
        "ship_parcel",
        "Ship a parcel",
        {"address": {"type": "object", "properties": {"city": {"type": "string"}, "zip": {"type": "string",
         "pattern": "^[0-9]{5}$"}}, "required": ["city", "zip"], "additionalProperties": False},
         "weight": {"type": "number", "exclusiveMinimum": 0}},
        "address",
    ),
)  # fmt: skip


def user(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def ours(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def system(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "system", "content": [{"type": "input_text", "text": text}]}


def result(name: str, output: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        {"type": "function_call", "call_id": "c1", "name": name, "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": output},
    )


def respond(*items: dict[str, Any], **changes: Any) -> Reply:
    asked: dict[str, Any] = {
        "instructions": INSTRUCTIONS,
        "tools": TOOLS,
        "tool_choice": "auto",
        "now": NOW,
    }
    return DialogueMind().respond(Request(conversation=items, **{**asked, **changes}))


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("what's the weather in boston", "get_weather", {"city": "Boston"}),
        ("What is the weather in New York in celsius?", "get_weather", {"city": "New York", "unit": "celsius"}),
        ("turn on the kitchen light", "set_light", {"room": "kitchen", "on": True}),
        ("turn off the lamp in the living room", "set_light", {"room": "living_room", "on": False}),
        ("turn on the bedroom light at thirty percent", "set_light", {"room": "bedroom", "on": True, "brightness": 30}),
        ("add two and three point five", "add_numbers", {"numbers": [2, 3.5]}),
        ("add the numbers 4, 7 and 12", "add_numbers", {"numbers": [4, 7, 12]}),
        ("book a table for four people on friday under the name susan walker", "book_table",
         {"date": "2026-11-20", "party_size": 4, "name": "Susan Walker"}),
        ("send a message to ann at example dot com saying the plane is late", "send_message",
         {"to": "ann@example.com", "body": "the plane is late"}),
        ("ship a parcel to Denver 80202 weight 3 kilos", "ship_parcel",
         {"address": {"city": "Denver", "zip": "80202"}, "weight": 3}),
    ],
)  # fmt: skip
def test_a_tool_is_chosen_and_its_arguments_taken_from_what_was_said(
    text: str, name: str, arguments: dict[str, Any]
) -> None:
    assert respond(user(text)).tool_uses == (ToolUse(name, arguments),)


def test_missing_arguments_are_asked_for_one_by_one() -> None:
    items = [user("book a table please")]
    for answer, asks in (
        ("friday", "date"),
        ("four", "how many people"),
        ("susan walker", "name for the reservation"),
    ):
        reply = respond(*items)
        assert not reply.tool_uses
        assert asks in reply.say.lower()
        items += [ours(reply.say), user(answer)]
    assert respond(*items).tool_uses == (
        ToolUse("book_table", {"date": "2026-11-20", "party_size": 4, "name": "Susan Walker"}),
    )


def test_a_value_out_of_range_is_asked_for_again() -> None:
    items = (user("book a table on friday"), ours("Please tell me how many people."), user("forty"))
    reply = respond(*items)
    assert not reply.tool_uses
    assert reply.say.startswith("Sorry, I didn't get that.")


def test_a_question_can_be_dropped() -> None:
    reply = respond(user("book a table"), ours("What is the date?"), user("never mind"))
    assert "leave that" in reply.say
    after = respond(
        user("book a table"), ours("What is the date?"), user("never mind"), ours(reply.say), user("friday")
    )
    assert not after.tool_uses


def test_tool_choice_is_honoured() -> None:
    assert not respond(user("weather in boston"), tool_choice="none").tool_uses
    assert [use.name for use in respond(user("weather in boston"), tool_choice="required").tool_uses] == [
        "get_weather"
    ]
    named = respond(user("weather in boston"), tool_choice={"type": "function", "name": "book_table"})
    assert [use.name for use in named.tool_uses] == ["book_table"]
    assert set(named.tool_uses[0].arguments) == {"date", "party_size", "name"}
    assert respond(user("hi"), tools=(), tool_choice="required").say


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ('{"temp": 21, "conditions": "sunny"}', "temp 21, conditions sunny"),
        ('{"summary": "It is sunny in Boston."}', "It is sunny in Boston."),
        ("It is sunny in Boston", "It is sunny in Boston."),
        ('{"error": "no such city"}', "didn't work: no such city."),
        ('{"starts_at": "2026-11-20T09:30:00"}', "Friday, November 20th at 9:30 AM"),
        ("[1, 2, 3]", "The result is 1; 2; 3."),
        ('{"ok": true}', "yes"),
        ("{}", "Get weather is done."),
        ("", "Get weather is done."),
    ],
)
def test_results_are_told_in_a_sentence(output: str, says: str) -> None:
    assert says in respond(user("weather"), *result("get_weather", output)).say


def test_the_last_tool_serves_a_second_question() -> None:
    items = (
        user("weather in boston"),
        *result("get_weather", '{"t": 1}'),
        ours("t 1"),
        user("and in paris?"),
    )
    assert respond(*items).tool_uses == (ToolUse("get_weather", {"city": "Paris"}),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("who are you", "I'm Robin, a travel assistant for Bluewave Tours."),
        ("what is your name?", "Robin"),
        ("how much does the lisbon tour cost", "320 dollars"),
        ("when is your office open", "from nine to five"),
        ("what about refunds", "Refunds take ten days."),
        ("what time is it", "10:15 AM"),
        ("what day is it today", "Wednesday, November 18th"),
        ("thank you", "You're welcome."),
        ("hold on a second", "Sure, take your time."),
        ("what is the meaning of life", "I can't answer that. I can help with the weather"),
    ],
)
def test_questions_are_answered_from_the_instructions(text: str, says: str) -> None:
    assert says in respond(user(text)).say


def test_what_was_told_before_is_remembered() -> None:
    assert (
        "blue"
        in respond(user("my favorite color is blue"), ours("ok"), user("what is my favorite color")).say
    )
    assert "delayed" in respond(system("The train to Boston is delayed."), user("is the train delayed")).say


def test_orders_to_speak_are_obeyed() -> None:
    assert respond(response_instructions=say_exactly('He said "no".')).say == 'He said "no".'
    assert respond(response_instructions='Please say "Hello there"').say == "Hello there"
    assert respond(instructions='Greet the user with "Welcome aboard!" and help.').say == "Welcome aboard!"
    spoken = persona("dental_reception")
    assert respond(persona=spoken, response_instructions=say_exactly("One moment.")).say == "One moment."


def test_one_sentence_only() -> None:
    brief = INSTRUCTIONS + "Answer in one sentence."
    assert respond(user("what is the meaning of life"), instructions=brief).say == (
        "I'm sorry, I can't answer that."
    )


def test_repeat_and_nothing_said() -> None:
    assert (
        respond(user("hi"), ours("The tour starts at nine."), user("say that again")).say
        == "The tour starts at nine."
    )
    assert "again" in respond(user("")).say
    assert respond(instructions="").say
    assert respond(user("hi"), ours("Hello.")).say


async def test_the_built_in_assistant() -> None:
    talk = Talk(persona("assistant"))
    assert await talk.answer() == talk.who.greeting
    assert "Boston: windy, 54 degrees Fahrenheit" in await talk.say("what's the weather in boston")
    assert "sample data" in await talk.say("and in paris")
    assert "tell me the city" in await talk.say("what is the weather like")
    assert "Seattle" in await talk.say("seattle")
    assert "didn't work" in await talk.say("what's the weather in atlantis")
    assert "Goodbye" in await talk.say("goodbye")
    assert talk.control.acts == ["hang_up"]
