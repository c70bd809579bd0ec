"""Which replies a client-played call asks of its model, for whom, and when. Pure.

The conversation has one active reply. The model makes it of its own accord (a turn ended), or it is asked for: by a
client, by the gateway (a greeting, a farewell, the reply that uses a tool's result), or once more because its provider
was lost. A client that asks while a reply of its own runs is refused, as the protocol says; while one runs that it
could not know of, its own waits. Replies beside the conversation are in nobody's way.
"""

from __future__ import annotations

from typing import Any

from gateway.call.beside import Aside, Beside
from gateway.call.desk import Answer, Desk
from gateway.call.effects import Effect, ToLeg
from gateway.call.front import OWN_EVENT, Front
from gateway.call.parting import Parting
from gateway.call.reply import Replies
from gateway.call.spending import BUDGET_EXCEEDED, OVER_BUDGET_TOLD, Spending
from gateway.call.timing import Stopwatch
from gateway.call.toolwork import ToolWork
from gateway.errors import AGENT_HUNG_UP
from gateway.realtime.response import is_bridging, was_lost
from gateway.realtime.session import PCM
from personas.persona import Persona
from personas.prompt import say_exactly

__all__ = ["FIRST_S", "GREETING_S", "Asking"]

GREETING_S = 0.5
"""How long the greeting waits for a client that says nothing."""

FIRST_S = 0.15
"""How long it waits after the client's first message, which others may follow that make it out of place."""

RETRY_S = 0.5
"""Pause before a reply of ours that failed or was refused is asked for once more."""


class Asking:
    def __init__(
        self,
        persona: Persona,
        desk: Desk,
        front: Front,
        tools: ToolWork,
        spending: Spending,
        times: Stopwatch,
    ) -> None:
        self._persona = persona
        self._desk = desk
        self._front = front
        self._tools = tools
        self._spending = spending
        self._times = times
        self.replies = Replies()
        self.beside = Beside()
        self._greeting_at: float | None = None
        self._own: str | None = None
        """The `event_id` or, once there is one, the id of the reply that runs and that we asked for unasked."""
        self._held: tuple[dict[str, Any], Answer] | None = None
        """A client's reply that waits for tools, or for a reply that it could not know of, to end."""
        self._owed_from: float | None = None
        """A reply that we owe is asked for from then on."""
        self._format: dict[str, Any] | None = None
        """What the client wants the audio of the reply in that is asked for."""
        self._formats: dict[str, dict[str, Any]] = {}
        """The same of the replies that run; the others use the session's."""

    # ── who wants a reply ──

    def connected(self, now: float) -> None:
        """A client is there, who may be greeted."""
        if self._persona.greeting:
            self._greeting_at = now + GREETING_S

    def message(self, now: float) -> None:
        """The client says something: it need not be waited for much longer."""
        if self._greeting_at is not None:
            self._greeting_at = min(self._greeting_at, now + FIRST_S)

    def led(self) -> None:
        """The client or the caller leads the conversation: nobody is greeted any more."""
        self._greeting_at = None

    def client(self, answer: Answer, out: list[Effect]) -> None:
        """A client asks for a reply. It is asked for at the next `settle`, unless it has to wait."""
        self.led()
        reply = answer.reply or {}
        if self._spending.over:
            out.append(self._front.fault(answer.sender, BUDGET_EXCEEDED, OVER_BUDGET_TOLD))
        elif reply.get("conversation") == "none":
            self._aside(reply, answer, out)
        elif self._held is not None or (
            self.replies.alive and self._own is None and not self.replies.asked_again
        ):
            out.append(self._desk.already_active(answer, self.replies.active))
        else:
            self._held = (reply, answer)
            self._owed_from = None

    def _aside(self, reply: dict[str, Any], answer: Answer, out: list[Effect]) -> None:
        if self.beside.full:
            told = "Too many responses beside the conversation are running."
            code, kind = "rate_limit_exceeded", "rate_limit_error"
            out.append(self._front.fault(answer.sender, code, told, kind=kind))
            return
        params, audio_format = _without_format(reply)
        # The server's tools are the conversation's.
        params.setdefault("tools", self._desk.session["tools"])
        out += self.beside.ask(Aside(params, audio_format), self._front.marks.stamp(answer.sender))

    def cancel(self, answer: Answer, out: list[Effect]) -> bool:
        """A client cancels. True when it was the active reply."""
        named = answer.cancelled_id
        if named is not None and named in self.beside:
            out += self.beside.cancelled(named)
            out.append(self._desk.forwarded({"type": "response.cancel"}, answer, named))
        elif self.replies.alive and named in (None, self.replies.active):
            out += self.replies.kill()
            return True
        elif self._held is not None and named is None:
            told = "The response was cancelled before it began."
            self._turn_down("response_cancelled", told, out)
        else:
            out.append(self._desk.nothing_to_cancel(answer))
        return False

    def result(self, after_s: float | None, now: float, parting: Parting) -> None:
        """A tool's result is there: the reply that uses it is owed, by us after so many seconds. After a hang-up
        nothing more is to be said but the farewell."""
        if after_s is not None and self._held is None and parting.ending is not AGENT_HUNG_UP:
            self._owed_from = now + after_s

    def spent(self, out: list[Effect]) -> None:
        """The budget is spent: nothing more is asked for."""
        self._owed_from = self._greeting_at = self.replies.wanted = None
        if self._held is not None:
            self._turn_down(BUDGET_EXCEEDED, OVER_BUDGET_TOLD, out)

    def _turn_down(self, code: str, told: str, out: list[Effect]) -> None:
        """The reply that waits will not be asked for."""
        if self._held is not None:
            (_, answer), self._held = self._held, None
            out.append(self._front.fault(answer.sender, code, told))

    # ── asking ──

    def greet(self, now: float, out: list[Effect]) -> None:
        """Greet, when it is time."""
        if self._greeting_at is None or now < self._greeting_at:
            return
        self._greeting_at = None
        words = self._persona.greeting
        if words and self.replies.idle and self._held is None and not self._desk.rewritten:
            self._ask({"instructions": say_exactly(words)}, now, out)

    def succeed(self, persona: Persona, now: float, out: list[Effect]) -> None:
        """Another agent takes over. A client that pushes to talk asks for its replies itself, and is greeted too."""
        self._persona = persona
        self._greeting_at = None
        words = persona.taking_over or persona.greeting
        if not self._spending.over:
            self._ask({"instructions": say_exactly(words)} if words else {}, now, out)

    def settle(self, now: float, parting: Parting, out: list[Effect]) -> bool:
        """Ask for the reply that somebody wants, if it can be asked for. True when nobody wants one and none runs."""
        if self._tools.running or not self.replies.idle:
            return False
        if self._spending.over:
            self._owed_from = None
        if self._held is not None:
            (reply, answer), self._held = self._held, None
            params, self._format = _without_format(reply)
            out += self.replies.ask(params, now, event_id=self._front.marks.stamp(answer.sender))
            return False
        if parting.farewell_due:
            parting.farewell_due = False
            self._ask({"instructions": say_exactly(self._persona.farewell)}, now, out)
            return False
        if self._owed_from is not None and now >= self._owed_from:
            self._ask({}, now, out)
        return self._owed_from is None and self.replies.idle

    def _ask(self, params: dict[str, Any], now: float, out: list[Effect]) -> None:
        """Ask for a reply that no client asked for."""
        self._owed_from = self._format = None
        self._times.asked()
        out += self.replies.ask(params, now)
        self._own = self.replies.asked_event

    # ── what the model says of them ──

    def created(self, response: dict[str, Any], now: float, out: list[Effect]) -> None:
        response_id = response["id"]
        if response.get("conversation_id", "") is None:
            beside = self.beside.created(response)
            if beside is not None:
                aside = self.beside.of(response_id)
                if aside is not None and aside.audio_format is not None:
                    self._formats[response_id] = aside.audio_format
                out += beside
                return
        self.led()
        bridging = is_bridging(response)
        asked = self.replies.asked_event
        out += self.replies.created(response_id, now, bridging=bridging)
        if bridging or asked is None:
            if self._spending.over and not bridging:
                out += self.replies.kill()
            return
        self._own = response_id if asked == self._own else None
        if self._format is not None:
            self._formats[response_id], self._format = self._format, None

    def done(self, response: dict[str, Any], now: float, parting: Parting, out: list[Effect]) -> None:
        response_id = response["id"]
        lost = was_lost(response) and not self._spending.over
        if response_id in self.beside:
            out += self.beside.done(response_id, lost=lost)
            return
        failed = response.get("status") == "failed" and not lost
        # What its tools answer asks for the rest by itself.
        again = lost and not self._tools.called(response_id)
        if again:
            self._format = self._formats.get(response_id)
        out += self.replies.done(response_id, now, failed=failed, again=again)
        if response_id == self._own:
            self._own = None
            if failed and self.replies.failures == 1 and parting.ending is None:
                self._owed_from = now + RETRY_S

    def refused(self, error: dict[str, Any], now: float, out: list[Effect]) -> None:
        """The model answered something with an error; it may have been an asking."""
        event_id, code = error.get("event_id") or "", error.get("code") or ""
        self.beside.refused(event_id)
        ours = event_id.startswith(OWN_EVENT)
        asked = event_id == self.replies.asked_event
        out += self.replies.refused(event_id, code, now)
        if asked:
            # Whoever asked was told, and asks again if it likes. What we owe is owed still.
            self.replies.wanted = None
            self.replies.failures = 0
        if ours and event_id == self._own:
            self._own = None
        if ours and code == "conversation_already_has_active_response" and self.replies.params == {}:
            self._owed_from = now + RETRY_S

    def dressed(self, sent: ToLeg) -> ToLeg:
        """A `response.created` or `response.done` with the audio format that the client hears it in."""
        response = sent.event["response"]
        output = self._desk.session["audio"]["output"]
        audio_format = self._formats.get(response["id"], output["format"])
        if sent.event["type"] == "response.done":
            self._formats.pop(response["id"], None)
        told = {"voice": output["voice"], **((response.get("audio") or {}).get("output") or {})}
        audio = {"output": {**told, "format": audio_format}}
        return ToLeg({**sent.event, "response": {**response, "audio": audio}}, sent.to)


def _without_format(reply: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The parameters for the model, whose audio is always PCM, and the format that the client wants."""
    output = (reply.get("audio") or {}).get("output") or {}
    audio_format = output.get("format")
    if audio_format is None:
        return dict(reply), None
    rest = {k: v for k, v in output.items() if k != "format"}
    params = {k: v for k, v in reply.items() if k != "audio"}
    if rest:
        params["audio"] = {"output": rest}
    return params, dict(PCM) if audio_format["type"] == PCM["type"] else audio_format
