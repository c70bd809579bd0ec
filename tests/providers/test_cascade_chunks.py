"""The stream of a chat completion as thoughts; its chunks are made by the vendor's types."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from gateway.engine.mind import Call, Done, MindFailed, Thought, Words
from gateway.providers.cascade.chunks import MOST_ARGUMENTS, MOST_LINE, ChatStream, Lines
from gateway.realtime.response import Usage

pytestmark = pytest.mark.unit


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    told = {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more,
    }  # fmt: skip
    return ChatCompletionChunk.model_validate(told).model_dump_json().encode()


def tool(index: int, *, name: str | None = None, arguments: str = "") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    return {
        "index": index,
        **({"id": f"call_{index}", "type": "function"} if name else {}),
        "function": function,
    }


def thoughts(*payloads: bytes) -> list[Thought]:
    stream = ChatStream()
    return [thought for payload in payloads for thought in stream.feed(payload)] + stream.end()


USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 3,
    "total_tokens": 23,
    "prompt_tokens_details": {"cached_tokens": 16},
}


def test_words_as_they_come_and_what_they_cost() -> None:
    assert thoughts(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Good"}),
        chunk({"content": " morning."}),
        chunk({}, "stop"),
        chunk(usage=USAGE),
        b"[DONE]",
    ) == [
        Words("Good"),
        Words(" morning."),
        Done(usage=Usage(input_text=20, output_text=3, cached_text=16)),
    ]


def test_calls_are_put_together() -> None:
    assert thoughts(
        chunk({"tool_calls": [tool(0, name="look")]}),
        chunk({"tool_calls": [tool(1, name="find", arguments='{"b"')]}),
        chunk({"tool_calls": [tool(0, arguments='{"a":'), tool(1, arguments=":2}")]}),
        chunk({"tool_calls": [tool(0, arguments="1}")]}),
        chunk({}, "tool_calls"),
    ) == [Call("look", '{"a":1}'), Call("find", '{"b":2}'), Done()]


def test_calls_that_are_not_numbered() -> None:
    first = (
        b'{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"look","arguments":"{}"}}]}}]}'
    )
    second = first.replace(b'"a"', b'"b"').replace(b"look", b"find").replace(b'"{}"', b'"{"')
    more = b'{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"}"}}]},"finish_reason":"stop"}]}'
    assert thoughts(first, second, more) == [Call("look", "{}"), Call("find", "{}"), Done()]


@pytest.mark.parametrize(
    ("finish", "cut"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter"), ("stop", None)],
)
def test_why_it_ends(finish: str, cut: str | None) -> None:
    assert thoughts(chunk({"content": "One"}, finish))[-1] == Done(cut)  # type: ignore[arg-type]  # a literal


def test_a_refusal_is_said() -> None:
    assert thoughts(chunk({"refusal": "I can not."}), chunk({}, "stop"))[0] == Words("I can not.")


def test_a_stream_that_ends_too_early_is_broken() -> None:
    stream = ChatStream()
    stream.feed(chunk({"content": "One"}))
    with pytest.raises(MindFailed, match="chat_broken"):
        stream.end()


@pytest.mark.parametrize(
    "payload",
    [
        b"{", b"[]", b"1", b'{"error":{"message":"overloaded"}}', b'{"choices":7}', b'{"choices":[3]}',
        b'{"choices":[{"delta":{"tool_calls":[7]}}]}', b'{"choices":[{"delta":{"tool_calls":[{"index":"x"}]}}]}',
        b'{"usage":{"prompt_tokens":"many"}}', b'{"choices":[{"delta":{"tool_calls":[{"index":0,"function":3}]}}]}',
    ],
)  # fmt: skip
def test_what_is_no_chunk_breaks_the_stream(payload: bytes) -> None:
    with pytest.raises(MindFailed, match="chat_broken"):
        ChatStream().feed(payload)


def test_arguments_without_end_are_bounded() -> None:
    stream = ChatStream()
    piece = chunk({"tool_calls": [tool(0, name="look", arguments="x" * 65536)]})
    for _ in range(MOST_ARGUMENTS // 65536):
        stream.feed(piece)
    with pytest.raises(MindFailed):
        stream.feed(piece)


@given(st.lists(st.integers(0, 90), max_size=12))
def test_lines_do_not_depend_on_how_they_come(places: list[int]) -> None:
    data = b': hello\ndata: {"a":1}\r\n\r\nevent: x\ndata:{"b":2}\n\ndata: [DONE]\n\n'
    ends = sorted({*(place for place in places if place < len(data)), len(data)})
    lines, found, begin = Lines(), [], 0
    for end in ends:
        found += lines.feed(data[begin:end])
        begin = end
    assert found == [b'{"a":1}', b'{"b":2}', b"[DONE]"]


def test_a_line_without_end_is_bounded() -> None:
    with pytest.raises(MindFailed):
        Lines().feed(b"x" * (MOST_LINE + 1))
