"""A conversation of the realtime protocol as the messages of a chat completion. Pure.

Source: OpenAI API reference, Chat: create chat completion (`messages`, `tools`, `tool_choice`); Realtime: items.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from gateway.engine.mind import Request

__all__ = ["MOST_CHARACTERS", "MOST_MESSAGES", "chat_body", "messages_of"]

Item = dict[str, Any]
Message = dict[str, Any]

MOST_MESSAGES = 400
"""Messages of the conversation that a reply is asked with; of a longer one the oldest stay out."""
MOST_CHARACTERS = 100_000
"""Text of all of them, about 25 000 tokens."""

UNHEARD = "(inaudible)"
"""Stands for speech of which no word was understood, and for a caller who stays silent."""
NO_RESULT = '{"status": "no result yet"}'
"""Stands for the output of a call that still runs: a call without one is refused."""

OPENING = {"role": "system", "content": "Greet the caller."}
"""Where there are neither instructions nor a conversation: an empty list is refused."""

ROLES = {"user": "user", "assistant": "assistant", "system": "system"}


def chat_body(model: str, request: Request) -> dict[str, Any]:
    """What `POST /chat/completions` is asked with: streamed, usage included."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [*_instructions(request.instructions), *messages_of(request.conversation)] or [OPENING],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        body["tool_choice"] = _choice(request.tool_choice)
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.max_output_tokens is not None:
        body["max_completion_tokens"] = request.max_output_tokens
    return body


def messages_of(items: Iterable[Item]) -> list[Message]:
    """The latest messages within the bounds, oldest first. Each call is followed by its output, wherever that
    stands in the conversation; what the agent said is what was heard of it."""
    items = list(items)
    outputs = {item["call_id"]: item["output"] for item in items if item["type"] == "function_call_output"}
    groups: list[list[Message]] = []
    answered = False
    for item in items:
        match item["type"]:
            case "message":
                groups.append(_message(item))
            case "function_call":
                output = outputs.get(item["call_id"], NO_RESULT)
                _add_call(groups, item["call_id"], item, output, alone=answered)
            case "mcp_call":
                _add_call(groups, item["id"], item, _outcome(item), alone=answered)
            case _:
                pass  # What it says of tools and their servers is not for a language model.
        answered = item["type"] == "function_call_output"
    return _latest([group for group in groups if group])


def _instructions(text: str) -> list[Message]:
    return [{"role": "system", "content": text}] if text.strip() else []


def _message(item: Item) -> list[Message]:
    """Nothing for an agent of whose words nothing was heard."""
    parts = item.get("content") or ()
    texts = [text for part in parts if (text := part.get("text") or part.get("transcript"))]
    images = [part for part in parts if part["type"] == "input_image"]
    text = " ".join(texts).strip()
    if images:
        content = [{"type": "text", "text": text}] if text else []
        return [{"role": "user", "content": content + [_image(part) for part in images]}]
    if not text and item["role"] == "user":
        text = UNHEARD
    return [{"role": ROLES[item["role"]], "content": text}] if text else []


def _image(part: Item) -> dict[str, Any]:
    url = {"url": part["image_url"]}
    return {"type": "image_url", "image_url": url | {k: part[k] for k in ("detail",) if part.get(k)}}


def _add_call(groups: list[list[Message]], call_id: str, item: Item, output: str, *, alone: bool) -> None:
    """Calls that follow each other, or words of ours, are one message with them; their outputs come after it. A call
    that was made knowing the output of another stands `alone`."""
    call = {
        "id": call_id,
        "type": "function",
        "function": {"name": item["name"], "arguments": item["arguments"] or "{}"},
    }
    answer = {"role": "tool", "tool_call_id": call_id, "content": output}
    last = groups[-1] if groups else []
    if last and last[0]["role"] == "assistant" and not alone:
        last[0].setdefault("tool_calls", []).append(call)
        last.append(answer)
    else:
        groups.append([{"role": "assistant", "content": None, "tool_calls": [call]}, answer])


def _outcome(call: Item) -> str:
    """Of a call that a server made by itself."""
    if call.get("error") is not None:
        return orjson.dumps({"error": call["error"]}).decode()
    return str(call.get("output") or NO_RESULT)


def _latest(groups: Sequence[list[Message]]) -> list[Message]:
    kept: list[list[Message]] = []
    messages = characters = 0
    for group in reversed(groups):
        messages += len(group)
        characters += sum(map(_weight, group))
        if kept and (messages > MOST_MESSAGES or characters > MOST_CHARACTERS):
            break
        kept.append(group)
    return [message for group in reversed(kept) for message in group]


def _weight(message: Message) -> int:
    content = message["content"]
    text = (
        len(content)
        if isinstance(content, str)
        else sum(len(part.get("text", "")) for part in content or ())
    )
    return text + sum(len(call["function"]["arguments"]) for call in message.get("tool_calls", ()))


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = {key: tool[key] for key in ("name", "description", "parameters") if tool.get(key)}
    return {"type": "function", "function": function}


def _choice(choice: Any) -> Any:
    if isinstance(choice, dict):
        return {"type": "function", "function": {"name": choice["name"]}}
    return choice
