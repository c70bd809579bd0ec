"""What each server event of the GA protocol holds besides `type` and `event_id` (OpenAI API reference: Realtime, server
events). A table, for translators: official clients refuse an event with a kind or a field they do not know.
"""

from __future__ import annotations

__all__ = ["FIELDS"]

ITEM = frozenset({"item", "previous_item_id"})
PART = frozenset({"response_id", "item_id", "output_index", "content_index"})
CALL = frozenset({"response_id", "item_id", "output_index"})
HEARD = "conversation.item.input_audio_transcription"
ONE = frozenset({"item_id"})
RUN = frozenset({"item_id", "output_index"})
PLAYED = frozenset({"response_id"})

FIELDS: dict[str, frozenset[str]] = {
    "error": frozenset({"error"}),
    "session.created": frozenset({"session"}),
    "session.updated": frozenset({"session"}),
    "conversation.created": frozenset({"conversation"}),
    "conversation.item.added": ITEM,
    "conversation.item.done": ITEM,
    "conversation.item.retrieved": frozenset({"item"}),
    "conversation.item.truncated": frozenset({"item_id", "content_index", "audio_end_ms"}),
    "conversation.item.deleted": ONE,
    "rate_limits.updated": frozenset({"rate_limits"}),
    "input_audio_buffer.speech_started": frozenset({"item_id", "audio_start_ms"}),
    "input_audio_buffer.speech_stopped": frozenset({"item_id", "audio_end_ms"}),
    "input_audio_buffer.committed": frozenset({"item_id", "previous_item_id"}),
    "input_audio_buffer.cleared": frozenset(),
    "input_audio_buffer.timeout_triggered": frozenset({"item_id", "audio_start_ms", "audio_end_ms"}),
    f"{HEARD}.delta": frozenset({"item_id", "content_index", "delta", "logprobs"}),
    f"{HEARD}.completed": frozenset(
        {"item_id", "content_index", "transcript", "usage", "logprobs", "languages"}
    ),
    f"{HEARD}.segment": frozenset({"item_id", "content_index", "id", "text", "speaker", "start", "end"}),
    f"{HEARD}.failed": frozenset({"item_id", "content_index", "error"}),
    "response.created": frozenset({"response"}),
    "response.done": frozenset({"response"}),
    "response.output_item.added": frozenset({"response_id", "output_index", "item"}),
    "response.output_item.done": frozenset({"response_id", "output_index", "item"}),
    "response.content_part.added": PART | {"part"},
    "response.content_part.done": PART | {"part"},
    "response.output_text.delta": PART | {"delta"},
    "response.output_text.done": PART | {"text"},
    "response.output_audio.delta": PART | {"delta"},
    "response.output_audio.done": PART,
    "response.output_audio_transcript.delta": PART | {"delta"},
    "response.output_audio_transcript.done": PART | {"transcript"},
    "response.function_call_arguments.delta": CALL | {"call_id", "delta"},
    "response.function_call_arguments.done": CALL | {"call_id", "name", "arguments"},
    "response.mcp_call_arguments.delta": CALL | {"delta", "obfuscation"},
    "response.mcp_call_arguments.done": CALL | {"arguments"},
    "response.mcp_call.in_progress": RUN,
    "response.mcp_call.completed": RUN,
    "response.mcp_call.failed": RUN,
    "mcp_list_tools.in_progress": ONE,
    "mcp_list_tools.completed": ONE,
    "mcp_list_tools.failed": ONE,
    "output_audio_buffer.started": PLAYED,
    "output_audio_buffer.stopped": PLAYED,
    "output_audio_buffer.cleared": PLAYED,
}
"""By type. `conversation.item.created` is not here: servers of today's protocol send added and done."""
