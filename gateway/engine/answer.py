"""One response in the making: from `response.created` to `response.done`, in the protocol's order."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.engine.effects import CancelSpeak, Effect, Emit, Speak
from gateway.engine.mind import Reply, ToolUse
from gateway.engine.spoken import Spoken
from gateway.engine.tokens import speech_tokens, text_tokens
from gateway.realtime import server_events as say
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.ids import new_id
from gateway.realtime.items import ItemList
from gateway.realtime.response import ResponseStatus, StatusReason, Usage, response_object, status_details
from gateway.speech.clauses import Clause, clauses
from media.audio import PCM24

__all__ = ["Answer", "Plan"]

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a response is made with: the session's values, or those of its `response.create`."""

    response_id: str
    conversation_id: str | None
    """None: out-of-band, nothing of it enters the conversation."""
    context: tuple[Item, ...] | None
    """The items given as `input`; None: the conversation as it is when the engine begins to think."""
    instructions: str
    response_instructions: str | None
    tools: tuple[dict[str, Any], ...]
    tool_choice: Any
    text: bool
    """Answer in text, not in speech."""
    voice: str
    speed: float
    audio_format: dict[str, Any]
    max_output_tokens: int | str
    metadata: dict[str, str] | None


class Answer:
    """A response in the making. Every method returns effects. To be forgotten once `done`."""

    def __init__(self, plan: Plan, conversation: ItemList) -> None:
        self.plan = plan
        self.done = False
        self.thought = False
        """Whether the reply is known, so that it is being said."""
        self.item_id: str | None = None
        """The message being said; None before and after."""
        self.spoken = Spoken()
        self.input_tokens = (0, 0)
        self._conversation = None if plan.conversation_id is None else conversation
        self._output: list[Item] = []
        self._clauses: tuple[Clause, ...] = ()
        self._begun = 0
        self._tool_uses: tuple[ToolUse, ...] = ()

    @property
    def id(self) -> str:
        return self.plan.response_id

    def begin(self) -> list[Effect]:
        return [Emit(say.response_created(self._object("in_progress")))]

    def reply(self, reply: Reply) -> list[Effect]:
        """The mind has answered: say it, then call what is to be called."""
        self.thought = True
        self._tool_uses = reply.tool_uses
        if not reply.say.strip():
            return self._finish()
        try:
            effects = self._open_message()
            if self.plan.text:
                return [*effects, *self._say_text(reply.say.strip()), *self._finish()]
        except ProtocolFault as fault:
            return self.fail(fault.code, fault.message)
        self._clauses = clauses(reply.say)
        texts = tuple(clause.text for clause in self._clauses)
        return [*effects, Speak(self.id, texts, self.plan.voice, self.plan.speed)]

    def chunk(self, number: int, pcm: bytes) -> list[Effect]:
        """Audio of clause `number`, PCM16 24 kHz. The words of a clause go out just before its first audio, and
        a clause is followed by its pause."""
        if self.item_id is None:
            return []
        return [*self._begin_clauses(self.item_id, number + 1), *self._audio(self.item_id, pcm)]

    def finished(self) -> list[Effect]:
        """All clauses have been synthesised."""
        if self.item_id is None:
            return []
        # A clause may make no sound; its words are said all the same.
        effects = self._begin_clauses(self.item_id, len(self._clauses))
        return [*effects, *self._close_message("completed"), *self._finish()]

    def cancel(self, reason: StatusReason) -> list[Effect]:
        """End it now; what was said so far stays, as incomplete."""
        return self._stop("cancelled", status_details("cancelled", reason=reason))

    def fail(self, code: str, message: str) -> list[Effect]:
        """End it because the engine cannot go on."""
        return self._stop("failed", status_details("failed", code=code, message=message))

    def _stop(self, status: ResponseStatus, details: dict[str, Any] | None) -> list[Effect]:
        effects: list[Effect] = []
        if self.item_id is not None:
            effects = [CancelSpeak(self.id), *self._close_message("incomplete")]
        return [*effects, *self._end(status, details)]

    def _finish(self) -> list[Effect]:
        effects: list[Effect] = []
        try:
            for use in self._tool_uses:
                effects += self._call(use)
        except ProtocolFault as fault:
            return [*effects, *self.fail(fault.code, fault.message)]
        return [*effects, *self._end("completed", None)]

    def _end(self, status: ResponseStatus, details: dict[str, Any] | None) -> list[Effect]:
        self.done = True
        return [Emit(say.response_done(self._object(status, details)))]

    def _begin_clauses(self, item_id: str, count: int) -> list[Effect]:
        """The words of the first `count` clauses, as far as they are not out yet, each after its pause."""
        effects: list[Effect] = []
        while self._begun < count:
            if self._begun:
                pause_ms = round(self._clauses[self._begun - 1].pause_ms / self.plan.speed)
                effects += self._audio(item_id, bytes(PCM24.to_bytes(pause_ms)))
            delta = self.spoken.begin(self._clauses[self._begun].text)
            effects.append(Emit(say.response_transcript_delta(self.id, item_id, 0, delta)))
            self._begun += 1
        return effects

    def _audio(self, item_id: str, pcm: bytes) -> list[Effect]:
        self.spoken.audio(len(pcm))
        return [Emit(say.response_audio_delta(self.id, item_id, 0, pcm))]

    def _say_text(self, text: str) -> list[Effect]:
        effects: list[Effect] = []
        item_id = self._output[0]["id"]
        for clause in clauses(text):
            delta = self.spoken.begin(clause.text)
            effects.append(Emit(say.response_text_delta(self.id, item_id, 0, delta)))
        return [*effects, *self._close_message("completed")]

    def _open_message(self) -> list[Effect]:
        item: Item = {
            "id": new_id("item"),
            "object": "realtime.item",
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        effects = self._add(item)
        self.item_id = item["id"]
        part = {"type": "text", "text": ""} if self.plan.text else {"type": "audio", "transcript": ""}
        effects.append(Emit(say.response_part_added(self.id, item["id"], 0, part)))
        return effects

    def _close_message(self, status: str) -> list[Effect]:
        item = self._output[0]
        item_id, words = item["id"], self.spoken.transcript
        self.item_id = None
        item["status"] = status
        if self.plan.text:
            item["content"] = [{"type": "output_text", "text": words}]
            part = {"type": "text", "text": words}
            events = [say.response_text_done(self.id, item_id, 0, words)]
        else:
            item["content"] = [{"type": "output_audio", "transcript": words}]
            part = {"type": "audio", "transcript": words}
            events = [
                say.response_audio_done(self.id, item_id, 0),
                say.response_transcript_done(self.id, item_id, 0, words),
            ]
        events.append(say.response_part_done(self.id, item_id, 0, part))
        return [*map(Emit, events), *self._item_done(item)]

    def _call(self, use: ToolUse) -> list[Effect]:
        """One function call, whole: its arguments are known at once."""
        arguments = orjson.dumps(use.arguments).decode()
        item: Item = {
            "id": new_id("item"),
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "name": use.name,
            "call_id": new_id("call"),
            "arguments": "",
        }
        effects = self._add(item)
        where = (self.id, item["id"], len(self._output) - 1, item["call_id"])
        item["arguments"], item["status"] = arguments, "completed"
        effects.append(Emit(say.response_arguments_delta(*where, arguments)))
        effects.append(Emit(say.response_arguments_done(*where, use.name, arguments)))
        return [*effects, *self._item_done(item)]

    def _add(self, item: Item) -> list[Effect]:
        """Raises ProtocolFault when the conversation is full; then the response has no such item."""
        events = [say.response_item_added(self.id, len(self._output), deepcopy(item))]
        if self._conversation is not None:
            events.append(say.item_added(deepcopy(item), self._conversation.insert(item)))
        self._output.append(item)
        return [Emit(event) for event in events]

    def _item_done(self, item: Item) -> list[Effect]:
        events = []
        # The client may have deleted the item while it was being said.
        if self._conversation is not None and item["id"] in self._conversation:
            events.append(say.item_done(deepcopy(item), self._conversation.previous_id(item["id"])))
        events.append(say.response_item_done(self.id, self._output.index(item), deepcopy(item)))
        return [Emit(event) for event in events]

    def _object(self, status: ResponseStatus, details: dict[str, Any] | None = None) -> dict[str, Any]:
        usage = None
        if status != "in_progress":
            words = sum(
                text_tokens(
                    item.get("arguments")
                    or item["content"][0].get("text")
                    or item["content"][0]["transcript"]
                )
                for item in self._output
                if item.get("arguments") or item.get("content")
            )
            text, audio = self.input_tokens
            spoken = 0 if self.plan.text else speech_tokens(self.spoken.made_ms)
            usage = Usage(input_text=text, input_audio=audio, output_text=words, output_audio=spoken)
        return response_object(
            response_id=self.id,
            status=status,
            details=details,
            conversation_id=self.plan.conversation_id,
            output_modalities=["text"] if self.plan.text else ["audio"],
            audio_format=self.plan.audio_format,
            voice=self.plan.voice,
            output=deepcopy(self._output),
            max_output_tokens=self.plan.max_output_tokens,
            metadata=self.plan.metadata,
            usage=usage,
        )
