"""The call at the other end: it believes what it is told, and objects to whatever breaks the protocol."""

from __future__ import annotations

from typing import Any

from gateway.ports import Event

__all__ = ["Listener"]


class Listener:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.order: list[str] = []
        self.items: dict[str, dict[str, Any]] = {}
        self.deleted: set[str] = set()
        self.active: str | None = None
        self.asides: set[str] = set()
        self.done: dict[str, str] = {}
        """Responses that ended: id → status."""
        self.deltas: dict[tuple[str, str], str] = {}
        self.whole: dict[tuple[str, str], str] = {}
        self.audio: dict[str, int] = {}
        self.output: dict[str, str] = {}
        """Output items: id → added or done."""
        self.owner: dict[str, str] = {}
        self.calls: list[str] = []
        self.speech: set[str] = set()
        self.stopped: set[str] = set()
        self.committed: list[str] = []
        self.transcripts: dict[str, str] = {}
        self.errors: list[dict[str, Any]] = []
        self.updates = 0
        self.changes = 0
        """How often the provider changed; the bench counts."""

    def tell(self, event: Event) -> None:
        self.events.append(event)
        assert event["event_id"]
        kind = event["type"]
        handler = getattr(self, "_" + kind.replace(".", "_"), None)
        if handler is not None:
            handler(event)
        if "response_id" in event:
            response_id = event["response_id"]
            assert response_id == self.active or response_id in self.asides, (
                f"{kind} of a response that does not run"
            )
        if kind.startswith("response.") and "item_id" in event:
            assert self.output.get(event["item_id"]) == "added", f"{kind} of an item that is not being made"

    # responses

    def _response_created(self, event: Event) -> None:
        response = event["response"]
        assert response["id"] not in self.done
        assert response["status"] == "in_progress"
        if response["conversation_id"] is None:
            self.asides.add(response["id"])
            return
        assert self.active is None, "two responses at a time"
        self.active = response["id"]

    def _response_done(self, event: Event) -> None:
        response = event["response"]
        assert response["id"] not in self.done, "done twice"
        assert response["status"] in ("completed", "cancelled", "failed", "incomplete")
        if response["conversation_id"] is None:
            self.asides.remove(response["id"])
        else:
            assert self.active == response["id"], "done without having begun"
            self.active = None
        self.done[response["id"]] = response["status"]
        mine = [item for item, owner in self.owner.items() if owner == response["id"]]
        for item in mine:
            assert self.output[item] == "done", "an item was left open"
        assert [item["id"] for item in response["output"]] == mine

    def _response_output_item_added(self, event: Event) -> None:
        item_id = event["item"]["id"]
        assert item_id not in self.output, "an item is made twice"
        self.output[item_id] = "added"
        self.owner[item_id] = event["response_id"]

    def _response_output_item_done(self, event: Event) -> None:
        item = event["item"]
        assert self.output[item["id"]] == "added"
        self.output[item["id"]] = "done"
        assert item["status"] in ("completed", "incomplete")
        if item["type"] == "function_call" and item["status"] == "completed":
            assert item["call_id"] not in self.calls, "a tool runs twice"
            self.calls.append(item["call_id"])
        for (kind, item_id), text in self.deltas.items():
            if item_id == item["id"] and kind == "transcript":
                assert self.whole[kind, item_id] == text, "deltas do not sum to done"

    def _response_output_audio_transcript_delta(self, event: Event) -> None:
        key = ("transcript", event["item_id"])
        self.deltas[key] = self.deltas.get(key, "") + event["delta"]

    def _response_output_audio_transcript_done(self, event: Event) -> None:
        key = ("transcript", event["item_id"])
        assert key not in self.whole
        self.whole[key] = event["transcript"]

    def _response_output_audio_delta(self, event: Event) -> None:
        self.audio[event["item_id"]] = self.audio.get(event["item_id"], 0) + len(event["delta"]) // 48

    def _response_output_audio_done(self, event: Event) -> None:
        assert ("audio", event["item_id"]) not in self.whole
        self.whole["audio", event["item_id"]] = ""

    # the conversation

    def _conversation_item_added(self, event: Event) -> None:
        item, before = event["item"], event["previous_item_id"]
        assert item["id"] not in self.items, "an item is added twice"
        assert item["id"] not in self.deleted
        self.items[item["id"]] = {**item, "listed": "added"}
        if before is None:
            assert not self.order or before is None
            self.order.insert(0, item["id"])
        else:
            assert before in self.order, "after an item that nobody told of"
            self.order.insert(self.order.index(before) + 1, item["id"])

    def _conversation_item_done(self, event: Event) -> None:
        item = event["item"]
        assert self.items[item["id"]]["listed"] == "added", "an item is done twice"
        self.items[item["id"]] = {**item, "listed": "done"}
        at = self.order.index(item["id"])
        assert event["previous_item_id"] == (self.order[at - 1] if at else None)

    def _conversation_item_deleted(self, event: Event) -> None:
        if event["item_id"] in self.items:
            del self.items[event["item_id"]]
            self.order.remove(event["item_id"])
            self.deleted.add(event["item_id"])

    def _conversation_item_input_audio_transcription_completed(self, event: Event) -> None:
        assert event["item_id"] not in self.transcripts
        self.transcripts[event["item_id"]] = event["transcript"]
        key = ("heard", event["item_id"])
        if key in self.deltas and not self.changes:
            # Of two recognisers the second may have understood something else than the first had begun to tell.
            assert self.deltas[key] == event["transcript"]

    def _conversation_item_input_audio_transcription_delta(self, event: Event) -> None:
        key = ("heard", event["item_id"])
        self.deltas[key] = self.deltas.get(key, "") + event["delta"]

    def _conversation_item_input_audio_transcription_failed(self, event: Event) -> None:
        assert event["item_id"] not in self.transcripts
        self.transcripts[event["item_id"]] = ""

    # the caller

    def _input_audio_buffer_speech_started(self, event: Event) -> None:
        assert event["item_id"] not in self.speech, "speech starts twice"
        self.speech.add(event["item_id"])

    def _input_audio_buffer_speech_stopped(self, event: Event) -> None:
        assert event["item_id"] in self.speech
        assert event["item_id"] not in self.stopped
        self.stopped.add(event["item_id"])

    def _input_audio_buffer_committed(self, event: Event) -> None:
        assert event["item_id"] not in self.committed
        assert event["previous_item_id"] is None or event["previous_item_id"] in self.order
        self.committed.append(event["item_id"])

    def _error(self, event: Event) -> None:
        self.errors.append(event["error"])

    def _session_updated(self, event: Event) -> None:
        self.updates += 1

    # what a test asks

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["type"] == kind]
