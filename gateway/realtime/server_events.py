"""Builders of what the engine says: each complete, each with an `event_id` of its own. Names and fields are those of
the server events in the reference of the OpenAI Realtime API.

Audio deltas hold what they are given: base64 text on a wire, PCM bytes between peers of one process.
"""

from __future__ import annotations

from typing import Any

from gateway.realtime.fault import ProtocolFault
from gateway.realtime.ids import new_id

__all__ = [
    "Event",
    "conversation_created",
    "error",
    "fault",
    "input_cleared",
    "input_committed",
    "input_timeout",
    "item_added",
    "item_deleted",
    "item_done",
    "item_retrieved",
    "item_truncated",
    "response_arguments_delta",
    "response_arguments_done",
    "response_audio_delta",
    "response_audio_done",
    "response_created",
    "response_done",
    "response_item_added",
    "response_item_done",
    "response_part_added",
    "response_part_done",
    "response_text_delta",
    "response_text_done",
    "response_transcript_delta",
    "response_transcript_done",
    "session_created",
    "session_updated",
    "speech_started",
    "speech_stopped",
    "transcription_completed",
    "transcription_delta",
    "transcription_failed",
]

Event = dict[str, Any]


def _event(kind: str, **fields: Any) -> Event:
    return {"type": kind, "event_id": new_id("event"), **fields}


# ── session, conversation, errors ──────────────────────────────────────────────────────────────────────────


def session_created(session: dict[str, Any]) -> Event:
    return _event("session.created", session=session)


def session_updated(session: dict[str, Any]) -> Event:
    return _event("session.updated", session=session)


def conversation_created(conversation_id: str) -> Event:
    return _event(
        "conversation.created", conversation={"id": conversation_id, "object": "realtime.conversation"}
    )


def item_added(item: dict[str, Any], previous_item_id: str | None) -> Event:
    return _event("conversation.item.added", previous_item_id=previous_item_id, item=item)


def item_done(item: dict[str, Any], previous_item_id: str | None) -> Event:
    return _event("conversation.item.done", previous_item_id=previous_item_id, item=item)


def item_retrieved(item: dict[str, Any]) -> Event:
    return _event("conversation.item.retrieved", item=item)


def item_truncated(item_id: str, content_index: int, audio_end_ms: int) -> Event:
    return _event(
        "conversation.item.truncated",
        item_id=item_id,
        content_index=content_index,
        audio_end_ms=audio_end_ms,
    )


def item_deleted(item_id: str) -> Event:
    return _event("conversation.item.deleted", item_id=item_id)


def error(
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    event_id: str | None = None,
    kind: str = "invalid_request_error",
) -> Event:
    """An `error`; `event_id` is the client event's, `kind` the error's type."""
    told = {"type": kind, "code": code, "message": message, "param": param, "event_id": event_id}
    return _event("error", error=told)


def fault(what: ProtocolFault) -> Event:
    """The `error` that tells the client of its fault."""
    return error(what.message, code=what.code, param=what.param, event_id=what.event_id, kind=what.kind)


# ── input audio ────────────────────────────────────────────────────────────────────────────────────────────


def speech_started(item_id: str, audio_start_ms: int) -> Event:
    return _event("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=audio_start_ms)


def speech_stopped(item_id: str, audio_end_ms: int) -> Event:
    return _event("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=audio_end_ms)


def input_committed(item_id: str, previous_item_id: str | None) -> Event:
    return _event("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous_item_id)


def input_cleared() -> Event:
    return _event("input_audio_buffer.cleared")


def input_timeout(item_id: str, audio_start_ms: int, audio_end_ms: int) -> Event:
    return _event(
        "input_audio_buffer.timeout_triggered",
        item_id=item_id,
        audio_start_ms=audio_start_ms,
        audio_end_ms=audio_end_ms,
    )


def transcription_delta(item_id: str, delta: str, content_index: int = 0) -> Event:
    kind = "conversation.item.input_audio_transcription.delta"
    return _event(kind, item_id=item_id, content_index=content_index, delta=delta)


def transcription_completed(item_id: str, transcript: str, seconds: float, content_index: int = 0) -> Event:
    """`seconds` of audio were transcribed: the usage of a recogniser that is not paid by the token."""
    return _event(
        "conversation.item.input_audio_transcription.completed",
        item_id=item_id,
        content_index=content_index,
        transcript=transcript,
        usage={"type": "duration", "seconds": seconds},
    )


def transcription_failed(item_id: str, code: str, message: str, content_index: int = 0) -> Event:
    told = {"type": "transcription_error", "code": code, "message": message}
    kind = "conversation.item.input_audio_transcription.failed"
    return _event(kind, item_id=item_id, content_index=content_index, error=told)


# ── response ───────────────────────────────────────────────────────────────────────────────────────────────


def response_created(response: dict[str, Any]) -> Event:
    return _event("response.created", response=response)


def response_done(response: dict[str, Any]) -> Event:
    return _event("response.done", response=response)


def response_item_added(response_id: str, output_index: int, item: dict[str, Any]) -> Event:
    return _event(
        "response.output_item.added", response_id=response_id, output_index=output_index, item=item
    )


def response_item_done(response_id: str, output_index: int, item: dict[str, Any]) -> Event:
    return _event(
        "response.output_item.done", response_id=response_id, output_index=output_index, item=item
    )


def _part(kind: str, response_id: str, item_id: str, output_index: int, **fields: Any) -> Event:
    where = {
        "response_id": response_id,
        "item_id": item_id,
        "output_index": output_index,
        "content_index": 0,
    }
    return _event(kind, **where, **fields)


def response_part_added(response_id: str, item_id: str, output_index: int, part: dict[str, Any]) -> Event:
    return _part("response.content_part.added", response_id, item_id, output_index, part=part)


def response_part_done(response_id: str, item_id: str, output_index: int, part: dict[str, Any]) -> Event:
    return _part("response.content_part.done", response_id, item_id, output_index, part=part)


def response_text_delta(response_id: str, item_id: str, output_index: int, delta: str) -> Event:
    return _part("response.output_text.delta", response_id, item_id, output_index, delta=delta)


def response_text_done(response_id: str, item_id: str, output_index: int, text: str) -> Event:
    return _part("response.output_text.done", response_id, item_id, output_index, text=text)


def response_audio_delta(response_id: str, item_id: str, output_index: int, delta: str | bytes) -> Event:
    return _part("response.output_audio.delta", response_id, item_id, output_index, delta=delta)


def response_audio_done(response_id: str, item_id: str, output_index: int) -> Event:
    return _part("response.output_audio.done", response_id, item_id, output_index)


def response_transcript_delta(response_id: str, item_id: str, output_index: int, delta: str) -> Event:
    return _part("response.output_audio_transcript.delta", response_id, item_id, output_index, delta=delta)


def response_transcript_done(response_id: str, item_id: str, output_index: int, transcript: str) -> Event:
    kind = "response.output_audio_transcript.done"
    return _part(kind, response_id, item_id, output_index, transcript=transcript)


def _call(kind: str, response_id: str, item_id: str, output_index: int, **fields: Any) -> Event:
    return _event(kind, response_id=response_id, item_id=item_id, output_index=output_index, **fields)


def response_arguments_delta(
    response_id: str, item_id: str, output_index: int, call_id: str, delta: str
) -> Event:
    kind = "response.function_call_arguments.delta"
    return _call(kind, response_id, item_id, output_index, call_id=call_id, delta=delta)


def response_arguments_done(
    response_id: str, item_id: str, output_index: int, call_id: str, name: str, arguments: str
) -> Event:
    kind = "response.function_call_arguments.done"
    return _call(kind, response_id, item_id, output_index, call_id=call_id, name=name, arguments=arguments)
