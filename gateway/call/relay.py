"""The call core of client-played legs: events and time in, effects out. Pure, deterministic, no I/O.

The client plays the audio itself, so the model takes the turns as the client asked, deltas go out as they come, and
only the client knows what was heard (`afar`). What is left to do here: the policy, the server's tools, one active
reply, replies asked for again when their provider is lost, the greeting, the transcript, the limits. The inputs and
effects are those of `core.Core`, which is for gateway-played legs.

What must hold whatever comes (tests/call/test_relay_properties.py): one active reply in the conversation; every
`response.created` has its `response.done`; each fault is told to whose event it is about; nothing follows `End`.
"""

from __future__ import annotations

from typing import Any

from gateway.call.afar import Afar
from gateway.call.asking import Asking
from gateway.call.desk import Desk
from gateway.call.effects import Effect, End, Note, Succeed, Time, ToLeg, ToModel
from gateway.call.front import OWN_EVENT, Front
from gateway.call.inputs import (
    LEG,
    AudioBegan,
    AudioCame,
    ChannelOpened,
    ClientSent,
    Connected,
    DigitPressed,
    HandOverAsked,
    HangUpAsked,
    LegInput,
    Lost,
    MachineVerdict,
    Played,
    SidebandJoined,
    SpeechEnded,
    SpeechStarted,
    SuccessorAsked,
    ToneEnded,
    ToneStarted,
    ToolDecided,
    ToolFinished,
    TransferAnswered,
    TransferAsked,
    Wish,
)
from gateway.call.keys import Keys
from gateway.call.parting import Parting, is_goodbye
from gateway.call.putting_through import PuttingThrough
from gateway.call.scribe import Scribe
from gateway.call.sessions import CoreSettings, transcriber
from gateway.call.spending import BUDGET_EXCEEDED, OVER_BUDGET_TOLD, Spending
from gateway.call.succession import Succession
from gateway.call.timing import Stopwatch
from gateway.call.toolwork import ToolWork
from gateway.errors import CALLER_SILENT, OVER_BUDGET, TOO_LONG, TRANSFERRED, Ending
from gateway.ports import Event

__all__ = ["SILENT_S", "RelayCore"]

SILENT_S = 900.0
"""A client that sends nothing at all for so long is gone, whatever its socket says."""

TRANSCRIPTION = "conversation.item.input_audio_transcription."


class RelayCore:
    def __init__(self, settings: CoreSettings, now: float) -> None:
        self._persona = settings.persona
        self._began = self._sign_at = now
        self._ended = False
        self._front = Front(frozenset(t["name"] for t in settings.server_tools), plays=False)
        self._desk = Desk(settings, self._front, plays=False)
        self._scribe = Scribe(settings.call_id, estimates=True)
        self._afar = Afar(self._scribe, self._front, self._ms)
        self._tools = ToolWork()
        self._succession = Succession()
        self._parting = Parting()
        self._keys = Keys(settings.persona.keys)
        self._putting_through = PuttingThrough()
        self._spending = Spending(settings.call_id, settings.tariff, settings.budget_usd)
        self._times = Stopwatch()
        self._turn_at: float | None = None
        """When the caller's last turn ended, as the model told."""
        self._asking = Asking(
            settings.persona, self._desk, self._front, self._tools, self._spending, self._times
        )

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
                self._asking.connected(now)
                out += self._desk.welcome()
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
                    self._afar.reckoning.sent(item.item_id, item.sent_ms)
            case Lost(ending):
                self._end(ending, now, out)
            case DigitPressed(digit):
                self._sign_at = now
                self._entered(self._keys.pressed(digit, now), now, out)
            case Connected() | SpeechStarted() | SpeechEnded():
                pass
            case MachineVerdict() | ToneStarted() | ToneEnded():
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
                self._sign_at = now
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
                self._asking.created(event["response"], now, out)
            case "response.output_audio.done":
                self._afar.reckoning.completed(event["item_id"])
            case "output_audio_buffer.started":
                if (item_id := self._afar.sounds(event["response_id"], now)) is not None:
                    self._audio_began(event["response_id"], item_id, now, out)
            case "output_audio_buffer.stopped" | "output_audio_buffer.cleared":
                self._afar.silent(event, now, out)
                self._settle(now, out)
            case "conversation.item.truncated":
                self._afar.truncated(event, now, out)
            case "response.output_item.done":
                beside = event["response_id"] in self._asking.beside
                out += self._tools.asked(event, self._desk.runs, beside=beside)
            case "response.done":
                out += self._spending.response(event["response"])
                self._mind_the_budget(now, out)
                self._response_done(event["response"], now, out)
            case "error":
                self._asking.refused(event.get("error") or {}, now, out)
            case _:
                aside = self._asking.beside.of(event.get("response_id"))
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
        out.append(self._tools.output(event))
        after_s = self._tools.ended(event.tool_call_id)
        if not self._succession.due:
            self._asking.result(after_s, now, self._parting)
        self._settle(now, out)
        return out

    def decided(self, event: ToolDecided, now: float) -> list[Effect]:
        """A person has decided about a tool: the model hears what came of it, and is asked to tell."""
        if self._ended or event.tool_call_id not in self._tools.undecided:
            return []
        out: list[Effect] = [self._tools.decided(event)]
        if not self._succession.due:
            self._asking.result(0.0, now, self._parting)
        self._settle(now, out)
        return out

    def said(self) -> list[tuple[str, str]]:
        """The conversation so far: who (`user`, `assistant`) and what."""
        return self._scribe.said()

    def control(self, event: Wish, now: float) -> list[Effect]:
        """A tool wants the call to end, or the caller put through, once the agent has been heard. Nothing else is there
        to be done: no sound of the call passes here."""
        if self._ended:
            return []
        out: list[Effect] = []
        if isinstance(event, TransferAsked):
            return self._putting_through.asked(event.target, now)
        if isinstance(event, TransferAnswered):
            out += self._putting_through.answered(event)
            if event.ok:
                self._end(TRANSFERRED, now, out)
            return out
        if isinstance(event, SuccessorAsked):
            self._parting.revoke()
            self._succession.asked(event, now)
            self._settle(now, out)
            return out
        if not isinstance(event, HangUpAsked | HandOverAsked):
            return []
        self._parting.asked(event, now, silent=self._tools.unsaid(self._scribe.speakers()))
        return []

    def tick(self, now: float) -> list[Effect]:
        """Time passed: deadlines and decisions that wait for it. Called every 50 ms or so."""
        if self._ended:
            return []
        out: list[Effect] = []
        self._afar.passed(now, out)
        self._asking.greet(now, out)
        self._entered(self._keys.due(now), now, out)
        self._putting_through.tick(now, speaking=bool(self._scribe.open_items()), out=out)
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

    @property
    def hurried(self) -> bool:
        """Whether something may be due within a moment: it cannot say."""
        return True

    # ── the caller ──

    def _speech_started(self, item_id: str, now: float, out: list[Effect]) -> None:
        self._asking.led()
        self._scribe.user_began(item_id, self._ms(now))
        self._times.onset()
        if self._desk.interrupts:
            self._afar.cut(self._scribe.open_items(), now, out)

    def _committed(self, item_id: str, now: float, out: list[Effect]) -> None:
        self._asking.led()
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

    def _entered(self, item: dict[str, Any] | None, now: float, out: list[Effect]) -> None:
        """Keys of the caller's telephone are a turn: the model is asked to answer them."""
        if item is None:
            return
        self._asking.led()
        self._parting.revoke()
        event_id = f"{OWN_EVENT}{item['id']}"
        out.append(ToModel({"type": "conversation.item.create", "event_id": event_id, "item": item}))
        out.append(Note("turns"))
        self._asking.result(0.0, now, self._parting)
        self._settle(now, out)

    # ── replies ──

    def _audio_began(self, response_id: str, item_id: str, now: float, out: list[Effect]) -> None:
        self._desk.spoken = True
        self._afar.began(item_id, response_id, now)
        self._parting.speaking(now)
        self._times.audio(now)
        timing = self._times.first_frame(
            response_id, now, last_speech=self._turn_at, asked=self._asking.replies.asked_at
        )
        if timing is not None:
            out.append(Time(timing))

    def _response_done(self, response: dict[str, Any], now: float, out: list[Effect]) -> None:
        items = self._afar.reckoning.over(response["id"])
        if response.get("status") == "cancelled":
            self._afar.cut([i for i in items if not self._scribe.agent[i].closed], now, out)
        self._asking.done(response, now, self._parting, out)

    def _settle(self, now: float, out: list[Effect]) -> None:
        """Whether a reply that somebody wants can be asked for, and whether the call is over."""
        if self._ended or not self._asking.settle(now, self._parting, out):
            return
        if self._succession.due and not self._scribe.open_items():
            self._succeed(now, out)
            return
        if self._parting.ending is not None and not self._scribe.open_items():
            self._end(self._parting.ending, now, out)

    def _succeed(self, now: float, out: list[Effect]) -> None:
        """The next agent takes over, and says its first words."""
        asked = self._succession.take()
        if asked is None:
            return
        persona = self._persona = asked.persona
        self._keys.entering = persona.keys
        out += [self._desk.succeed(persona, asked.tools), Succeed(persona.id)]
        self._asking.succeed(persona, now, out)

    # ── the clients ──

    def _client_sent(self, message: str, origin: int, now: float, out: list[Effect]) -> None:
        self._desk.speaking = not self._asking.replies.idle
        answer = self._desk.receive(message, self._scribe, origin)
        out += answer.effects
        if origin == LEG:
            self._asking.message(now)
        if self._desk.rewritten or any(_adds(effect) for effect in answer.effects):
            self._asking.led()
        if answer.truncation is not None:
            self._afar.truncate(answer.truncation, answer.sender, now, out)
        if answer.cancel and self._asking.cancel(answer, out):
            self._afar.cut(self._scribe.open_items(), now, out)
        if answer.given is not None:
            self._asking.result(self._tools.given(answer.given), now, self._parting)
        if answer.reply is not None:
            self._asking.client(answer, out)

    def _outward(self, shown: list[ToLeg]) -> list[ToLeg]:
        """The model's events as the client asked for them: in its audio format, and without the transcription that
        only the record needs."""
        outward: list[ToLeg] = []
        for sent in shown:
            kind: str = sent.event["type"]
            if kind in ("response.created", "response.done"):
                outward.append(self._asking.dressed(sent))
            elif not (kind.startswith(TRANSCRIPTION) and self._untranscribed()):
                outward.append(sent)
        return outward

    def _untranscribed(self) -> bool:
        return self._desk.session["audio"]["input"]["transcription"] is None

    # ── the rest ──

    def _mind_the_budget(self, now: float, out: list[Effect]) -> None:
        """A spent budget ends the call once the client has played what it was sent; it is told at once."""
        if not self._spending.over:
            return
        self._asking.spent(out)
        if self._parting.ending is OVER_BUDGET:
            return
        self._parting.decide(OVER_BUDGET, now)
        self._parting.farewell_due = False
        out.append(ToLeg(self._front.error(BUDGET_EXCEEDED, OVER_BUDGET_TOLD)))

    def _end(self, ending: Ending, now: float, out: list[Effect]) -> None:
        self._afar.end(now, out)
        self._ended = True
        out.append(End(ending))

    def _ms(self, now: float) -> int:
        return round((now - self._began) * 1000)


def _adds(effect: Effect) -> bool:
    """Whether a client writes the conversation itself."""
    return isinstance(effect, ToModel) and effect.event["type"] == "conversation.item.create"
