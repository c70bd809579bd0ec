"""Tokens as a vendor counts them, roughly (section 8), and its rate limits (section 6.1)."""

from __future__ import annotations

from collections.abc import Sequence

from tests.peers.faults import Event
from tests.peers.items import ItemList

__all__ = ["heard_usage", "rate_limits", "usage"]

USER_MS_PER_TOKEN = 100
MODEL_MS_PER_TOKEN = 50
LETTERS_PER_TOKEN = 4


def usage(items: ItemList, output: Sequence[Event], audio_out_ms: float) -> Event:
    """The `usage` of one response."""
    ids = {item["id"] for item in output}
    text = audio = 0
    for kept in items.kept:
        if kept.item["id"] in ids:
            continue
        if kept.item.get("role") == "user" and kept.audio_ms:
            audio += int(kept.audio_ms / USER_MS_PER_TOKEN)
        else:
            text += _letters(kept.item) // LETTERS_PER_TOKEN + 3
    out_text = sum(_letters(item) // LETTERS_PER_TOKEN + 3 for item in output)
    out_audio = int(audio_out_ms / MODEL_MS_PER_TOKEN)
    return {
        "total_tokens": text + audio + out_text + out_audio,
        "input_tokens": text + audio,
        "output_tokens": out_text + out_audio,
        "input_token_details": {
            "text_tokens": text,
            "audio_tokens": audio,
            "image_tokens": 0,
            "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": out_text, "audio_tokens": out_audio},
    }


def heard_usage(model: str, text: str, audio_ms: float) -> Event:
    """The `usage` of one transcription: seconds for whisper-1, tokens for the others (section 6.2)."""
    if model == "whisper-1":
        return {"type": "duration", "seconds": round(audio_ms / 1000, 3)}
    heard, said = int(audio_ms / USER_MS_PER_TOKEN), len(text) // LETTERS_PER_TOKEN + 1
    return {
        "type": "tokens",
        "total_tokens": heard + said,
        "input_tokens": heard,
        "output_tokens": said,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
    }


def rate_limits() -> Event:
    return {
        "type": "rate_limits.updated",
        "rate_limits": [
            {"name": "requests", "limit": 1000, "remaining": 999, "reset_seconds": 60},
            {"name": "tokens", "limit": 50000, "remaining": 49950, "reset_seconds": 60},
        ],
    }


def _letters(item: Event) -> int:
    if item["type"] == "message":
        return sum(len(part.get("text") or part.get("transcript") or "") for part in item["content"])
    return len(item.get("arguments") or "") + len(item.get("output") or "")
