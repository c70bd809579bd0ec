"""Items, content and response objects of the old (beta) protocol and of today's, each made of the other. Pure.

Beta shapes: `openai.types.beta.realtime` (`ConversationItem`, `RealtimeResponse`). Reference of the OpenAI Realtime
API: conversation items, response object.
"""

from __future__ import annotations

from typing import Any

from gateway.realtime.fault import ProtocolFault
from gateway.realtime.flat_session import (
    FORMATS,
    FORMATS_BACK,
    modalities_from_beta,
    modalities_to_beta,
    only,
    tool_choice_to_beta,
    tools_to_beta,
    voice_from_beta,
)

__all__ = ["item_from_beta", "item_to_beta", "response_from_beta", "response_to_beta"]

Item = dict[str, Any]

TO_BETA = {
    "message": ("id", "type", "role", "status"),
    "function_call": ("id", "type", "name", "arguments", "call_id", "status"),
    "function_call_output": ("id", "type", "call_id", "output", "status"),
}
"""Kinds of items that a client may create, with the fields they have."""

FROM_BETA = {
    **TO_BETA,
    "mcp_list_tools": ("id", "type", "server_label", "tools"),
    "mcp_call": ("id", "type", "name", "arguments", "server_label", "output", "approval_request_id"),
    "mcp_approval_request": ("id", "type", "name", "arguments", "server_label"),
    "mcp_approval_response": ("id", "type", "approval_request_id", "approve", "reason"),
}
"""Kinds of items that today's protocol knows; servers of the old one have more."""

REASONS = frozenset({"turn_detected", "client_cancelled", "max_output_tokens", "content_filter"})
ENDED = frozenset({"completed", "cancelled", "failed", "incomplete"})
MCP_ERRORS = frozenset({"protocol_error", "tool_execution_error", "http_error"})
USAGE = ("total_tokens", "input_tokens", "output_tokens")
BY_KIND = ("text_tokens", "audio_tokens", "image_tokens")


# ── to the old protocol ────────────────────────────────────────────────────────────────────────────────────


def item_to_beta(item: Item) -> Item:
    """An item to create. What was said before goes as text, since no model takes back its own audio.

    Raises ProtocolFault for what the old protocol has no item or content for: images, MCP.
    """
    kind = item["type"]
    if kind not in TO_BETA:
        raise ProtocolFault("invalid_value", f"This model takes no items of type '{kind}'.", "item.type")
    told = only(item, TO_BETA[kind])
    if kind == "message":
        told["content"] = [_part_to_beta(part, item["role"]) for part in item.get("content") or ()]
    return told


def _part_to_beta(part: dict[str, Any], role: str) -> dict[str, Any]:
    match part:
        case {"type": "input_text" | "output_text", "text": str(text)}:
            return {"type": "text" if role == "assistant" else "input_text", "text": text}
        case {"type": "input_audio", "audio": str(audio)}:
            told = {"type": "input_audio", "audio": audio}
            return told if part.get("transcript") is None else {**told, "transcript": part["transcript"]}
        case {"type": "input_audio" | "output_audio"}:
            words = part.get("transcript") or ""
            return {"type": "text" if role == "assistant" else "input_text", "text": words}
        case _:
            kind = part.get("type")
            told_fault = f"This model takes no content of type '{kind}'."
            raise ProtocolFault("unsupported_content_type", told_fault, "item.content")


def response_to_beta(response: dict[str, Any]) -> dict[str, Any]:
    """The parameters of `response.create`. Raises ProtocolFault, as `item_to_beta`.

    Without a counterpart, and left out: `parallel_tool_calls`, `reasoning`, `prompt`.
    """
    same = ("conversation", "instructions", "metadata")
    told = only(response, same)
    if response.get("input") is not None:
        told["input"] = [_input_to_beta(item) for item in response["input"]]
    if response.get("output_modalities") is not None:
        told["modalities"] = modalities_to_beta(response["output_modalities"])
    spoken = (response.get("audio") or {}).get("output") or {}
    if isinstance(spoken.get("voice"), str):
        told["voice"] = spoken["voice"]
    if spoken.get("format") is not None:
        told["output_audio_format"] = FORMATS[spoken["format"]["type"]]
    if response.get("tools") is not None:
        told["tools"] = tools_to_beta(response["tools"])
    if (choice := tool_choice_to_beta(response.get("tool_choice"))) is not None:
        told["tool_choice"] = choice
    if response.get("max_output_tokens") is not None:
        told["max_response_output_tokens"] = response["max_output_tokens"]
    return told


def _input_to_beta(item: Item) -> Item:
    if item["type"] == "item_reference":
        return {"type": "item_reference", "id": item["id"]}
    return item_to_beta(item)


# ── from the old protocol ──────────────────────────────────────────────────────────────────────────────────


def item_from_beta(item: Any) -> Item | None:
    """An item as today's protocol has it; None when that has no such kind."""
    if not isinstance(item, dict) or item.get("type") not in FROM_BETA:
        return None
    kind = item["type"]
    told = only(item, FROM_BETA[kind])
    if not kind.startswith("mcp_"):
        told["object"] = "realtime.item"
    match kind:
        case "message":
            told.setdefault("role", "assistant")
            parts = [_part_from_beta(part, told["role"]) for part in item.get("content") or ()]
            told["content"] = [part for part in parts if part is not None]
        case "function_call":
            told = {"name": "", "arguments": "", **told}
        case "mcp_call" if item.get("error") is not None:
            told["error"] = _mcp_error(item["error"])
        case _:
            pass
    return told


def _part_from_beta(part: Any, role: str) -> dict[str, Any] | None:
    match part:
        case {"type": "text" | "input_text" | "output_text"}:
            kind = "output_text" if role == "assistant" else "input_text"
            return {"type": kind, "text": part.get("text") or ""}
        case {"type": "audio" | "output_audio"}:
            return _audio("output_audio", part)
        case {"type": "input_audio"}:
            return _audio("input_audio", part)
        case {"type": "input_image"}:
            return only(part, ("type", "image_url", "detail"))
        case _:
            return None


def _audio(kind: str, part: dict[str, Any]) -> dict[str, Any]:
    told = {"type": kind, "transcript": part.get("transcript")}
    return told if part.get("audio") is None else {**told, "audio": part["audio"]}


def _mcp_error(error: Any) -> dict[str, Any]:
    if isinstance(error, dict) and error.get("type") in MCP_ERRORS:
        return error
    message = error.get("message") if isinstance(error, dict) else error
    return {"type": "tool_execution_error", "message": str(message)}


def response_from_beta(response: dict[str, Any]) -> dict[str, Any]:
    """A response object of today's protocol, complete."""
    items = (item_from_beta(item) for item in response.get("output") or ())
    spoken: dict[str, Any] = {
        "format": FORMATS_BACK.get(response.get("output_audio_format") or "pcm16", {"type": "audio/pcm"})
    }
    if (voice := voice_from_beta(response.get("voice"))) is not None:
        spoken["voice"] = voice
    limit = response.get("max_output_tokens") or response.get("max_response_output_tokens") or "inf"
    return {
        "object": "realtime.response",
        "id": response.get("id"),
        "status": response.get("status") or "in_progress",
        "status_details": _status_details(response.get("status_details")),
        "output": [item for item in items if item is not None],
        "conversation_id": response.get("conversation_id"),
        "output_modalities": modalities_from_beta(response.get("modalities") or ["text", "audio"]),
        "max_output_tokens": limit,
        "audio": {"output": spoken},
        "usage": _usage(response.get("usage")),
        "metadata": response.get("metadata"),
    }


def _status_details(details: Any) -> dict[str, Any] | None:
    if not isinstance(details, dict):
        return None
    told: dict[str, Any] = {}
    if details.get("type") in ENDED:
        told["type"] = details["type"]
    if details.get("reason") in REASONS:
        told["reason"] = details["reason"]
    error = details.get("error")
    if isinstance(error, dict):
        # Its sentence is not part of the object.
        told["error"] = only(error, ("type", "code"))
    return told or None


def _usage(usage: Any) -> dict[str, Any] | None:
    if not isinstance(usage, dict):
        return None
    told = only(usage, USAGE)
    if isinstance(spent := usage.get("input_token_details"), dict):
        told["input_token_details"] = only(spent, (*BY_KIND, "cached_tokens"))
        if isinstance(cached := spent.get("cached_tokens_details"), dict):
            told["input_token_details"]["cached_tokens_details"] = only(cached, BY_KIND)
    if isinstance(made := usage.get("output_token_details"), dict):
        told["output_token_details"] = only(made, BY_KIND[:2])
    return told
