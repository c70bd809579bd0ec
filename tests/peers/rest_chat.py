"""`POST /v1/chat/completions`: what a request must be, and what comes back (`openai.types.chat`)."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

from openai.types.chat.completion_create_params import CompletionCreateParams

from tests.peers.faults import Event, Refused
from tests.peers.ids import new_id
from tests.peers.rest_script import Written
from tests.peers.session import NAME
from tests.peers.strict import problems

__all__ = ["check_chat", "chunks", "completion"]

RULE = "openai.types.chat.completion_create_params"
LETTERS_PER_DELTA = 8


def check_chat(body: Event) -> None:
    """Raises Refused with the first thing that is wrong."""
    found = problems(CompletionCreateParams, body)
    if found:
        raise Refused(found[0].code, found[0].message, rule=RULE, param=found[0].param)
    if not body["messages"]:
        raise _invalid("messages", "Expected an array with minimum length 1.", "empty_array")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise _invalid(
            "stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        )
    if body.get("tool_choice") not in (None, "none") and not body.get("tools"):
        raise _invalid("tool_choice", "'tool_choice' is only allowed when 'tools' are specified.")
    if body.get("parallel_tool_calls") is not None and not body.get("tools"):
        raise _invalid(
            "parallel_tool_calls", "'parallel_tool_calls' is only allowed when 'tools' are specified."
        )
    if body.get("tools") == []:
        raise _invalid("tools", "Expected an array with minimum length 1.", "empty_array")
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise _invalid("max_tokens", "Set only one of 'max_tokens' and 'max_completion_tokens'.")
    for at, tool in enumerate(body.get("tools") or []):
        if tool["type"] == "function" and not NAME.match(tool["function"]["name"]):
            raise _invalid(
                f"tools[{at}].function.name", "Expected letters, digits, _ and -, 1 to 64 of them."
            )
    for key, low, high in (("temperature", 0, 2), ("top_p", 0, 1), ("presence_penalty", -2, 2)):
        value = body.get(key)
        if value is not None and not low <= value <= high:
            raise _invalid(key, f"Expected a value from {low} to {high}, but got {value} instead.")
    _check_calls(body["messages"])


def _check_calls(messages: list[Event]) -> None:
    """Every tool call is followed by its output, and every output follows a call."""
    waiting: set[str] = set()
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                told = (
                    "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
                )
                raise _invalid(f"{where}.role", told)
            waiting.discard(message["tool_call_id"])
            continue
        if waiting:
            raise _unanswered(where, waiting)
        if message["role"] == "assistant":
            waiting = {call["id"] for call in message.get("tool_calls") or []}
            if not waiting and message.get("content") is None:
                raise _invalid(
                    f"{where}.content", "Expected a string, but got null instead.", "invalid_type"
                )
    if waiting:
        raise _unanswered("messages", waiting)


def _unanswered(where: str, waiting: set[str]) -> Refused:
    told = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        f"'tool_call_id'. These have none: {', '.join(sorted(waiting))}"
    )
    return _invalid(where, told)


def _invalid(param: str, message: str, code: str = "invalid_value") -> Refused:
    return Refused(code, message, rule=RULE, param=param)


# ── the answer ────────────────────────────────────────────────────────────────────────────────────────────


def chunks(body: Event, written: Written) -> Iterator[Event]:
    """`chat.completion.chunk` objects in order, the one with `usage` last if it was asked for."""
    counted = bool((body.get("stream_options") or {}).get("include_usage"))
    head: Event = {
        "id": new_id("chatcmpl"),
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": body["model"],
        "service_tier": "default",
        "system_fingerprint": None,
    }
    if counted:
        head["usage"] = None
    deltas = itertools.chain(_text_deltas(written), _call_deltas(written))
    for delta in deltas:
        yield {**head, "choices": [_choice(delta, None)]}
    yield {**head, "choices": [_choice({}, "tool_calls" if written.calls else written.finish)]}
    if counted:
        yield {**head, "choices": [], "usage": _usage(body, written)}


def _choice(delta: Event, finish: str | None) -> Event:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _text_deltas(written: Written) -> Iterator[Event]:
    content = "" if written.text is not None else None
    first: Event = {"role": "assistant", "content": content, "refusal": None}
    if written.text is not None or not written.calls:
        yield first
    for at in range(0, len(written.text or ""), LETTERS_PER_DELTA):
        yield {"content": (written.text or "")[at : at + LETTERS_PER_DELTA]}


def _call_deltas(written: Written) -> Iterator[Event]:
    for index, call in enumerate(written.calls):
        function = {"name": call.name, "arguments": ""}
        made = {
            "index": index,
            "id": call.call_id or new_id("call"),
            "type": "function",
            "function": function,
        }
        first = {"role": "assistant", "content": None} if index == 0 and written.text is None else {}
        yield {**first, "tool_calls": [made]}
        for at in range(0, len(call.arguments), LETTERS_PER_DELTA):
            piece = call.arguments[at : at + LETTERS_PER_DELTA]
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def completion(body: Event, written: Written) -> Event:
    """The whole of it at once: a `chat.completion`."""
    message: Event = {"role": "assistant", "content": written.text, "refusal": None, "annotations": []}
    if written.calls:
        message["tool_calls"] = [
            {
                "id": call.call_id or new_id("call"),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in written.calls
        ]
    finish = "tool_calls" if written.calls else written.finish
    return {
        "id": new_id("chatcmpl"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": _usage(body, written),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _usage(body: Event, written: Written) -> Event:
    given = sum(len(str(message.get("content") or "")) for message in body["messages"]) // 4 + 8
    made = (len(written.text or "") + sum(len(call.arguments) + 8 for call in written.calls)) // 4 + 1
    return {
        "prompt_tokens": given,
        "completion_tokens": made,
        "total_tokens": given + made,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
