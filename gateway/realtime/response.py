"""The response object and its usage (OpenAI API reference: Realtime, response)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "BRIDGING",
    "PROVIDER_LOST",
    "ResponseStatus",
    "StatusReason",
    "Usage",
    "is_bridging",
    "response_object",
    "status_details",
    "was_lost",
]

ResponseStatus = Literal["in_progress", "completed", "cancelled", "failed", "incomplete"]
StatusReason = Literal["turn_detected", "client_cancelled", "max_output_tokens", "content_filter"]

PROVIDER_LOST = "provider_lost"
"""`status_details.error.code` of a response that broke off because its provider was lost."""

BRIDGING = {"parley": "bridging"}
"""`metadata` of a response that nobody asked for: the phrase that covers the change to another provider."""


def was_lost(response: dict[str, Any]) -> bool:
    """Whether a finished response broke off because its provider was lost."""
    error = (response.get("status_details") or {}).get("error") or {}
    return response.get("status") == "failed" and error.get("code") == PROVIDER_LOST


def is_bridging(response: dict[str, Any]) -> bool:
    """Whether a response is a bridging phrase, which answers no `response.create`."""
    return response.get("metadata") == BRIDGING


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one response, by modality."""

    input_text: int = 0
    input_audio: int = 0
    output_text: int = 0
    output_audio: int = 0
    cached_text: int = 0
    cached_audio: int = 0

    def to_json(self) -> dict[str, Any]:
        """The `usage` of `response.done`. Cached tokens are part of the input tokens."""
        input_tokens = self.input_text + self.input_audio
        output_tokens = self.output_text + self.output_audio
        return {
            "total_tokens": input_tokens + output_tokens,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "input_token_details": {
                "text_tokens": self.input_text,
                "audio_tokens": self.input_audio,
                "image_tokens": 0,
                "cached_tokens": self.cached_text + self.cached_audio,
                "cached_tokens_details": {
                    "text_tokens": self.cached_text,
                    "audio_tokens": self.cached_audio,
                    "image_tokens": 0,
                },
            },
            "output_token_details": {"text_tokens": self.output_text, "audio_tokens": self.output_audio},
        }


def status_details(
    status: ResponseStatus,
    *,
    reason: StatusReason | None = None,
    code: str | None = None,
    message: str | None = None,
) -> dict[str, Any] | None:
    """`status_details`: None while all is well, the reason of a cancelled or incomplete response, the error of
    a failed one."""
    if status == "in_progress" or status == "completed":
        return None
    details: dict[str, Any] = {"type": status}
    if reason is not None:
        details["reason"] = reason
    if status == "failed":
        details["error"] = {"type": "server_error", "code": code, "message": message}
    return details


def response_object(
    *,
    response_id: str,
    status: ResponseStatus,
    conversation_id: str | None,
    output_modalities: Sequence[str],
    audio_format: dict[str, Any],
    voice: str,
    output: Sequence[dict[str, Any]] = (),
    details: dict[str, Any] | None = None,
    max_output_tokens: int | str = "inf",
    metadata: dict[str, str] | None = None,
    usage: Usage | None = None,
) -> dict[str, Any]:
    """A complete response object. `conversation_id` is None for an out-of-band response."""
    return {
        "object": "realtime.response",
        "id": response_id,
        "status": status,
        "status_details": details,
        "output": list(output),
        "conversation_id": conversation_id,
        "output_modalities": list(output_modalities),
        "max_output_tokens": max_output_tokens,
        "audio": {"output": {"format": audio_format, "voice": voice}},
        "usage": None if usage is None else usage.to_json(),
        "metadata": metadata,
    }
