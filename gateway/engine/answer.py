"""One response in the making: from `response.created` to `response.done`, in the protocol's order."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from gateway.engine.effects import CancelSpeak, CancelThink, Effect, Emit
from gateway.engine.manner import Manner
from gateway.engine.message import Message
from gateway.engine.mind import Call, Done, Thought, Words
from gateway.engine.plan import Plan
from gateway.engine.tokens import speech_tokens, text_tokens
from gateway.realtime import server_events as say
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.ids import new_id
from gateway.realtime.items import ItemList
from gateway.realtime.response import ResponseStatus, StatusReason, Usage, response_object, status_details

__all__ = ["MOST_CALLS", "MOST_WORDS", "Answer"]

Item = dict[str, Any]

MOST_WORDS = 20_000
"""Characters of one reply, twenty minutes of speech: a mind that says more is cut there."""
MOST_CALLS = 64
"""Function calls of one reply; further ones are not made."""


class Answer:
    """A response in the making. Every method returns effects. To be forgotten once `done`."""

    def __init__(self, plan: Plan, conversation: ItemList, manner: Manner) -> None:
        self.plan = plan
        self.done = False
        self.asked = False
        """Whether the mind has been asked."""
        self.message: Message | None = None
        """What is said, once something is."""
        self.estimate = (0, 0)
        """(text, audio) tokens that the response takes in, as far as the engine can tell."""
        self._conversation = None if plan.conversation_id is None else conversation
        self._manner = manner
        self._output: list[Item] = []
        self._length = 0
        self._calls: list[Call] = []
        self._refused = False
        """Whether the mind wanted a function that is not offered."""
        self._thought: Done | None = None
        self._gave_up = False
        """Whether the mind failed."""
        self._closed = False
        """Whether the message is over."""

    @property
    def id(self) -> str:
        return self.plan.response_id

    def begin(self) -> list[Effect]:
        return [Emit(say.response_created(self._object("in_progress")))]

    # ── the mind ──

    def thought(self, thought: Thought) -> list[Effect]:
        """The mind goes on."""
        if self.done or self._thought is not None:
            return []
        match thought:
            case Words(text):
                return self._words(text)
            case Call(name):
                if not self._offered(name) or len(self._calls) >= MOST_CALLS:
                    self._refused = True
                else:
                    self._calls.append(thought)
                return []
            case Done():
                self._thought = thought
                effects = [] if self.message is None else self.message.end()
                return [*effects, *self._perhaps_finish()]

    def thoughtless(self, code: str, message: str) -> list[Effect]:
        """The mind failed."""
        self._gave_up = True
        return self.fail(code, message)

    def _words(self, text: str) -> list[Effect]:
        effects: list[Effect] = []
        message = self.message
        if message is None:
            text = text.lstrip()
            if not text:
                return []
            message = Message(self.plan, self._manner.phrasing)
            try:
                effects = [*self._add(message.item), *message.open()]
            except ProtocolFault as fault:
                return self.fail(fault.code, fault.message)
            self.message = message
        room = MOST_WORDS - self._length
        self._length += len(text)
        effects += message.add(text[:room])
        if len(text) <= room:
            return effects
        return [*effects, CancelThink(self.id), *self.thought(Done("max_output_tokens"))]

    # ── the voice ──

    def chunk(self, number: int, pcm: bytes) -> list[Effect]:
        """Audio of clause `number`, PCM16 24 kHz."""
        message = self._saying
        return [] if message is None else message.chunk(number, pcm)

    def spoke(self, number: int) -> list[Effect]:
        """Clause `number` has been synthesised."""
        message = self._saying
        return [] if message is None else [*message.spoke(number), *self._perhaps_finish()]

    # ── the end ──

    def cancel(self, reason: StatusReason) -> list[Effect]:
        """End it now; what was said so far stays, as incomplete."""
        return self._stop("cancelled", status_details("cancelled", reason=reason))

    def fail(self, code: str, message: str) -> list[Effect]:
        """End it because the engine cannot go on."""
        return self._stop("failed", status_details("failed", code=code, message=message))

    def _stop(self, status: ResponseStatus, details: dict[str, Any] | None) -> list[Effect]:
        effects: list[Effect] = []
        if self.asked and self._thought is None and not self._gave_up:
            effects.append(CancelThink(self.id))
        message = self._saying
        if message is not None and not message.said:
            effects.append(CancelSpeak(self.id))
        return [*effects, *self._close_message("incomplete"), *self._end(status, details)]

    def _perhaps_finish(self) -> list[Effect]:
        """Once everything is thought and said: the calls, and the end."""
        if self._thought is None or (self.message is not None and not self.message.said):
            return []
        cut = self._thought.cut
        effects = self._close_message("completed" if cut is None else "incomplete")
        if cut is not None:
            return [*effects, *self._end("incomplete", status_details("incomplete", reason=cut))]
        if self._refused and not self._output and not self._calls:
            return [*effects, *self.fail("unknown_tool", "The engine wanted a tool that is not offered.")]
        try:
            for call in self._calls:
                effects += self._call(call)
        except ProtocolFault as fault:
            return [*effects, *self.fail(fault.code, fault.message)]
        return [*effects, *self._end("completed", None)]

    def _end(self, status: ResponseStatus, details: dict[str, Any] | None) -> list[Effect]:
        self.done = True
        return [Emit(say.response_done(self._object(status, details)))]

    # ── items ──

    @property
    def _saying(self) -> Message | None:
        """The message while it is being said."""
        return None if self._closed else self.message

    def _close_message(self, status: str) -> list[Effect]:
        message = self._saying
        if message is None:
            return []
        self._closed = True
        return [*message.close(status), *self._item_done(message.item)]

    def _call(self, call: Call) -> list[Effect]:
        """One function call, whole: its arguments are known at once."""
        item: Item = {
            "id": new_id("item"),
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "name": call.name,
            "call_id": new_id("call"),
            "arguments": "",
        }
        effects = self._add(item)
        where = (self.id, item["id"], len(self._output) - 1, item["call_id"])
        item["arguments"], item["status"] = call.arguments, "completed"
        effects.append(Emit(say.response_arguments_delta(*where, call.arguments)))
        effects.append(Emit(say.response_arguments_done(*where, call.name, call.arguments)))
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

    def _offered(self, name: str) -> bool:
        return self.plan.tool_choice != "none" and any(tool["name"] == name for tool in self.plan.tools)

    # ── the response object ──

    def _object(self, status: ResponseStatus, details: dict[str, Any] | None = None) -> dict[str, Any]:
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
            usage=None if status == "in_progress" else self._usage(),
        )

    def _usage(self) -> Usage:
        if self._thought is not None and self._thought.usage is not None:
            return self._thought.usage
        text, audio = self.estimate
        words = sum(text_tokens(item.get("arguments") or "") for item in self._output)
        made_ms = 0
        if self.message is not None:
            words += text_tokens(self.message.words)
            made_ms = self.message.spoken.made_ms if self._manner.audio_tokens else 0
        return Usage(text, audio, output_text=words, output_audio=speech_tokens(made_ms))
