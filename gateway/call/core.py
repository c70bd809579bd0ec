"""The call core: events and time in, effects out. Pure, deterministic, no I/O.

Three inputs: `leg` (the caller's end, the playout, the local VAD), `model` (the realtime model's events) and
`tick`. Tools report through `tool` and `control`. Each returns the effects to carry out, in order. `parts` names
what a call is made of; who has the floor and what comes of speaking over a reply is in `bargein`, what is asked of
the model in `replying` and `owed`, what follows a reply in `settling`, who leaves and how it ends in `leaving`; this
module composes them.

What must hold whatever comes (tests/call/test_core_properties.py): after an interruption nothing of the old
reply is played; heard ≤ sent ≤ queued; every interruption has its clear; at most one reply is asked for at a
time; nothing follows `End`.
"""

from __future__ import annotations

from typing import Any

from gateway.call.answered import Answered, Hands
from gateway.call.bargein import BargeIn
from gateway.call.effects import (
    Effect,
    Note,
    ToLeg,
    ToModel,
)
from gateway.call.greeting import Greeting
from gateway.call.inputs import (
    AudioBegan,
    AudioCame,
    ChannelOpened,
    ClientSent,
    Connected,
    DigitPressed,
    HandOverAsked,
    HangUpAsked,
    HoldAsked,
    ItemProgress,
    Joined,
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
from gateway.call.leaving import Leaving
from gateway.call.owed import Owed
from gateway.call.parts import Parts
from gateway.call.replying import Replying
from gateway.call.sessions import CoreSettings, transcriber
from gateway.call.settling import Settling
from gateway.call.turn import Cue, Floor
from gateway.ports import Event
from personas.prompt import say_exactly

__all__ = ["Core"]


class Core:
    def __init__(self, settings: CoreSettings, now: float) -> None:
        self._parts = parts = Parts(settings, now)
        self._scribe = parts.scribe
        self._front = parts.front
        self._desk = parts.desk
        self._clock = parts.clock
        self._parting = parts.parting
        self._spending = parts.spending
        self._playing = parts.playing
        self._speech = parts.speech
        self._keys = parts.keys
        self._times = parts.times
        self._tools = parts.tools
        self._transfer = parts.transfer
        self._succession = parts.succession
        self._replies = parts.replies
        hands = Hands(
            floor=lambda: self._bargein.floor, hush=self._hush, reply=self._reply,
            say=lambda words, now, out: self._replying.say(words, now, out),
            end=lambda ending, now, out: self._leaving.end(ending, now, out),
            go_on=lambda now, out: self._bargein.cue(Cue.KEEP, now, out),
        )  # fmt: skip
        self._answered = Answered(
            settings, parts.replies, parts.playing, parts.speech, parts.parting, hands
        )
        self._owed = Owed(parts.spending, lambda: self._answered.reserved, now)
        self._leaving = Leaving(parts)
        self._bargein = BargeIn(parts, self._answered, self._owed, self._leaving)
        self._replying = Replying(parts, self._owed, self._bargein, self._leaving)
        self._greeting = Greeting(parts, self._answered, self._replying)
        self._settling = Settling(
            parts, self._answered, self._owed, self._bargein, self._replying, self._leaving
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
        if self._leaving.ended or (self._transfer.joined and not isinstance(event, Lost)):
            return []
        out: list[Effect] = []
        match event:
            case Connected():
                self._clock.active(now)
                self._parts.audio_origin = now
                self._answered.connected(now)
                self._greeting.say(now, out)
            case ChannelOpened():
                self._greeting.channel = True
                out += self._desk.welcome()
                self._greeting.say(now, out)
            case SpeechStarted(ago_ms):
                self._bargein.speech_started(now, ago_ms, out)
            case SpeechEnded(ago_ms):
                self._bargein.speech_ended(now, ago_ms, out)
            case Played(items, speech_ms):
                self._speech.measured(speech_ms)
                self._answered.played(items)
                self._played(items, now, out)
            case AudioBegan(response_id, item_id):
                self._audio_began(response_id, item_id, now, out)
            case ClientSent(message, origin):
                self._client_sent(message, origin, now, out)
            case DigitPressed(digit):
                self._digit_pressed(digit, now, out)
            case SidebandJoined(origin):
                out.append(ToLeg(self._desk.greeting(), to=origin))
            case MachineVerdict() | ToneStarted() | ToneEnded():
                if not self._leaving.away:
                    self._answered.heard(event, now, out)
            case AudioCame():
                pass
            case Lost(ending):
                ours, effects = self._transfer.lost(ending, now)
                if ours:
                    self._leaving.carry(effects, now, out)
                else:
                    self._leaving.end(ending, now, out)
        return out

    def model(self, event: Event, now: float) -> list[Effect]:
        """The model sent an event. Types that change no state here pass through to the client untouched."""
        if self._leaving.ended:
            return []
        out: list[Effect] = []
        kind = event["type"]
        shown = self._front.model(event)
        self._replies.progress(event.get("response_id"), now)
        match kind:
            case "input_audio_buffer.speech_started":
                self._scribe.user_began(
                    event["item_id"], self._parts.model_ms(event["audio_start_ms"], now)
                )
                self._speech.noticed = True
                self._answered.turn_began(event["item_id"], now)
                if self._parts.persona.turns == "provider":
                    self._bargein.cue(Cue.YIELD, now, out)
                else:
                    self._bargein.hinted(now, out)
            case "input_audio_buffer.speech_stopped":
                self._scribe.user_stopped(
                    event["item_id"], self._parts.model_ms(event["audio_end_ms"], now)
                )
            case "input_audio_buffer.committed":
                if self._bargein.committed(event["item_id"], now, out):
                    self._settling.settle(now, out)
            case "conversation.item.input_audio_transcription.completed":
                out += self._spending.transcription(event.get("usage"), transcriber(self._desk.session))
                self._replying.mind_the_budget(now, out)
                self._words(event["item_id"], event.get("transcript") or "", now, out, final=True)
            case "conversation.item.input_audio_transcription.failed":
                self._words(event["item_id"], "", now, out, final=True)
            case "response.created":
                self._replying.created(event["response"], now, out)
            case "response.output_item.done":
                out += self._parts.filler.watched(self._tools.asked(event, self._desk.runs))
            case "response.done":
                out += self._spending.response(event["response"])
                self._replying.mind_the_budget(now, out)
                self._replying.reply_done(event["response"], now, out)
            case "error":
                fault = event.get("error") or {}
                out += self._replies.refused(fault.get("event_id") or "", fault.get("code") or "", now)
                self._replying.try_again(now, out)
            case _:
                out += self._scribe.follow(event, self._parts.ms(now))
        out[:0] = shown
        if kind in ("response.done", "error"):
            self._settling.settle(now, out)
        return out

    def tool(self, event: ToolFinished, now: float) -> list[Effect]:
        """A tool ended: the model gets its output, and is asked to go on once no other tool runs."""
        if self._leaving.ended or event.tool_call_id not in self._tools.running:
            return []
        out: list[Effect] = [
            ToLeg(e) for e in self._front.tool_finished(event.tool_call_id, event.output, ok=event.ok)
        ]
        out.append(self._tools.output(event))
        after_s = self._tools.ended(event.tool_call_id)
        if not self._succession.due:
            self._replying.go_on(after_s, now)
        self._settling.settle(now, out)
        return out

    def decided(self, event: ToolDecided, now: float) -> list[Effect]:
        """A person has decided about a tool: the model hears what came of it, and is asked to tell."""
        if self._leaving.ended or event.tool_call_id not in self._tools.undecided:
            return []
        out: list[Effect] = [self._tools.decided(event)]
        if not self._succession.due:
            self._replying.go_on(0.0, now)
        self._settling.settle(now, out)
        return out

    def control(self, event: Wish, now: float) -> list[Effect]:
        """A tool wants the call to end, the caller put through or another agent to take over, once the agent has been
        heard; or what came of it."""
        if self._leaving.ended:
            return []
        out: list[Effect] = []
        transfer = self._transfer
        match event:
            case HangUpAsked() | HandOverAsked():
                self._parting.asked(event, now, silent=self._tools.unsaid(self._scribe.speakers()))
            case TransferAsked():
                self._parting.revoke()
                self._leaving.carry(transfer.asked(event, self._tools.running.values(), now), now, out)
                self._settling.settle(now, out)
            case TransferAnswered():
                self._leaving.carry(transfer.answered(event), now, out)
            case Joined():
                self._leaving.carry(transfer.join(), now, out)
            case HoldAsked(on):
                self._leaving.carry(transfer.hold(on), now, out)
            case SuccessorAsked():
                self._parting.revoke()
                self._succession.asked(event, now)
                self._settling.settle(now, out)
        return out

    def said(self) -> list[tuple[str, str]]:
        """The conversation so far: who (`user`, `assistant`) and what."""
        return self._scribe.said()

    def tick(self, now: float) -> list[Effect]:
        """Time passed: deadlines and decisions that wait for it. Called every 50 ms or so."""
        if self._leaving.ended:
            return []
        out: list[Effect] = []
        self._leaving.carry(self._transfer.tick(now), now, out)
        if self._leaving.away:
            return out
        self._greeting.tick(now, out)
        self._answered.passed(now, out)
        if self._leaving.ended:
            return out
        if self._bargein.floor is Floor.HELD:
            self._bargein.decide(now, out)
        if self._replies.stalled(now, parting=self._parting.ending is not None):
            out += self._replies.abandon(now)
            self._replying.try_again(now, out)
        self._entered(self._keys.due(now), now, out)
        overdue = self._parting.overdue(now)
        if self._leaving.ended:
            return out
        if overdue is not None:
            self._leaving.end(overdue, now, out)
        elif self._parting.ending is None and (
            due := self._clock.due(now, quiet=self._greeting.over and self._settling.quiet)
        ):
            if due.ending is not None:
                self._parting.decide(due.ending, now)
                self._bargein.give_up(now, out)
            self._replying.ask({"instructions": say_exactly(due.words)}, now, out)
        elif words := self._parts.filler.due(
            now,
            self._tools.running.keys(),
            silent=bool(self._tools.running) and self._settling.silent,
        ):
            self._replying.fill(words, now, out)
        self._settling.settle(now, out)
        return out

    @property
    def hurried(self) -> bool:
        """Whether something may be due within a moment. Else only what comes after seconds waits for a tick: a caller
        who says nothing, a reply that stalls, the longest call."""
        return (
            self._bargein.floor is Floor.HELD
            or bool(self._owed)
            or self._settling.pending
            or not self._greeting.over
            or self._parts.settings.outbound
        )

    # ── the caller ──

    def _digit_pressed(self, digit: str, now: float, out: list[Effect]) -> None:
        """A key takes the floor like speech, and there is no doubt about it. On hold nobody has it."""
        if self._transfer.held:
            return
        self._clock.active(now)
        self._clock.answered()
        if self._answered.reserved:
            return
        if not self._keys.is_habit(digit, now):
            self._bargein.pressed(now, out)
        self._entered(self._keys.pressed(digit, now), now, out)

    def _entered(self, item: dict[str, Any] | None, now: float, out: list[Effect]) -> None:
        """Keys make a turn of the caller's; the model is asked to answer it, whoever takes the turns."""
        if item is None or self._answered.reserved:
            return
        self._clock.active(now)
        self._leaving.objects(now, out)
        self._bargein.entered(now, out)
        event_id = f"event_parley_{item['id']}"
        out.append(ToModel({"type": "conversation.item.create", "item": item, "event_id": event_id}))
        out.append(Note("turns"))
        self._owed.owe(now)
        self._settling.settle(now, out)

    def _words(self, item_id: str, text: str, now: float, out: list[Effect], *, final: bool) -> None:
        out += self._scribe.user_said(item_id, text, self._parts.ms(now), final=final)
        if text.strip():
            self._clock.answered()
        if final:
            self._answered.words(item_id, text, now, out)
        if self._bargein.words(item_id, text, now, out):
            self._settling.settle(now, out)

    # ── replies ──

    def _audio_began(self, response_id: str, item_id: str, now: float, out: list[Effect]) -> None:
        self._scribe.agent_began(item_id, response_id, self._parts.ms(now))
        self._scribe.agent[item_id].begun = True
        self._answered.began()
        self._times.audio(now)
        self._parting.speaking(now)
        self._transfer.speaking(now)
        self._bargein.audio_began(now, out)

    def _played(self, items: tuple[ItemProgress, ...], now: float, out: list[Effect]) -> None:
        for item in items:
            line = self._scribe.agent.get(item.item_id)
            if line is None:
                continue
            self._playing.update(item)
            out += self._scribe.played(item, self._parts.ms(now))
            if item.sent_ms:
                self._desk.spoken = True
                self._replying.first_frame(line.response_id, now, out)
                if not line.closed:
                    out += self._playing.starts(line.response_id)
            if line.closed:
                self._playing.forget(item.item_id)
        self._settling.settle(now, out)

    # ── the client ──

    def _client_sent(self, message: str, origin: int, now: float, out: list[Effect]) -> None:
        answer = self._desk.receive(message, self._scribe, origin)
        out += answer.effects
        if answer.cancel:
            self._replying.client_cancels(answer, out)
        if answer.clear:
            self._bargein.give_up(now, out)
        if answer.given is not None:
            self._replying.go_on(self._tools.given(answer.given), now)
        if answer.reply is not None:
            self._replying.client_asks(answer.reply, answer, now, out)

    # ── who answered ──

    def _hush(self, now: float, out: list[Effect]) -> None:
        self._bargein.undecided.clear()
        self._owed.settled()
        self._bargein.give_up(now, out)

    def _reply(self, now: float, out: list[Effect]) -> None:
        self._owed.owe(now)
        self._settling.settle(now, out)
