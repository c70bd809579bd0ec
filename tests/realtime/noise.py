"""JSON that means nothing, some of it in the words of the protocol."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

__all__ = ["WORDS", "json_noise"]

WORDS = (
    "type", "session", "audio", "input", "output", "item", "id", "item_id", "role", "content", "text", "message",
    "user", "assistant", "system", "input_text", "input_audio", "output_text", "function_call", "function_call_output",
    "call_id", "arguments", "name", "response", "event_id", "server_vad", "turn_detection", "threshold", "realtime",
    "metadata", "tools", "function", "mcp", "conversation", "none", "root", "previous_item_id", "audio_end_ms",
    "transcription", "format", "audio/pcm", "voice", "marin", "session.update", "response.create", "response.cancel",
    "conversation.item.create", "input_audio_buffer.append", "conversation.item.truncate",
)  # fmt: skip


def json_noise() -> st.SearchStrategy[Any]:
    """Recursive JSON: plain text would never get past the first check."""
    leaf = (
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8)
        | st.sampled_from(WORDS)
    )
    key = st.sampled_from(WORDS) | st.text(max_size=4)
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(key, inner, max_size=5),
        max_leaves=12,
    )
