"""Server events of the old protocol, judged by the types of the `openai` package before they are used."""

from __future__ import annotations

from typing import Any

from openai.types.beta.realtime import RealtimeServerEvent

from tests.peers.strict import problems

__all__ = ["SESSION", "Event", "Reply", "created", "heard", "old"]

Event = dict[str, Any]

SESSION: Event = {
    "id": "sess_1", "object": "realtime.session", "model": "gpt-4o-realtime-preview", "expires_at": 1760003600,
    "modalities": ["audio", "text"], "instructions": "Be kind.", "voice": "alloy", "input_audio_format": "pcm16",
    "output_audio_format": "pcm16", "input_audio_transcription": {"model": "whisper-1"},
    "turn_detection": {"type": "server_vad", "threshold": 0.6, "prefix_padding_ms": 300, "silence_duration_ms": 200,
        "create_response": True},
    "tools": [{"type": "function", "name": "weather", "description": "", "parameters": {"type": "object"}}],
    "tool_choice": "auto", "temperature": 0.8, "max_response_output_tokens": "inf",
}  # fmt: skip

SERVER_COPY = ("session.object", "session.expires_at", "session.model")
"""What the package's type of a session leaves out, or names too few of."""


def old(kind: str, **fields: Any) -> Event:
    """One event. Audio deltas hold bytes, as the socket hands them on."""
    event = {"type": kind, "event_id": "event_1", **fields}
    wire = {k: "AAAA" if isinstance(v, bytes) else v for k, v in event.items()}
    found = [one for one in problems(RealtimeServerEvent, wire) if one.param not in SERVER_COPY]
    assert not found, found
    return event


def created(item: Event, before: str | None = None) -> Event:
    return old("conversation.item.created", previous_item_id=before, item=item)


def heard(item_id: str = "item_u", before: str | None = None) -> list[Event]:
    """A caller's turn, from its first word to its transcript."""
    content = [{"type": "input_audio", "transcript": None}]
    item = {"id": item_id, "object": "realtime.item", "type": "message", "status": "completed", "role": "user",
        "content": content}  # fmt: skip
    done = "conversation.item.input_audio_transcription.completed"
    return [
        old("input_audio_buffer.speech_started", audio_start_ms=100, item_id=item_id),
        old("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id=item_id),
        old("input_audio_buffer.committed", previous_item_id=before, item_id=item_id),
        created(item, before),
        {"type": done, "event_id": "event_2", "item_id": item_id, "content_index": 0, "transcript": "Hi."},
    ]


class Reply:
    """The events of one response, in the order in which the old servers send them."""

    def __init__(self, response_id: str = "resp_1", *, out_of_band: bool = False) -> None:
        self.id = response_id
        self.out_of_band = out_of_band
        self.output: list[Event] = []

    def begin(self) -> list[Event]:
        return [old("response.created", response=self._object("in_progress"))]

    def speak(self, item_id: str, *, created_first: bool = False, text: bool = False) -> list[Event]:
        """An item of speech (or of text), whole."""
        kind = "text" if text else "audio"
        part = {"type": "text", "text": "Hello."} if text else {"type": "audio", "transcript": "Hello."}
        where = {
            "response_id": self.id,
            "item_id": item_id,
            "output_index": len(self.output),
            "content_index": 0,
        }
        said = (
            [
                old("response.text.delta", delta="Hello.", **where),
                old("response.text.done", text="Hello.", **where),
            ]
            if text
            else [
                old("response.audio_transcript.delta", delta="Hello.", **where),
                old("response.audio.delta", delta=b"pcm!", **where),
                old("response.audio.done", **where),
                old("response.audio_transcript.done", transcript="Hello.", **where),
            ]
        )
        return [
            *self.start(item_id, created_first=created_first),
            old("response.content_part.added", part={"type": kind}, **where),
            *said,
            old("response.content_part.done", part=part, **where),
            self.finish(item_id, [part]),
        ]

    def start(self, item_id: str, *, created_first: bool = False) -> list[Event]:
        """The item begins."""
        item = {"id": item_id, "object": "realtime.item", "type": "message", "status": "in_progress",
            "role": "assistant", "content": []}  # fmt: skip
        return self._start(item, created_first)

    def finish(self, item_id: str, content: list[Event], status: str = "completed") -> Event:
        item = {"id": item_id, "object": "realtime.item", "type": "message", "status": status, "role": "assistant",
            "content": content}  # fmt: skip
        return self._finish(item)

    def call(self, item_id: str) -> list[Event]:
        """A function call, whole."""
        item = {"id": item_id, "object": "realtime.item", "type": "function_call", "status": "in_progress",
            "name": "weather", "call_id": "call_1", "arguments": ""}  # fmt: skip
        where = {
            "response_id": self.id, "item_id": item_id, "output_index": len(self.output), "call_id": "call_1",
        }  # fmt: skip
        return [
            *self._start(item, created_first=False),
            old("response.function_call_arguments.delta", delta="{}", **where),
            old("response.function_call_arguments.done", arguments="{}", **where),
            self._finish(item | {"status": "completed", "arguments": "{}"}),
        ]

    def end(self, status: str = "completed", reason: str | None = None) -> Event:
        details = None if status == "completed" else {"type": status, "reason": reason}
        return old("response.done", response=self._object(status) | {"status_details": details, "usage": {
            "total_tokens": 9, "input_tokens": 5, "output_tokens": 4,
            "input_token_details": {"text_tokens": 3, "audio_tokens": 2, "cached_tokens": 0},
            "output_token_details": {"text_tokens": 1, "audio_tokens": 3},
        }})  # fmt: skip

    def _start(self, item: Event, created_first: bool) -> list[Event]:
        added = old(
            "response.output_item.added", response_id=self.id, output_index=len(self.output), item=item
        )
        if self.out_of_band:
            return [added]
        return [created(item), added] if created_first else [added, created(item)]

    def _finish(self, item: Event) -> Event:
        self.output.append(item)
        index = len(self.output) - 1
        return old("response.output_item.done", response_id=self.id, output_index=index, item=item)

    def _object(self, status: str) -> Event:
        return {
            "object": "realtime.response", "id": self.id, "status": status, "status_details": None,
            "output": list(self.output), "conversation_id": None if self.out_of_band else "conv_1",
            "modalities": ["text", "audio"], "voice": "alloy", "output_audio_format": "pcm16", "temperature": 0.8,
            "max_output_tokens": "inf", "usage": None, "metadata": None,
        }  # fmt: skip
