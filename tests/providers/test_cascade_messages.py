"""Items of a realtime conversation as chat messages, judged by the vendor's types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionMessageParam
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from gateway.engine.mind import Request
from gateway.providers.cascade.messages import (
    MOST_CHARACTERS,
    MOST_MESSAGES,
    NO_RESULT,
    UNHEARD,
    chat_body,
    messages_of,
)

pytestmark = pytest.mark.unit

MESSAGE: TypeAdapter[Any] = TypeAdapter(ChatCompletionMessageParam)
BODY: TypeAdapter[Any] = TypeAdapter(CompletionCreateParamsStreaming)

Item = dict[str, Any]


def user(text: str | None, kind: str = "input_audio") -> Item:
    part = {"type": kind, "transcript" if kind == "input_audio" else "text": text}
    return {"id": "item_u", "type": "message", "role": "user", "content": [part]}


def agent(text: str, kind: str = "output_audio") -> Item:
    part = {"type": kind, "transcript" if kind == "output_audio" else "text": text}
    return {"id": "item_a", "type": "message", "role": "assistant", "content": [part]}


def system(text: str) -> Item:
    content = [{"type": "input_text", "text": text}]
    return {"id": "item_s", "type": "message", "role": "system", "content": content}


def call(call_id: str, arguments: str = "{}") -> Item:
    return {
        "id": f"item_{call_id}",
        "type": "function_call",
        "name": "look",
        "call_id": call_id,
        "arguments": arguments,
    }


def output(call_id: str, text: str = "found") -> Item:
    return {"id": f"item_o{call_id}", "type": "function_call_output", "call_id": call_id, "output": text}


def told(*items: Item) -> list[dict[str, Any]]:
    messages = messages_of(items)
    for message in messages:
        MESSAGE.validate_python(message)
    return messages


def outline(*items: Item) -> list[str]:
    """Each message in short: its role, the ids of its calls or of the call it answers."""
    return [
        " ".join(
            [
                message["role"],
                *(each["id"] for each in message.get("tool_calls", ())),
                *([message["tool_call_id"]] if "tool_call_id" in message else []),
            ]
        )
        for message in told(*items)
    ]


def request(*items: Item, **more: Any) -> Request:
    fields: dict[str, Any] = {"instructions": "Be brief.", "tools": (), "tool_choice": "auto"}
    return Request(conversation=items, now=datetime(2026, 5, 4, tzinfo=UTC), **(fields | more))


def test_who_said_what() -> None:
    assert told(
        user("Good morning."), agent("Hello."), system("It rains."), user("typed", "input_text"),
        agent("written", "output_text"),
    ) == [
        {"role": "user", "content": "Good morning."},
        {"role": "assistant", "content": "Hello."},
        {"role": "system", "content": "It rains."},
        {"role": "user", "content": "typed"},
        {"role": "assistant", "content": "written"},
    ]  # fmt: skip


@pytest.mark.parametrize("words", ["", None])
def test_speech_that_was_not_understood_stays_a_turn(words: str | None) -> None:
    assert told(user(words)) == [{"role": "user", "content": UNHEARD}]


def test_a_reply_of_which_nothing_was_heard_was_not_said() -> None:
    assert told(user("Hello."), agent(""), user("Hello?")) == [
        {"role": "user", "content": "Hello."},
        {"role": "user", "content": "Hello?"},
    ]


def test_an_image_is_shown() -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}
    item = user("What is this?", "input_text")
    item["content"].append(picture)
    assert told(item)[0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
    ]


def test_a_call_and_its_output() -> None:
    assert told(user("Look."), agent("One moment."), call("c1", '{"a":1}'), output("c1"), agent("Found.")) == [
        {"role": "user", "content": "Look."},
        {
            "role": "assistant",
            "content": "One moment.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "found"},
        {"role": "assistant", "content": "Found."},
    ]  # fmt: skip


def test_calls_made_together_are_one_message() -> None:
    assert outline(user("Look."), call("c1"), call("c2"), output("c2"), output("c1")) == [
        "user", "assistant c1 c2", "tool c1", "tool c2",
    ]  # fmt: skip


def test_a_call_made_because_of_another_is_a_message_of_its_own() -> None:
    assert outline(call("c1"), output("c1"), call("c2"), output("c2")) == [
        "assistant c1", "tool c1", "assistant c2", "tool c2",
    ]  # fmt: skip


def test_an_output_stands_after_its_call_whoever_spoke_between() -> None:
    items = (call("c1"), user("Are you there?"), agent("Yes."), output("c1"))
    assert outline(*items) == ["assistant c1", "tool c1", "user", "assistant"]


def test_a_call_that_still_runs_says_so() -> None:
    assert told(call("c1"), user("Well?"))[1] == {
        "role": "tool",
        "tool_call_id": "c1",
        "content": NO_RESULT,
    }


def test_an_output_whose_call_was_deleted_is_left_out() -> None:
    assert outline(user("Hello."), output("c9")) == ["user"]


def test_what_a_server_called_by_itself_is_a_call_too() -> None:
    ran = {
        "id": "mcp_1",
        "type": "mcp_call",
        "name": "look",
        "server_label": "parley",
        "arguments": "{}",
    }
    failed = ran | {"id": "mcp_2", "output": None, "error": {"type": "http_error"}}
    listed = {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "parley", "tools": []}
    messages = told(listed, ran | {"output": "found"}, failed)
    assert [message.get("content") for message in messages] == [
        None,
        "found",
        '{"error":{"type":"http_error"}}',
    ]


def test_of_a_long_conversation_the_latest_is_told_whole() -> None:
    items = [item for number in range(300) for item in (call(f"c{number}"), output(f"c{number}"))]
    messages = told(*items)
    assert MOST_MESSAGES - 2 <= len(messages) <= MOST_MESSAGES
    assert messages[0]["role"] == "assistant"
    assert messages[-1]["tool_call_id"] == "c299"
    assert len(told(user("x" * MOST_CHARACTERS), user("y" * 10))) == 1
    assert len(told(user("x" * (MOST_CHARACTERS + 1)))) == 1


kinds = st.one_of(
    st.builds(user, st.sampled_from(["", "hello", None])),
    st.builds(agent, st.sampled_from(["", "yes"])),
    st.builds(system, st.just("note")),
    st.builds(call, st.sampled_from(["c1", "c2", "c3"])),
    st.builds(output, st.sampled_from(["c1", "c2", "c3"])),
)


@given(st.lists(kinds, max_size=20))
def test_every_call_is_followed_by_its_output_at_once(items: list[Item]) -> None:
    seen: set[str] = set()
    unique = []
    for number, item in enumerate(items):
        if item["type"] == "function_call" and item["call_id"] in seen:
            continue
        seen.add(item.get("call_id", str(number)) if item["type"] == "function_call" else str(number))
        unique.append(item)
    waiting: list[str] = []
    for message in told(*unique):
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
            continue
        assert waiting == []
        waiting = [each["id"] for each in message.get("tool_calls", ())]
    assert waiting == []


def test_the_whole_request() -> None:
    tool = {"type": "function", "name": "look", "description": "Looks.", "parameters": {"type": "object"}}
    body = chat_body(
        "gpt-x",
        request(
            user("Hello."),
            tools=(tool,),
            tool_choice={"type": "function", "name": "look"},
            max_output_tokens=200,
            parallel_tool_calls=False,
        ),
    )
    BODY.validate_python(body)
    assert body == {
        "model": "gpt-x",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello."},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "look",
                    "description": "Looks.",
                    "parameters": {"type": "object"},
                },
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "parallel_tool_calls": False,
        "max_completion_tokens": 200,
    }


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_a_choice_without_a_name_is_the_same_word(choice: str) -> None:
    tool = {"type": "function", "name": "look"}
    body = chat_body("m", request(user("Hello."), tools=(tool,), tool_choice=choice))
    BODY.validate_python(body)
    assert body["tool_choice"] == choice


def test_without_tools_nothing_is_chosen() -> None:
    body = chat_body("m", request(user("Hello."), instructions=" "))
    BODY.validate_python(body)
    assert set(body) == {"model", "messages", "stream", "stream_options"}
    assert body["messages"] == [{"role": "user", "content": "Hello."}]


def test_something_is_always_asked() -> None:
    assert chat_body("m", request(instructions=""))["messages"] != []
