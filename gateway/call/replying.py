"""The replies of a gateway-played call: asked for, failed, asked for again, and what each client may ask. Pure."""

from __future__ import annotations

from typing import Any

from gateway.call.bargein import BargeIn
from gateway.call.desk import Answer
from gateway.call.effects import Effect, Time, ToModel
from gateway.call.leaving import Leaving
from gateway.call.owed import Owed
from gateway.call.parts import Parts
from gateway.call.spending import BUDGET_EXCEEDED, OVER_BUDGET_TOLD
from gateway.call.turn import Cue
from gateway.errors import AGENT_HUNG_UP, MODEL_LOST, OVER_BUDGET
from gateway.realtime.response import is_bridging, was_lost
from personas.prompt import say_exactly

__all__ = ["Replying"]

MOST_FAILURES = 1
"""Replies in a row that the model may fail before the call is given up."""

RETRY_S = 0.5
"""Pause before a failed reply is asked for again."""


class Replying:
    def __init__(self, parts: Parts, owed: Owed, bargein: BargeIn, leaving: Leaving) -> None:
        self._owed = owed
        self._bargein = bargein
        self._leaving = leaving
        self._desk = parts.desk
        self._front = parts.front
        self._parting = parts.parting
        self._replies = parts.replies
        self._speech = parts.speech
        self._spending = parts.spending
        self._times = parts.times
        self._tools = parts.tools
        self._out_of_band: set[str] = set()
        """Responses that a client asked for beside the conversation."""

    # ── asked for ──

    def ask(
        self, response: dict[str, Any], now: float, out: list[Effect], *, event_id: str | None = None
    ) -> None:
        self._times.asked()
        self._owed.settled()
        out += self._replies.ask(response, now, event_id=event_id)
        self._bargein.cue(Cue.OWED, now, out)

    def say(self, words: str, now: float, out: list[Effect]) -> None:
        self.ask({"instructions": say_exactly(words)}, now, out)

    def fill(self, words: str, now: float, out: list[Effect]) -> None:
        """Say this while tools run; what is owed beside stays so. No tool is called by it."""
        out += self._replies.ask({"instructions": say_exactly(words), "tool_choice": "none"}, now)
        self._bargein.cue(Cue.OWED, now, out)

    def go_on(self, after_s: float | None, now: float) -> None:
        """A tool's result is there: the reply that uses it is owed. After a hang-up nothing more is to be said but
        the farewell."""
        if after_s is not None and self._owed.held is None and self._parting.ending is not AGENT_HUNG_UP:
            self._owed.owe(now, after_s=after_s)

    def client_asks(self, reply: dict[str, Any], answer: Answer, now: float, out: list[Effect]) -> None:
        if self._spending.over:
            out.append(self._front.fault(answer.sender, BUDGET_EXCEEDED, OVER_BUDGET_TOLD))
        elif reply.get("conversation") == "none":
            event_id = self._front.marks.stamp(answer.sender)
            out.append(ToModel({"type": "response.create", "event_id": event_id, "response": reply}))
        elif self._replies.alive or self._owed.held is not None:
            out.append(self._desk.already_active(answer, self._replies.active))
        elif self._tools.running:
            # The model needs their results first; then this reply is the one that uses them.
            self._owed.held = (reply, self._front.marks.stamp(answer.sender))
            self._owed.settled()
        else:
            self.ask(reply, now, out, event_id=self._front.marks.stamp(answer.sender))

    def client_cancels(self, answer: Answer, out: list[Effect]) -> None:
        if answer.cancelled_id in self._out_of_band:
            out.append(self._desk.forwarded({"type": "response.cancel"}, answer, answer.cancelled_id))
        elif self._replies.alive:
            out += self._replies.kill()
        else:
            out.append(self._desk.nothing_to_cancel(answer))

    # ── made ──

    def created(self, response: dict[str, Any], now: float, out: list[Effect]) -> None:
        """The model makes a reply, or a response beside the conversation."""
        if response.get("conversation_id", "") is None:
            self._out_of_band.add(response["id"])
            return
        unasked = self._replies.asked_event is None and not is_bridging(response)
        out += self._replies.created(response["id"], now, bridging=is_bridging(response))
        if self._spending.over and unasked:
            out += self._replies.kill()

    def first_frame(self, response_id: str, now: float, out: list[Effect]) -> None:
        timing = self._times.first_frame(
            response_id, now, last_speech=self._speech.last_at, asked=self._replies.asked_at
        )
        if timing is not None:
            out.append(Time(timing))

    def reply_done(self, response: dict[str, Any], now: float, out: list[Effect]) -> None:
        response_id = response["id"]
        if response_id in self._out_of_band:
            self._out_of_band.discard(response_id)
            return
        lost = was_lost(response)
        out += self._replies.done(
            response_id, now,
            # A farewell that is still to be asked for has not failed.
            failed=response.get("status") == "failed" and not lost
            and not (self._spending.over and self._parting.farewell_due),
            # What its tools answer asks for the rest by itself.
            again=lost and not self._spending.over and not any(
                item.get("type") == "function_call" and item.get("status") == "completed"
                for item in response.get("output") or []
            ),
        )  # fmt: skip
        self.try_again(now, out)

    def try_again(self, now: float, out: list[Effect]) -> None:
        """After a reply that came to nothing: once more, and then no longer."""
        if self._replies.failures > (0 if self._parting.ending else MOST_FAILURES):
            self._leaving.end(self._parting.ending or MODEL_LOST, now, out)
        elif self._replies.failures and self._replies.idle:
            self._owed.owe(now, after_s=RETRY_S)

    # ── no more ──

    def mind_the_budget(self, now: float, out: list[Effect]) -> None:
        """A spent budget ends the call: what runs is said to its end, then the farewell."""
        before = self._parting.ending
        if not self._spending.over or before is OVER_BUDGET:
            return
        if before is None:
            self._replies.wanted = None
        self._owed.settled()
        if self._owed.held is not None:
            (_, event_id), self._owed.held = self._owed.held, None
            sender = self._front.marks.sender(event_id)
            if sender is not None:
                out.append(self._front.fault(sender, BUDGET_EXCEEDED, OVER_BUDGET_TOLD))
        self._parting.decide(OVER_BUDGET, now, farewell_due=before is None or self._parting.farewell_due)
