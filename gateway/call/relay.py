"""The call core of client-played legs: events and time in, effects out. Pure, deterministic, no I/O.

The client plays the audio itself, so the model takes the turns as the client asked, deltas go out as they come, and
only the client knows what was heard. What is left to do here: the policy, the server's tools, one active reply,
replies asked for again when their provider is lost, the greeting, the transcript, the limits. The inputs and effects
are those of `core.Core`, which is for gateway-played legs.

What must hold whatever comes (tests/call/test_relay_properties.py): one active reply in the conversation; every
`response.created` has its `response.done`; each fault is told to whose event it is about; nothing follows `End`.
"""

from __future__ import annotations

from typing import Any

from gateway.call.beside import Aside, Beside
from gateway.call.desk import Answer, Desk, Truncation
from gateway.call.effects import Effect, End, Note, RunTool, Time, ToLeg, ToModel
from gateway.call.front import OWN_EVENT, Front
from gateway.call.inputs import (
    LEG,
    AudioBegan,
    AudioCame,
    ChannelOpened,
    ClientSent,
    Connected,
    HandOverAsked,
    HangUpAsked,
    LegInput,
    Lost,
    Played,
    SidebandJoined,
    SpeechEnded,
    SpeechStarted,
    ToolFinished,
)
from gateway.call.parting import Parting, is_goodbye
from gateway.call.postmarks import Sender
from gateway.call.reckoning import Reckoning
from gateway.call.reply import Replies
from gateway.call.scribe import Scribe
from gateway.call.sessions import CoreSettings, transcriber
from gateway.call.spending import BUDGET_EXCEEDED, OVER_BUDGET_TOLD, Spending
from gateway.call.timing import Stopwatch
from gateway.call.toolwork import ToolWork
from gateway.errors import AGENT_HUNG_UP, CALLER_SILENT, HANDED_OVER, OVER_BUDGET, TOO_LONG, Ending
from gateway.ports import Event
from gateway.realtime.response import is_bridging, was_lost
from personas.prompt import say_exactly

__all__ = ["GREETING_S", "SILENT_S", "RelayCore"]

SILENT_S = 900.0
"""A client that sends nothing at all for so long is gone, whatever its socket says."""

GREETING_S = 0.5
"""How long the greeting waits for a client that says nothing."""

FIRST_S = 0.15
"""How long it waits after the client's first message, which others may follow that make it out of place."""

RETRY_S = 0.5
"""Pause before a reply of ours that failed is asked for once more."""

TRANSCRIPTION = "conversation.item.input_audio_transcription."


class RelayCore:
    def __init__(self, settings: CoreSettings, now: float) -> None:
        self._settings = settings
        self._persona = settings.persona
        self._began = self._sign_at = now
        self._ended = False
        self._front = Front(frozenset(t["name"] for t in settings.server_tools))
        self._desk = Desk(settings, self._front, plays=False)
        self._scribe = Scribe(settings.call_id, estimates=True)
        self._replies = Replies()
        self._beside = Beside()
        self._reckoning = Reckoning()
        self._tools = ToolWork()
        self._parting = Parting()
        self._spending = Spending(settings.call_id, settings.tariff, settings.budget_usd)
        self._times = Stopwatch()
        self._turn_at: float | None = None
        """When the caller's last turn ended, as the model told."""
        self._greeting_at: float | None = None
        self._own: str | None = None
        """The `event_id` or, once there is one, the id of the reply that runs and that we asked for unasked."""
        self._held: tuple[dict[str, Any], Answer] | None = None
        """A client's reply that waits for tools, or for a reply of ours, to end."""
        self._owed_from: float | None = None
        """A reply that we owe is asked for from then on."""
        self._format: dict[str, Any] | None = None
        """What the client wants the audio of the reply in that is asked for."""
        self._formats: dict[str, dict[str, Any]] = {}
        """The same of the replies that run; the others use the session's."""

    @property
    def session(self) -> dict[str, Any]:
        """The session as the client sees it."""
        return self._desk.session

    # ── inputs ──

    def answering(self, model: str, provider: str = "") -> None:
        """The model of this name answers from now on."""
        self._desk.session["model"] = model
        self._spending.answering(provider, model)

    def leg(self, event: LegInput, now: float) -> list[Effect]:
        """Something happened at the caller's end."""
        if self._ended:
            return []
        out: list[Effect] = []
        match event:
            case ChannelOpened():
                out += self._welcome(now)
            case ClientSent(message, origin):
                self._sign_at = now
                self._client_sent(message, origin, now, out)
                self._settle(now, out)
            case SidebandJoined(origin):
                out.append(ToLeg(self._desk.greeting(), to=origin))
            case AudioCame():
                self._sign_at = now
            case AudioBegan(response_id, item_id):
                self._audio_began(response_id, item_id, now, out)
            case Played(items):
                for item in items:
                    self._reckoning.sent(item.item_id, item.sent_ms)
            case Lost(ending):
                self._end(ending, now, out)
            case Connected() | SpeechStarted() | SpeechEnded():
                pass
        return out

    def model(self, event: Event, now: float) -> list[Effect]:
        """The model sent an event. Types that change no state here pass through to the client untouched."""
        if self._ended:
            return []
        out: list[Effect] = []
        shown = self._front.model(event)
        match event["type"]:
            case "input_audio_buffer.speech_started":
                self._speech_started(event["item_id"], now, out)
            case "input_audio_buffer.speech_stopped":
                self._scribe.user_stopped(event["item_id"], self._ms(now))
                self._turn_at = now
            case "input_audio_buffer.committed":
                self._committed(event["item_id"], now, out)
            case "conversation.item.input_audio_transcription.completed":
                out += self._spending.transcription(event.get("usage"), transcriber(self._desk.session))
                self._mind_the_budget(now, out)
                self._words(event, now, out)
            case "response.created":
                self._created(event["response"], now, out)
            case "response.output_audio.done":
                self._reckoning.completed(event["item_id"])
            case "response.output_item.done":
                self._tool_called(event, out)
            case "response.done":
                out += self._spending.response(event["response"])
                self._mind_the_budget(now, out)
                self._response_done(event["response"], now, out)
            case "error":
                self._refused(event.get("error") or {}, now, out)
            case _:
                aside = self._beside.of(event.get("response_id"))
                if aside is None or not aside.silent:
                    out += self._scribe.follow(event, self._ms(now))
        out[:0] = self._outward(shown)
        if event["type"] in ("response.done", "error"):
            self._settle(now, out)
        return out

    def tool(self, event: ToolFinished, now: float) -> list[Effect]:
        """A tool ended: the model gets its output, and is asked to go on once no other tool runs."""
        if self._ended or event.tool_call_id not in self._tools.running:
            return []
        shown = self._front.tool_finished(event.tool_call_id, event.output, ok=event.ok)
        out: list[Effect] = [*self._outward([ToLeg(e) for e in shown])]
        item = {"type": "function_call_output", "call_id": event.tool_call_id, "output": event.output}
        event_id = f"{OWN_EVENT}output_{event.tool_call_id}"[:512]
        out.append(ToModel({"type": "conversation.item.create", "event_id": event_id, "item": item}))
        self._go_on(self._tools.ended(event.tool_call_id), now)
        self._settle(now, out)
        return out

    def control(self, event: HangUpAsked | HandOverAsked, now: float) -> list[Effect]:
        """A tool wants the call to end, once the agent has been heard."""
        if self._ended:
            return []
        if isinstance(event, HandOverAsked):
            self._parting.decide(HANDED_OVER, now)
        else:
            speakers = {line.response_id for line in self._scribe.agent.values()}
            silent = bool(set(self._tools.running.values()) - speakers)
            self._parting.decide(AGENT_HUNG_UP, now, farewell_due=silent)
        return []

    def tick(self, now: float) -> list[Effect]:
        """Time passed: deadlines and decisions that wait for it. Called every 50 ms or so."""
        if self._ended:
            return []
        out: list[Effect] = []
        for item_id in self._scribe.open_items():
            out += self._scribe.played(self._reckoning.of(item_id, now), self._ms(now))
        if self._greeting_at is not None and now >= self._greeting_at:
            self._greet(now, out)
        overdue = self._parting.overdue(now)
        if now - self._began >= self._persona.limits.length_s:
            self._end(TOO_LONG, now, out)
        elif now - self._sign_at >= SILENT_S:
            self._end(CALLER_SILENT, now, out)
        elif overdue is not None:
            self._end(overdue, now, out)
        else:
            self._settle(now, out)
        return out

    # ── the caller ──

    def _speech_started(self, item_id: str, now: float, out: list[Effect]) -> None:
        self._greeting_at = None
        self._scribe.user_began(item_id, self._ms(now))
        self._times.onset()
        if self._desk.interrupts:
            self._cut(self._scribe.open_items(), now, out)

    def _committed(self, item_id: str, now: float, out: list[Effect]) -> None:
        self._greeting_at = None
        self._scribe.user_began(item_id, self._ms(now))
        out.append(Note("turns"))
        if self._turn_at is None or self._times.committed_at is not None:
            self._turn_at = now
        self._times.committed(now)

    def _words(self, event: Event, now: float, out: list[Effect]) -> None:
        text = event.get("transcript") or ""
        out += self._scribe.user_said(event["item_id"], text, self._ms(now), final=True)
        if text.strip() and not is_goodbye(text):
            self._parting.revoke()

    def _cut(self, item_ids: list[str], now: float, out: list[Effect]) -> None:
        """The client stops playing these, if it obeys the protocol; how much of them it had played is reckoned."""
        cut = False
        for item_id in item_ids:
            progress = self._reckoning.of(item_id, now)
            if progress.drained:
                continue
            # The scribe has to know the figures before it divides the words.
            out += self._scribe.played(progress, self._ms(now))
            out += self._scribe.interrupted(item_id, progress.heard_ms, self._ms(now))
            cut = True
        if cut:
            out.append(Note("interruptions"))

    def _truncate(self, truncation: Truncation, sender: Sender, now: float, out: list[Effect]) -> None:
        """The client tells how much of an item it played: no more than it was sent."""
        item_id, end_ms = truncation.item_id, truncation.audio_end_ms
        sent_ms = self._reckoning.sent_ms(item_id)
        if sent_ms is not None and truncation.content_index != 0:
            told = f"Item '{item_id}' has no audio at content index {truncation.content_index}."
            out.append(self._front.fault(sender, "invalid_value", told, param="content_index"))
            return
        if sent_ms is not None and end_ms > sent_ms:
            told = f"Audio content of {sent_ms}ms is already shorter than {end_ms}ms."
            out.append(self._front.fault(sender, "invalid_value", told, param="audio_end_ms"))
            return
        # An item without audio is the model's to judge: it knows all of them.
        out.append(ToModel(truncation.event))
        if sent_ms is None:
            return
        line = self._scribe.agent[item_id]
        if not line.interrupted:
            out.append(Note("interruptions"))
        if not line.closed:
            out += self._scribe.played(self._reckoning.of(item_id, now), self._ms(now))
        out += self._scribe.told(item_id, end_ms, self._ms(now))
        self._reckoning.cut(item_id, end_ms)

    # ── replies ──

    def _audio_began(self, response_id: str, item_id: str, now: float, out: list[Effect]) -> None:
        self._desk.spoken = True
        self._reckoning.began(item_id, response_id, now)
        self._scribe.agent_began(item_id, response_id, self._ms(now))
        self._scribe.agent[item_id].begun = True
        self._parting.speaking(now)
        self._times.audio(now)
        timing = self._times.first_frame(
            response_id, now, last_speech=self._turn_at, asked=self._replies.asked_at
        )
        if timing is not None:
            out.append(Time(timing))

    def _created(self, response: dict[str, Any], now: float, out: list[Effect]) -> None:
        response_id = response["id"]
        if response.get("conversation_id", "") is None:
            beside = self._beside.created(response)
            if beside is not None:
                aside = self._beside.of(response_id)
                if aside is not None and aside.audio_format is not None:
                    self._formats[response_id] = aside.audio_format
                out += beside
                return
        self._greeting_at = None
        bridging = is_bridging(response)
        asked = self._replies.asked_event
        out += self._replies.created(response_id, now, bridging=bridging)
        if bridging or asked is None:
            if self._spending.over and not bridging:
                out += self._replies.kill()
            return
        self._own = response_id if asked == self._own else None
        if self._format is not None:
            self._formats[response_id], self._format = self._format, None

    def _response_done(self, response: dict[str, Any], now: float, out: list[Effect]) -> None:
        response_id, lost = response["id"], was_lost(response)
        items = self._reckoning.over(response_id)
        if response.get("status") == "cancelled":
            self._cut([i for i in items if not self._scribe.agent[i].closed], now, out)
        if self._spending.over:
            lost = False
        if response_id in self._beside:
            out += self._beside.done(response_id, lost=lost)
            return
        failed = response.get("status") == "failed" and not lost
        # What its tools answer asks for the rest by itself.
        again = lost and not self._tools.called(response_id)
        if again:
            self._format = self._formats.get(response_id)
        out += self._replies.done(response_id, now, failed=failed, again=again)
        if response_id == self._own:
            self._own = None
            if failed and self._replies.failures == 1 and self._parting.ending is None:
                self._owed_from = now + RETRY_S

    def _refused(self, error: dict[str, Any], now: float, out: list[Effect]) -> None:
        event_id, code = error.get("event_id") or "", error.get("code") or ""
        self._beside.refused(event_id)
        ours = event_id.startswith(OWN_EVENT)
        asked = event_id == self._replies.asked_event
        out += self._replies.refused(event_id, code, now)
        if asked:
            # Whoever asked was told, and asks again if it likes. What we owe is owed still.
            self._replies.wanted = None
            self._replies.failures = 0
        if ours and event_id == self._own:
            self._own = None
        if ours and code == "conversation_already_has_active_response" and self._replies.params == {}:
            self._owed_from = now

    def _client_sent(self, message: str, origin: int, now: float, out: list[Effect]) -> None:
        self._desk.speaking = not self._replies.idle
        answer = self._desk.receive(message, self._scribe, origin)
        out += answer.effects
        if self._greeting_at is not None and origin == LEG:
            self._greeting_at = min(self._greeting_at, now + FIRST_S)
        if self._desk.rewritten or any(_adds(effect) for effect in answer.effects):
            self._greeting_at = None
        if answer.truncation is not None:
            self._truncate(answer.truncation, answer.sender, now, out)
        if answer.cancel:
            self._cancel(answer, now, out)
        if answer.given is not None:
            self._go_on(self._tools.given(answer.given), now)
        if answer.reply is not None:
            self._greeting_at = None
            self._client_asks(answer.reply, answer, now, out)

    def _cancel(self, answer: Answer, now: float, out: list[Effect]) -> None:
        named = answer.cancelled_id
        if named is not None and named in self._beside:
            out += self._beside.cancelled(named)
            out.append(self._desk.forwarded({"type": "response.cancel"}, answer, named))
        elif self._replies.alive and named in (None, self._replies.active):
            self._cut(self._scribe.open_items(), now, out)
            out += self._replies.kill()
        elif self._held is not None and named is None:
            (_, held), self._held = self._held, None
            told = "The response was cancelled before it began."
            out.append(self._front.fault(held.sender, "response_cancelled", told))
        else:
            out.append(self._desk.nothing_to_cancel(answer))

    def _client_asks(self, reply: dict[str, Any], answer: Answer, now: float, out: list[Effect]) -> None:
        if self._spending.over:
            out.append(self._front.fault(answer.sender, BUDGET_EXCEEDED, OVER_BUDGET_TOLD))
        elif reply.get("conversation") == "none":
            self._ask_beside(reply, answer, out)
        elif self._held is not None or (
            self._replies.alive and self._own is None and not self._replies.asked_again
        ):
            out.append(self._desk.already_active(answer, self._replies.active))
        else:
            # Asked for at once, unless tools have to end first, or a reply that no client knows it asked for: one of
            # ours, or one that is asked for again because its provider was lost.
            self._held = (reply, answer)
            self._owed_from = None

    def _ask_beside(self, reply: dict[str, Any], answer: Answer, out: list[Effect]) -> None:
        if self._beside.full:
            told = "Too many responses beside the conversation are running."
            out.append(
                self._front.fault(answer.sender, "rate_limit_exceeded", told, kind="rate_limit_error")
            )
            return
        params, audio_format = _without_format(reply)
        # The server's tools are the conversation's.
        params.setdefault("tools", self._desk.session["tools"])
        out += self._beside.ask(Aside(params, audio_format), self._front.marks.stamp(answer.sender))

    def _settle(self, now: float, out: list[Effect]) -> None:
        """Whether a reply that somebody wants can be asked for, and whether the call is over."""
        if self._ended or self._tools.running or not self._replies.idle:
            return
        if self._spending.over:
            self._owed_from = None
        if self._held is not None:
            (reply, answer), self._held = self._held, None
            params, self._format = _without_format(reply)
            out += self._replies.ask(params, now, event_id=self._front.marks.stamp(answer.sender))
        elif self._parting.farewell_due:
            self._parting.farewell_due = False
            self._ask({"instructions": say_exactly(self._persona.farewell)}, now, out)
        elif self._owed_from is not None and now >= self._owed_from:
            self._ask({}, now, out)
        elif self._parting.ending is not None and self._owed_from is None and not self._scribe.open_items():
            self._end(self._parting.ending, now, out)

    def _ask(self, params: dict[str, Any], now: float, out: list[Effect]) -> None:
        """Ask for a reply that no client asked for."""
        self._owed_from = self._format = None
        self._times.asked()
        out += self._replies.ask(params, now)
        self._own = self._replies.asked_event

    def _greet(self, now: float, out: list[Effect]) -> None:
        self._greeting_at = None
        words = self._persona.greeting
        if words and self._replies.idle and self._held is None and not self._desk.rewritten:
            self._ask({"instructions": say_exactly(words)}, now, out)

    # ── tools ──

    def _tool_called(self, event: Event, out: list[Effect]) -> None:
        item = event["item"]
        if item.get("type") != "function_call" or item.get("status") != "completed":
            return
        ours = self._desk.runs(item["name"])
        if not ours and event["response_id"] in self._beside:
            return
        self._tools.began(item["call_id"], event["response_id"], ours=ours)
        if ours:
            out.append(Note("tool_calls"))
            out.append(RunTool(item["call_id"], item["name"], item.get("arguments") or "{}"))

    def _go_on(self, after_s: float | None, now: float) -> None:
        """A tool's result is there: the reply that uses it is owed. After a hang-up nothing more is to be said but
        the farewell."""
        if after_s is not None and self._held is None and self._parting.ending is not AGENT_HUNG_UP:
            self._owed_from = now + after_s

    # ── the clients ──

    def _welcome(self, now: float) -> list[Effect]:
        if self._persona.greeting:
            self._greeting_at = now + GREETING_S
        events = [self._desk.greeting()]
        if self._settings.server_tools:
            events += self._front.list_tools(list(self._settings.server_tools))
        return [*self._desk.opening, *(ToLeg(e) for e in events)]

    def _outward(self, shown: list[ToLeg]) -> list[ToLeg]:
        """The model's events as the client asked for them: in its audio format, and without the transcription that
        only the record needs."""
        return [self._dressed(sent) for sent in shown if not self._hidden(sent.event)]

    def _hidden(self, event: Event) -> bool:
        wanted: object = self._desk.session["audio"]["input"]["transcription"]
        kind: str = event["type"]
        return wanted is None and kind.startswith(TRANSCRIPTION)

    def _dressed(self, sent: ToLeg) -> ToLeg:
        if sent.event["type"] not in ("response.created", "response.done"):
            return sent
        response = sent.event["response"]
        output = self._desk.session["audio"]["output"]
        audio_format = self._formats.get(response["id"], output["format"])
        if sent.event["type"] == "response.done":
            self._formats.pop(response["id"], None)
        told = {"voice": output["voice"], **((response.get("audio") or {}).get("output") or {})}
        audio = {"output": {**told, "format": audio_format}}
        return ToLeg({**sent.event, "response": {**response, "audio": audio}}, sent.to)

    # ── the rest ──

    def _mind_the_budget(self, now: float, out: list[Effect]) -> None:
        """A spent budget ends the call once the client has played what it was sent; it is told at once."""
        if not self._spending.over:
            return
        self._owed_from = self._greeting_at = self._replies.wanted = None
        if self._parting.ending is OVER_BUDGET:
            return
        if self._held is not None:
            (_, held), self._held = self._held, None
            out.append(self._front.fault(held.sender, BUDGET_EXCEEDED, OVER_BUDGET_TOLD))
        self._parting.decide(OVER_BUDGET, now)
        self._parting.farewell_due = False
        out.append(ToLeg(self._front.error(BUDGET_EXCEEDED, OVER_BUDGET_TOLD)))

    def _end(self, ending: Ending, now: float, out: list[Effect]) -> None:
        for item_id in self._scribe.open_items():
            progress = self._reckoning.of(item_id, now)
            out += self._scribe.played(progress, self._ms(now))
            out += self._scribe.interrupted(item_id, progress.heard_ms, self._ms(now))
        self._ended = True
        out.append(End(ending))

    def _ms(self, now: float) -> int:
        return round((now - self._began) * 1000)


def _adds(effect: Effect) -> bool:
    """Whether a client writes the conversation itself."""
    return isinstance(effect, ToModel) and effect.event["type"] == "conversation.item.create"


def _without_format(reply: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The parameters for the model, whose audio is always PCM, and the format that the client wants."""
    output = (reply.get("audio") or {}).get("output") or {}
    audio_format = output.get("format")
    if audio_format is None:
        return dict(reply), None
    rest = {k: v for k, v in output.items() if k != "format"}
    return {
        **{k: v for k, v in reply.items() if k != "audio"},
        **({"audio": {"output": rest}} if rest else {}),
    }, ({"type": "audio/pcm", "rate": 24000} if audio_format["type"] == "audio/pcm" else audio_format)
