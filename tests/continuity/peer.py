"""A provider at the port, moved by hand: it keeps a conversation by the protocol's rules and answers in order."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from gateway.ports import Event
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.items import ItemList
from gateway.realtime.response import response_object, status_details

__all__ = ["SESSION", "Peer"]

SESSION: dict[str, Any] = {
    "type": "realtime",
    "instructions": "Help.",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": "gpt-4o-mini-transcribe"},
            "turn_detection": {"type": "server_vad", "create_response": True, "interrupt_response": True},
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"},
    },
    "tools": [],
}

WORD_MS = 300
"""Audio of one word."""


class Peer:
    """`name` is the prefix of its ids: two peers of one name use the same ids for different things."""

    def __init__(self, name: str, session: dict[str, Any]) -> None:
        self.name = name
        self.session = deepcopy(session)
        self.items = ItemList()
        self.received: list[Event] = []
        self.out: list[Event] = []
        self.heard_ms = 0
        self.buffered_ms = 0
        self.spoken_ms: dict[str, int] = {}
        self.active: dict[str, Any] | None = None
        self.aside: dict[str, Any] | None = None
        self.speech: str | None = None
        self.saying: dict[str, Any] | None = None
        self.owes = False
        self.unheard: list[str] = []
        """User items that were not transcribed."""
        self.words = 0
        self._count = 0

    def new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self.name}{self._count}"

    def say(self, kind: str, **fields: Any) -> None:
        self.out.append({"type": kind, "event_id": self.new("event"), **fields})

    # what it is told

    def receive(self, event: Event) -> None:
        self.received.append(event)
        try:
            self._obey(event)
        except ProtocolFault as fault:
            told = {
                "type": "invalid_request_error", "code": fault.code, "message": fault.message,
                "param": fault.param, "event_id": event.get("event_id"),
            }  # fmt: skip
            self.say("error", error=told)

    def hear(self, ms: int) -> None:
        self.heard_ms += ms
        self.buffered_ms += ms

    def _obey(self, event: Event) -> None:
        match event["type"]:
            case "session.update":
                if event["session"].get("instructions") == "refuse":
                    raise ProtocolFault("invalid_value", "No.", "session.instructions")
                change = deepcopy(event["session"])
                heard = (change.get("audio") or {}).get("input") or {}
                if "turn_detection" in heard:
                    self.session["audio"]["input"]["turn_detection"] = heard["turn_detection"]
                    self.speech = None
                self.session |= {k: v for k, v in change.items() if k != "audio"}
                self.say("session.updated", session=deepcopy(self.session))
            case "conversation.item.create":
                item = {"object": "realtime.item", "status": "completed", **deepcopy(event["item"])}
                item.setdefault("id", self.new("item"))
                if item["type"] == "message" and item["role"] == "assistant":
                    assert all(part["type"] == "output_text" for part in item["content"])
                self._list(item, event.get("previous_item_id"))
                self.say(
                    "conversation.item.done",
                    item=deepcopy(item),
                    previous_item_id=self.items.previous_id(item["id"]),
                )
            case "conversation.item.delete":
                self.items.delete(event["item_id"])
                self.say("conversation.item.deleted", item_id=event["item_id"])
            case "conversation.item.retrieve":
                item = self.items.retrieve(event["item_id"])
                self.say("conversation.item.retrieved", item=deepcopy(item))
            case "conversation.item.truncate":
                length = self.spoken_ms.get(event["item_id"])
                self.items.truncatable(
                    event["item_id"], event["content_index"], event["audio_end_ms"], length
                )
                where = {k: event[k] for k in ("item_id", "content_index", "audio_end_ms")}
                self.say("conversation.item.truncated", **where)
            case "input_audio_buffer.commit":
                if self.buffered_ms < 100:
                    raise ProtocolFault("input_audio_buffer_commit_empty", "Nothing to commit.")
                self._commit(self.speech or self.new("item"))
                self.speech = None
            case "input_audio_buffer.clear":
                self.buffered_ms = 0
                self.speech = None
                self.say("input_audio_buffer.cleared")
            case "response.create":
                self._respond(event.get("response") or {})
            case "response.cancel":
                if self.active is None:
                    raise ProtocolFault("response_cancel_not_active", "Nothing to cancel.")
                self.cancel("client_cancelled")
            case other:
                raise AssertionError(f"no client event: {other}")

    # the caller

    @property
    def turns(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.session["audio"]["input"]["turn_detection"]
        return found

    def onset(self) -> None:
        """Its turn detection hears the caller begin."""
        if self.turns is None or self.speech is not None:
            return
        self.speech = self.new("item")
        self.say("input_audio_buffer.speech_started", item_id=self.speech, audio_start_ms=self.heard_ms)
        if self.active is not None and self.turns.get("interrupt_response", True):
            self.cancel("turn_detected")

    def offset(self) -> None:
        if self.turns is None or self.speech is None:
            return
        item_id, self.speech = self.speech, None
        self.say("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=self.heard_ms)
        self._commit(item_id)
        if self.turns.get("create_response", True):
            self.owes = True
            self.answer()

    def answer(self) -> None:
        """It answers by itself what it owes."""
        if self.owes and self.active is None:
            self.owes = False
            self._respond({})

    def transcribe(self, text: str) -> None:
        if not self.unheard:
            return
        item_id = self.unheard.pop(0)
        item = self.items.find(item_id)
        if item is not None:
            item["content"][0]["transcript"] = text
            kind = "conversation.item.input_audio_transcription"
            self.say(f"{kind}.delta", item_id=item_id, content_index=0, delta=text)
            self.say(f"{kind}.completed", item_id=item_id, content_index=0, transcript=text)

    def _commit(self, item_id: str) -> None:
        self.buffered_ms = 0
        self.say("input_audio_buffer.committed", item_id=item_id, previous_item_id=self.items.last_id)
        content = [{"type": "input_audio", "transcript": None}]
        item = {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": content,
        }
        self._list(item)
        self.say(
            "conversation.item.done", item=deepcopy(item), previous_item_id=self.items.previous_id(item_id)
        )
        self.unheard.append(item_id)

    def _list(self, item: dict[str, Any], previous: str | None = None) -> None:
        before = self.items.insert(item, previous)
        self.say("conversation.item.added", item=deepcopy(item), previous_item_id=before)

    # the agent

    def _object(self, response: dict[str, Any], status: Any, details: Any = None) -> dict[str, Any]:
        return response_object(
            response_id=response["id"], status=status, details=details, conversation_id=response["conversation"],
            output_modalities=["audio"], audio_format={"type": "audio/pcm", "rate": 24000}, voice="marin",
            output=deepcopy(response["output"]), metadata=response["metadata"],
        )  # fmt: skip

    def _respond(self, params: dict[str, Any]) -> None:
        beside = params.get("conversation") == "none"
        if not beside and self.active is not None:
            told = "Conversation already has an active response."
            raise ProtocolFault("conversation_already_has_active_response", told)
        response: dict[str, Any] = {
            "id": self.new("resp"), "conversation": None if beside else f"conv_{self.name}", "output": [],
            "metadata": params.get("metadata"),
        }  # fmt: skip
        if beside:
            self.aside = response
        else:
            self.active = response
        self.say("response.created", response=self._object(response, "in_progress"))
        if beside:
            self.say("response.done", response=self._object(response, "completed"))

    def open_message(self) -> None:
        """The active response begins to say something."""
        if self.active is None or self.saying is not None:
            return
        item: dict[str, Any] = {
            "id": self.new("item"), "object": "realtime.item", "type": "message", "role": "assistant",
            "status": "in_progress", "content": [],
        }  # fmt: skip
        index = len(self.active["output"])
        self.active["output"].append(item)
        self.saying = {"item": item, "index": index, "text": ""}
        self.say(
            "response.output_item.added",
            response_id=self.active["id"],
            output_index=index,
            item=deepcopy(item),
        )
        self._list(item)
        self.say("response.content_part.added", **self._at(), part={"type": "audio", "transcript": ""})

    def speak(self, words: int = 1, *, audio: bool = True) -> None:
        """Some more words, and their audio."""
        if self.saying is None or self.active is None:
            return
        for _ in range(words):
            self.words += 1
            delta = f"{' ' if self.saying['text'] else ''}w{self.words}{self.name}"
            self.saying["text"] += delta
            self.say("response.output_audio_transcript.delta", **self._at(), delta=delta)
            if audio:
                item_id = self.saying["item"]["id"]
                self.spoken_ms[item_id] = self.spoken_ms.get(item_id, 0) + WORD_MS
                self.say("response.output_audio.delta", **self._at(), delta=bytes(48 * WORD_MS))

    def audio_done(self) -> None:
        if self.saying is not None and not self.saying.get("quiet"):
            self.saying["quiet"] = True
            self.say("response.output_audio.done", **self._at())

    def close_message(self, status: str = "completed") -> None:
        if self.saying is None or self.active is None:
            return
        self.audio_done()
        saying, text = self.saying, self.saying["text"]
        item = saying["item"]
        item["status"] = status
        item["content"] = [{"type": "output_audio", "transcript": text}]
        self.say("response.output_audio_transcript.done", **self._at(), transcript=text)
        self.say("response.content_part.done", **self._at(), part={"type": "audio", "transcript": text})
        if item["id"] in self.items:
            before = self.items.previous_id(item["id"])
            self.say("conversation.item.done", item=deepcopy(item), previous_item_id=before)
        where = {"response_id": self.active["id"], "output_index": saying["index"]}
        self.say("response.output_item.done", **where, item=deepcopy(item))
        self.saying = None

    def call(self, *, whole: bool = True) -> None:
        """The active response calls a tool; not `whole`: its arguments do not end."""
        if self.active is None or self.saying is not None:
            return
        item = {
            "id": self.new("item"), "object": "realtime.item", "type": "function_call", "status": "in_progress",
            "name": "look", "call_id": self.new("call"), "arguments": "",
        }  # fmt: skip
        index = len(self.active["output"])
        self.active["output"].append(item)
        where = {"response_id": self.active["id"], "output_index": index}
        self.say("response.output_item.added", **where, item=deepcopy(item))
        self._list(item)
        at = {**where, "item_id": item["id"], "call_id": item["call_id"]}
        self.say("response.function_call_arguments.delta", **at, delta='{"a":')
        if not whole:
            return
        self.say("response.function_call_arguments.delta", **at, delta="1}")
        self.say("response.function_call_arguments.done", **at, name="look", arguments='{"a":1}')
        item["arguments"], item["status"] = '{"a":1}', "completed"
        self.say(
            "conversation.item.done",
            item=deepcopy(item),
            previous_item_id=self.items.previous_id(item["id"]),
        )
        self.say("response.output_item.done", **where, item=deepcopy(item))

    def finish(self) -> None:
        """The active response ends."""
        if self.active is None:
            return
        self.close_message()
        self._drop_calls()
        response, self.active = self.active, None
        self.say("response.done", response=self._object(response, "completed"))
        self.answer()

    def cancel(self, reason: Any) -> None:
        if self.active is None:
            return
        self.close_message("incomplete")
        self._drop_calls()
        response, self.active = self.active, None
        details = status_details("cancelled", reason=reason)
        self.say("response.done", response=self._object(response, "cancelled", details))
        self.answer()

    def _drop_calls(self) -> None:
        """Calls whose arguments never ended."""
        assert self.active is not None
        for index, item in enumerate(self.active["output"]):
            if item["type"] == "function_call" and item["status"] == "in_progress":
                item["status"] = "incomplete"
                if item["id"] in self.items:
                    before = self.items.previous_id(item["id"])
                    self.say("conversation.item.done", item=deepcopy(item), previous_item_id=before)
                where = {"response_id": self.active["id"], "output_index": index}
                self.say("response.output_item.done", **where, item=deepcopy(item))

    def _at(self) -> dict[str, Any]:
        assert self.active is not None
        assert self.saying is not None
        return {
            "response_id": self.active["id"], "item_id": self.saying["item"]["id"],
            "output_index": self.saying["index"], "content_index": 0,
        }  # fmt: skip

    def told(self) -> list[str]:
        """Its conversation in words, one entry per item."""
        return [words(item) for item in self.items]


def words(item: dict[str, Any]) -> str:
    match item["type"]:
        case "message":
            texts = (part.get("text") or part.get("transcript") or "" for part in item["content"])
            return f"{item['role']}: {' '.join(t for t in texts if t)}"
        case "function_call":
            return f"call: {item['name']} {item['arguments']}"
        case "function_call_output":
            return f"output: {item['output']}"
        case other:
            return str(other)
