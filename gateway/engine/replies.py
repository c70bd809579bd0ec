"""The responses of a session: one at a time in the conversation, a few beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from gateway.engine.answer import Answer
from gateway.engine.effects import Effect, Think
from gateway.engine.manner import Manner
from gateway.engine.memory import Memory
from gateway.engine.mind import Request, Thought
from gateway.engine.plan import Plan
from gateway.engine.tokens import input_tokens, words_within
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.response import StatusReason
from personas.persona import Persona
from personas.prompt import said_exactly

__all__ = ["ASIDES", "Replies"]

ASIDES = 8
"""Out-of-band responses at once; the next is refused."""


class Replies:
    """Begins answers, asks the mind as soon as the ears are done, and forgets answers that ended."""

    def __init__(
        self, persona: Persona, memory: Memory, manner: Manner, wall: Callable[[float], datetime]
    ) -> None:
        self.active: Answer | None = None
        self._asides: dict[str, Answer] = {}
        self._persona = persona
        self._memory = memory
        self._manner = manner
        self._wall = wall

    def begin(self, plan: Plan, now: float) -> list[Effect]:
        """Raises ProtocolFault when one already runs, or too many do."""
        if plan.conversation_id is None:
            if len(self._asides) >= ASIDES:
                told = f"At most {ASIDES} out-of-band responses run at once."
                raise ProtocolFault("rate_limit_exceeded", told)
        elif self.active is not None:
            told = f"Conversation already has an active response in progress: {self.active.id}."
            raise ProtocolFault("conversation_already_has_active_response", told)
        answer = Answer(plan, self._memory.items, self._manner)
        if plan.conversation_id is None:
            self._asides[answer.id] = answer
        else:
            self.active = answer
        return [*answer.begin(), *self.think(now)]

    def think(self, now: float) -> list[Effect]:
        """Have the mind asked for every answer that waited for the ears and need not any longer."""
        return [self._ask(each, now) for each in self._all() if not each.asked and not self._waits(each)]

    def thought(self, answer: Answer, thought: Thought) -> list[Effect]:
        """The mind goes on with an answer."""
        effects = answer.thought(thought)
        if answer.message is not None and answer.plan.conversation_id is not None:
            self._memory.spoken[answer.message.id] = answer.message.spoken
        return effects

    def find(self, response_id: str) -> Answer | None:
        if self.active is not None and self.active.id == response_id:
            return self.active
        return self._asides.get(response_id)

    def cancel(self, response_id: str | None, reason: StatusReason) -> list[Effect]:
        """Raises ProtocolFault when there is nothing to cancel."""
        answer = self.active if response_id is None else self.find(response_id)
        if answer is None:
            raise ProtocolFault(
                "response_cancel_not_active", "Cancellation failed: no active response found"
            )
        effects = answer.cancel(reason)
        self.settle(answer)
        return effects

    def settle(self, answer: Answer) -> None:
        """Forget the answer if it has ended."""
        if not answer.done:
            return
        self._asides.pop(answer.id, None)
        if self.active is answer:
            self.active = None

    def _all(self) -> Iterator[Answer]:
        if self.active is not None:
            yield self.active
        yield from list(self._asides.values())

    def _waits(self, answer: Answer) -> bool:
        """For the ears: words that are settled do not depend on what they hear."""
        if said_exactly(answer.plan.response_instructions) is not None:
            return False
        context = answer.plan.context
        items = self._memory.items if context is None else context
        return bool(self._memory.pending) and any(item["id"] in self._memory.pending for item in items)

    def _ask(self, answer: Answer, now: float) -> Think:
        plan = answer.plan
        conversation = self._memory.view(plan.context)
        sounds = self._memory.audio_ms if self._manner.audio_tokens else {}
        answer.estimate = input_tokens(plan.instructions, plan.tools, conversation, sounds)
        answer.asked = True
        limit = plan.max_output_tokens if isinstance(plan.max_output_tokens, int) else None
        if limit is not None and self._manner.audio_tokens and not plan.text:
            limit = words_within(limit)
        request = Request(
            conversation=conversation,
            instructions=plan.instructions,
            tools=plan.tools,
            tool_choice=plan.tool_choice,
            now=self._wall(now),
            persona=self._persona,
            heard=dict(self._memory.heard),
            response_instructions=plan.response_instructions,
            max_output_tokens=limit,
            parallel_tool_calls=plan.parallel_tool_calls,
        )
        return Think(answer.id, request)
