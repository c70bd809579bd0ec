"""The stream of a chat completion as thoughts. Pure: chunks in, thoughts out.

Source: OpenAI API reference, Chat: the chat completion chunk object, `stream_options.include_usage`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from gateway.engine.mind import Call, Done, MindFailed, Thought, Words
from gateway.realtime.response import Usage

__all__ = ["MOST_ARGUMENTS", "ChatStream", "Lines"]

MOST_ARGUMENTS = 256 * 1024
"""Characters of the arguments of all calls of a reply; a stream with more is broken."""
MOST_LINE = 1024 * 1024
"""Bytes of one line; a stream with a longer one is broken."""
MOST_CALLS = 256
"""Calls of one reply; a stream with more is broken."""

BROKEN = "The language model's answer broke off."
Cut = Literal["max_output_tokens", "content_filter"]
CUTS: dict[str, Cut] = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Lines:
    """The payloads of server-sent events (WHATWG HTML, 9.2), each in a `data` line of its own as this API sends
    them. Other fields and comments are passed over."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Raises MindFailed when a line is too long."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MOST_LINE:
            raise MindFailed("chat_broken", BROKEN)
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]


@dataclass(slots=True)
class _Pending:
    name: str = ""
    arguments: str = ""


class ChatStream:
    """One completion. Raises MindFailed for what is no stream of this API."""

    def __init__(self) -> None:
        self._calls: dict[int, _Pending] = {}
        self._length = 0
        self._finish: str | None = None
        self._usage: Usage | None = None
        self.over = False
        """`[DONE]` has come."""

    def feed(self, payload: bytes) -> list[Thought]:
        if payload == b"[DONE]":
            self.over = True
            return []
        try:
            chunk = orjson.loads(payload)
            return self._take(chunk)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            raise MindFailed("chat_broken", BROKEN) from None

    def end(self) -> list[Thought]:
        """What is known only now: the calls, and that it is all. Raises MindFailed when the stream was not whole."""
        if self._finish is None and not self.over:
            raise MindFailed("chat_broken", BROKEN)
        calls: list[Thought] = [
            Call(call.name, call.arguments or "{}") for _, call in sorted(self._calls.items())
        ]
        return [*calls, Done(CUTS.get(self._finish or ""), self._usage)]

    def _take(self, chunk: dict[str, Any]) -> list[Thought]:
        if chunk.get("error"):
            raise MindFailed("chat_broken", BROKEN)
        if chunk.get("usage"):
            self._usage = _usage(chunk["usage"])
        choices = chunk.get("choices") or ()
        if not choices:
            return []
        choice = choices[0]
        self._finish = choice.get("finish_reason") or self._finish
        delta = choice.get("delta") or {}
        for call in delta.get("tool_calls") or ():
            self._call(call)
        text = delta.get("content") or delta.get("refusal")
        return [Words(str(text))] if text else []

    def _call(self, delta: dict[str, Any]) -> None:
        function = delta.get("function") or {}
        call = self._calls.setdefault(self._place(delta), _Pending())
        call.name = call.name or function.get("name") or ""
        call.arguments += function.get("arguments") or ""
        self._length += len(function.get("arguments") or "")
        if self._length > MOST_ARGUMENTS or len(self._calls) > MOST_CALLS:
            raise MindFailed("chat_broken", BROKEN)

    def _place(self, delta: dict[str, Any]) -> int:
        """Which call it is about. Some servers do not number them, but give each its id once."""
        index = delta.get("index")
        if index is not None:
            return int(index)
        return len(self._calls) if delta.get("id") else max(len(self._calls) - 1, 0)


def _usage(told: dict[str, Any]) -> Usage:
    cached = (told.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(
        input_text=int(told.get("prompt_tokens") or 0),
        output_text=int(told.get("completion_tokens") or 0),
        cached_text=int(cached),
    )
