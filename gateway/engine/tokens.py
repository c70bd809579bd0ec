"""Usage of a response as this engine counts it: nothing here is billed, but clients add it up.

OpenAI API reference: Realtime, `response.usage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

__all__ = ["CHARACTERS_PER_TOKEN", "input_tokens", "speech_tokens", "text_tokens", "words_within"]

CHARACTERS_PER_TOKEN = 4
USER_AUDIO_MS = 100
AGENT_AUDIO_MS = 50
SPOKEN_PER_S = 15
"""Characters that a voice says in a second, about."""


def text_tokens(text: str) -> int:
    """About four characters a token, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def speech_tokens(audio_ms: int) -> int:
    """Of the agent's audio: one per 50 ms."""
    return -(-audio_ms // AGENT_AUDIO_MS)


def words_within(tokens: int) -> int:
    """Tokens of words that can be spoken within so many tokens of words and audio: at least one."""
    audio_per_word = CHARACTERS_PER_TOKEN / SPOKEN_PER_S * 1000 / AGENT_AUDIO_MS
    return max(1, int(tokens / (1 + audio_per_word)))


def input_tokens(
    instructions: str,
    tools: Iterable[Mapping[str, Any]],
    conversation: Iterable[Mapping[str, Any]],
    audio_ms: Mapping[str, int],
) -> tuple[int, int]:
    """(text, audio) tokens that a response takes in. `audio_ms`: how long the user items are that were spoken."""
    text = text_tokens(instructions) + sum(text_tokens(orjson.dumps(tool).decode()) for tool in tools)
    audio = 0
    for item in conversation:
        if item["id"] in audio_ms:
            audio += -(-audio_ms[item["id"]] // USER_AUDIO_MS)
            continue
        text += sum(text_tokens(item.get(key) or "") for key in ("arguments", "output"))
        for part in item.get("content", []):
            text += text_tokens(part.get("text") or part.get("transcript") or "")
    return text, audio
