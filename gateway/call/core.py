"""The call core: events and time in, effects out. Pure, deterministic, no I/O.

Three inputs: `leg` (the caller's end, the playout, the local VAD), `model` (the realtime model's events) and
`tick`. Tools report through `tool` and `control`. Each returns the effects to carry out, in order. The floor is
in `turn`, replies in `reply`, the transcript in `scribe`, the client's view in `front`, the client's wishes in
`desk`, the deadlines in `clock`; this module composes them.

What must hold whatever comes (tests/call/test_core_properties.py): after an interruption nothing of the old
reply is played; heard ≤ sent ≤ queued; every interruption has its clear; at most one reply is asked for at a
time; nothing follows `End`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.call.answered import Answered, Hands
from gateway.call.clock import Clock
from gateway.call.desk import Answer, Desk
from gateway.call.effects import (
    Clear,
    CloseGate,
    Effect,
    End,
    Note,
    Pause,
    Resume,
    RunTool,
    Time,
    ToLeg,
    ToModel,
)
from gateway.call.front import Front
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
    ToneEnded,
    ToneStarted,
    ToolFinished,
    TransferAnswered,
    TransferAsked,
    Wish,
)
from gateway.call.keys import Keys
from gateway.call.opening import BEGINNING_MS
from gateway.call.parting import Parting, is_goodbye
from gateway.call.playing import Playing
from gateway.call.reply import Replies
from gateway.call.scribe import Scribe
from gateway.call.sessions import CoreSettings, transcriber
from gateway.call.speech import CallerSpeech
from gateway.call.spending import BUDGET_EXCEEDED, OVER_BUDGET_TOLD, Spending
from gateway.call.timing import Stopwatch
from gateway.call.toolwork import ToolWork
from gateway.call.transfer import Transfer
from gateway.call.turn import Act, Cue, Floor, is_backchannel, step
from gateway.errors import AGENT_HUNG_UP, MODEL_LOST, OVER_BUDGET, Ending
from gateway.ports import Event
from gateway.realtime.response import is_bridging, was_lost
from personas.prompt import say_exactly

__all__ = ["Core"]

RESUME_BACK_MS = 200
"""A resumed reply repeats this much, so that no syllable is lost at the cut."""

ANSWER_MS = 1000
"""A backchannel with less than this of the reply left is taken as an answer to it."""

COMMIT_S = 0.6
"""How long after the caller's speech the model's commit of it is waited for."""

RESUMED_S = 2.0
"""How long a caller who speaks on holds back the answer to what the model has taken already."""

INSIST = 2
"""After so many replies given up unheard the next one is said whatever the local VAD hears: it hears noise."""

MOST_FAILURES = 1
"""Replies in a row that the model may fail before the call is given up."""

RETRY_S = 0.5
"""Pause before a failed reply is asked for again."""

UNANSWERED_S = 2.0
"""How long the model has to take the turn of a caller who spoke before the reply was heard."""

GREETING_S = 1.0
"""How long the greeting waits for the client's event channel once media flows."""


class Core:
    def __init__(self, settings: CoreSettings, now: float) -> None:
        self._settings = settings
        self._persona = settings.persona
        self._began = now
        self._floor = Floor.QUIET
        self._replies = Replies()
        self._scribe = Scribe(settings.call_id)
        self._front = Front(frozenset(t["name"] for t in settings.server_tools))
        self._desk = Desk(settings, self._front)
        self._clock = Clock(
            settings.persona.limits, now,
            still_there=settings.persona.still_there, farewell=settings.persona.farewell,
        )  # fmt: skip
        self._ended = False
        self._parting = Parting()
        self._spending = Spending(settings.call_id, settings.tariff, settings.budget_usd)
        self._audio_origin: float | None = None
        """When the first caller audio went to the model: its `audio_start_ms` counts from here."""
        self._channel = False
        self._greeted = False
        self._playing = Playing(self._scribe, self._front)
        self._speech = CallerSpeech()
        self._keys = Keys(settings.persona.keys)
        self._times = Stopwatch()
        self._undecided: dict[str, int] = {}
        """User items committed over a reply whose words are not known yet: item → its milliseconds of speech."""
        self._unheard = 0
        """Replies given up before anything of them was heard, since the model last took a turn."""
        self._out_of_band: set[str] = set()
        """Responses that a client asked for beside the conversation."""
        self._kept_words = False
        """Words were kept as a backchannel at the very end of a reply: they may have been an answer."""
        self._owed = False
        """The caller is owed a reply that was not asked for yet."""
        self._owed_from = now
        """It is not asked for before this."""
        self._tools = ToolWork()
        self._transfer = Transfer()
        hands = Hands(
            floor=lambda: self._floor, hush=self._hush, say=self._say, reply=self._reply, end=self._end,
            go_on=lambda now, out: self._cue(Cue.KEEP, now, out),
        )  # fmt: skip
        self._answered = Answered(
            settings, self._replies, self._playing, self._speech, self._parting, hands
        )
        self._held: tuple[dict[str, Any], str] | None = None
        """The reply that a client asked for while tools ran, and the id of its asking."""

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
        if self._ended or (self._transfer.joined and not isinstance(event, Lost)):
            return []
        out: list[Effect] = []
        match event:
            case Connected():
                self._clock.active(now)
                self._audio_origin = now
                self._answered.connected(now)
                out += self._greet(now)
            case ChannelOpened():
                self._channel = True
                out += self._welcome()
                out += self._greet(now)
            case SpeechStarted(ago_ms):
                self._speech_started(now, ago_ms, out)
            case SpeechEnded(ago_ms):
                self._speech_ended(now, ago_ms, out)
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
                if not self._away:
                    self._answered.heard(event, now, out)
            case AudioCame():
                pass
            case Lost(ending):
                ours, effects = self._transfer.lost(ending, now)
                if ours:
                    self._carry(effects, now, out)
                else:
                    self._end(ending, now, out)
        return out

    def model(self, event: Event, now: float) -> list[Effect]:
        """The model sent an event. Types that change no state here pass through to the client untouched."""
        if self._ended:
            return []
        out: list[Effect] = []
        kind = event["type"]
        shown = self._front.model(event)
        self._replies.progress(event.get("response_id"), now)
        match kind:
            case "input_audio_buffer.speech_started":
                self._scribe.user_began(event["item_id"], self._model_ms(event["audio_start_ms"], now))
                self._speech.noticed = True
                self._answered.turn_began(event["item_id"], now)
                if self._persona.turns == "provider":
                    self._cue(Cue.YIELD, now, out)
                else:
                    self._hinted(now, out)
            case "input_audio_buffer.speech_stopped":
                self._scribe.user_stopped(event["item_id"], self._model_ms(event["audio_end_ms"], now))
            case "input_audio_buffer.committed":
                self._committed(event["item_id"], now, out)
            case "conversation.item.input_audio_transcription.completed":
                out += self._spending.transcription(event.get("usage"), transcriber(self._desk.session))
                self._mind_the_budget(now, out)
                self._words(event["item_id"], event.get("transcript") or "", now, out, final=True)
            case "conversation.item.input_audio_transcription.failed":
                self._words(event["item_id"], "", now, out, final=True)
            case "response.created" if event["response"].get("conversation_id", "") is None:
                self._out_of_band.add(event["response"]["id"])
            case "response.created":
                response = event["response"]
                unasked = self._replies.asked_event is None and not is_bridging(response)
                out += self._replies.created(response["id"], now, bridging=is_bridging(response))
                if self._spending.over and unasked:
                    out += self._replies.kill()
            case "response.output_item.done":
                self._tool_called(event, out)
            case "response.done":
                out += self._spending.response(event["response"])
                self._mind_the_budget(now, out)
                self._reply_done(event["response"], now, out)
            case "error":
                fault = event.get("error") or {}
                out += self._replies.refused(fault.get("event_id") or "", fault.get("code") or "", now)
                self._try_again(now, out)
            case _:
                out += self._scribe.follow(event, self._ms(now))
        out[:0] = shown
        if kind in ("response.done", "error"):
            self._settle(now, out)
        return out

    def tool(self, event: ToolFinished, now: float) -> list[Effect]:
        """A tool ended: the model gets its output, and is asked to go on once no other tool runs."""
        if self._ended or event.tool_call_id not in self._tools.running:
            return []
        out: list[Effect] = [
            ToLeg(e) for e in self._front.tool_finished(event.tool_call_id, event.output, ok=event.ok)
        ]
        item = {"type": "function_call_output", "call_id": event.tool_call_id, "output": event.output}
        out.append(ToModel({"type": "conversation.item.create", "item": item}))
        self._go_on(self._tools.ended(event.tool_call_id), now)
        self._settle(now, out)
        return out

    def control(self, event: Wish, now: float) -> list[Effect]:
        """A tool wants the call to end or the caller put through, once the agent has been heard; or what came of it."""
        if self._ended:
            return []
        out: list[Effect] = []
        transfer = self._transfer
        match event:
            case HangUpAsked() | HandOverAsked():
                silent = bool(set(self._tools.running.values()) - self._speakers())
                self._parting.asked(event, now, silent=silent)
            case TransferAsked():
                self._parting.revoke()
                self._carry(transfer.asked(event, self._tools.running.values(), now), now, out)
                self._settle(now, out)
            case TransferAnswered():
                self._carry(transfer.answered(event), now, out)
            case Joined():
                self._carry(transfer.join(), now, out)
            case HoldAsked(on):
                self._carry(transfer.hold(on), now, out)
        return out

    def said(self) -> list[tuple[str, str]]:
        """The conversation so far: who (`user`, `assistant`) and what."""
        return self._scribe.said()

    def _speakers(self) -> set[str]:
        """Responses of which something was said."""
        return {line.response_id for line in self._scribe.agent.values()}

    def _carry(self, effects: list[Effect], now: float, out: list[Effect]) -> None:
        """What a transfer wants done; it may be the end."""
        out += effects
        if self._transfer.held or self._transfer.joined:
            self._clock.stop(now)
        else:
            self._clock.go_on(now)
        if self._transfer.ending is not None:
            self._end(self._transfer.ending, now, out)

    def _objects(self, now: float, out: list[Effect]) -> None:
        """The caller has more to say: nobody leaves yet."""
        self._parting.revoke()
        self._carry(self._transfer.objected(), now, out)

    @property
    def _away(self) -> bool:
        """The agent has nothing to do now: the caller is on hold, or talks with somebody else, or the call is over."""
        return self._ended or self._transfer.held or self._transfer.joined

    @property
    def _leaving(self) -> bool:
        return self._parting.ending is not None or self._transfer.leaving

    def tick(self, now: float) -> list[Effect]:
        """Time passed: deadlines and decisions that wait for it. Called every 50 ms or so."""
        if self._ended:
            return []
        out: list[Effect] = []
        self._carry(self._transfer.tick(now), now, out)
        if self._away:
            return out
        if not self._greeted and self._audio_origin is not None and now - self._audio_origin >= GREETING_S:
            out += self._greet(now)
        self._answered.passed(now, out)
        if self._ended:
            return out
        if self._floor is Floor.HELD:
            self._decide(now, out)
        if self._replies.stalled(now, parting=self._parting.ending is not None):
            out += self._replies.abandon(now)
            self._try_again(now, out)
        self._entered(self._keys.due(now), now, out)
        overdue = self._parting.overdue(now)
        if self._ended:
            return out
        if overdue is not None:
            self._end(overdue, now, out)
        elif self._parting.ending is None and (due := self._clock.due(now, quiet=self._is_quiet())):
            if due.ending is not None:
                self._parting.decide(due.ending, now)
                self._give_up(now, out)
            self._ask({"instructions": say_exactly(due.words)}, now, out)
        self._settle(now, out)
        return out

    # ── the floor ──

    def _cue(self, cue: Cue, now: float, out: list[Effect]) -> None:
        before = self._floor
        self._floor, acts = step(before, cue)
        for act in acts:
            if act is Act.PAUSE:
                out.append(Pause())
            elif act is Act.RESUME:
                out.append(Resume(BEGINNING_MS if self._answered.opening else RESUME_BACK_MS))
            else:
                self._interrupt(now, out)
        if self._floor is Floor.CALLER and not self._speech.speaking:
            self._floor = Floor.QUIET

    def _speech_started(self, now: float, ago_ms: int, out: list[Effect]) -> None:
        hinted = self._floor is Floor.HELD and self._speech.hinted
        self._speech.started(held=self._floor is Floor.HELD)
        self._times.onset()
        self._clock.active(now)
        self._answered.speech_started(now, ago_ms)
        if self._persona.turns == "provider" or not self._interrupts:
            return
        before = self._floor
        self._cue(Cue.ONSET, now, out)
        if hinted or (before is Floor.AGENT and self._floor is Floor.HELD):
            out.append(Note("bargein_ms", ago_ms))

    def _hinted(self, now: float, out: list[Effect]) -> None:
        """The model hears the caller before the local VAD does. Where the far end buffers, each frame that it is sent
        until then is one to take back; if the local VAD does not hear the caller soon, the reply goes on."""
        if self._settings.recalls and self._interrupts and self._floor is Floor.AGENT:
            self._speech.hint(now)
            self._cue(Cue.ONSET, now, out)

    def _speech_ended(self, now: float, ago_ms: int, out: list[Effect]) -> None:
        self._speech.ended(now, ago_ms)
        self._clock.active(now)
        if self._owed:
            # What was said just now is about to be committed too: one answer to both.
            self._owed_from = now + COMMIT_S
        self._cue(Cue.OFFSET, now, out)
        self._answered.speech_ended(now, ago_ms, out)
        if self._floor is Floor.HELD and self._answered.opening:
            self._decide(now, out)

    def _decide(self, now: float, out: list[Effect]) -> None:
        """A held reply: is there evidence enough?"""
        if self._answered.holds(now):
            return
        if self._answered.goes_on:
            self._cue(Cue.KEEP, now, out)
        elif self._speech.insists:
            self._cue(Cue.YIELD, now, out)
        elif self._speech.given_up(now, words_expected=bool(self._undecided)):
            self._cue(Cue.KEEP, now, out)

    def _digit_pressed(self, digit: str, now: float, out: list[Effect]) -> None:
        """A key takes the floor like speech, and there is no doubt about it. On hold nobody has it."""
        if self._transfer.held:
            return
        self._clock.active(now)
        self._clock.answered()
        if self._answered.reserved:
            return
        takes = self._interrupts and not self._keys.is_habit(digit, now)
        if takes and self._floor in (Floor.AGENT, Floor.HELD, Floor.WAITING):
            self._interrupt(now, out, cancel=True)
        self._entered(self._keys.pressed(digit, now), now, out)

    def _entered(self, item: dict[str, Any] | None, now: float, out: list[Effect]) -> None:
        """Keys make a turn of the caller's; the model is asked to answer it, whoever takes the turns."""
        if item is None or self._answered.reserved:
            return
        self._clock.active(now)
        self._objects(now, out)
        if self._floor is Floor.WAITING:
            # The reply on its way does not know of it.
            self._give_up(now, out, cancel=True)
        event_id = f"event_parley_{item['id']}"
        out.append(ToModel({"type": "conversation.item.create", "item": item, "event_id": event_id}))
        out.append(Note("turns"))
        self._unheard = 0
        self._owe(True, now)
        self._settle(now, out)

    def _committed(self, item_id: str, now: float, out: list[Effect]) -> None:
        """The model took the caller's turn."""
        self._scribe.user_began(item_id, self._ms(now))
        out.append(Note("turns"))
        self._times.committed(now)
        self._unheard = 0
        if not self._desk.creates or self._persona.turns == "provider":
            return
        if self._answered.settles(item_id):
            return
        if self._playing.audible() or self._leaving:
            self._undecided[item_id] = self._speech.heard_ms
            return
        if self._floor in (Floor.WAITING, Floor.HELD):
            # Nothing of the reply was heard: the caller was not done, and the reply is made anew.
            self._give_up(now, out)
        # Who speaks on already gets one answer to it all; in lasting noise it is not waited for long.
        self._owe(True, now, after_s=RESUMED_S if self._speech.speaking else 0.0)
        self._settle(now, out)

    def _nearly_done(self) -> bool:
        """Whether so little of the reply is left that a short word now is rather an answer to it."""
        return not self._replies.alive and self._playing.left_ms() <= ANSWER_MS

    def _owe(self, owed: bool, now: float, *, after_s: float = 0.0) -> None:
        if owed and not self._spending.over and not self._answered.reserved:
            self._owed = True
            self._owed_from = now + after_s

    def _words(self, item_id: str, text: str, now: float, out: list[Effect], *, final: bool) -> None:
        """What the caller said is known: over a reply it tells an interruption from a backchannel."""
        out += self._scribe.user_said(item_id, text, self._ms(now), final=final)
        if text.strip():
            self._clock.answered()
        if final:
            self._answered.words(item_id, text, now, out)
        if item_id not in self._undecided:
            return
        speech_ms = self._undecided.pop(item_id)
        parting = self._leaving
        if is_backchannel(text, speech_ms) or (parting and is_goodbye(text)):
            self._kept_words = bool(text.strip()) and self._nearly_done() and not parting
            if not self._kept_words and self._playing.audible():
                # It was no turn, and a model that finds it among the turns may answer it later.
                event_id = f"event_parley_delete_{item_id}"[:512]
                out.append(
                    ToModel({"type": "conversation.item.delete", "item_id": item_id, "event_id": event_id})
                )
            if self._floor is Floor.HELD and not self._speech.speaking and not self._undecided:
                self._cue(Cue.KEEP, now, out)
            return
        self._objects(now, out)
        if self._floor in (Floor.AGENT, Floor.HELD, Floor.WAITING):
            self._cue(Cue.YIELD, now, out)
        self._owe(True, now)
        self._settle(now, out)

    def _interrupt(self, now: float, out: list[Effect], *, cancel: bool = False) -> None:
        """The caller has the floor: stop, and tell the model what was heard."""
        out.append(Note("interruptions"))
        # "Wait, one more thing" over the farewell: the call goes on.
        self._objects(now, out)
        # A reply of which nothing was heard is still owed, should the model take no turn from this speech.
        unheard = not self._playing.audible()
        self._give_up(now, out, cancel=cancel)
        if unheard:
            self._unheard += 1
            self._owe(True, now, after_s=UNANSWERED_S)
        self._owe(bool(self._undecided), now)
        self._undecided.clear()

    def _give_up(self, now: float, out: list[Effect], *, cancel: bool = False) -> None:
        """Drop the running reply: nothing of it is played any more, and the model learns what was heard. `cancel`: a
        model that takes the turns has not noticed either."""
        out.append(Clear())
        out += self._replies.kill(cancel=cancel or self._persona.turns != "provider")
        for item_id in self._scribe.open_items():
            progress = self._playing.of(item_id)
            heard_ms = self._heard_ms(progress)
            line = self._scribe.agent[item_id]
            out.append(CloseGate(line.response_id))
            if heard_ms >= progress.queued_ms > 0 and line.response_id not in self._replies.killed:
                # All of it was sent: only its last moment is still on the way.
                out += self._scribe.played(
                    replace(progress, heard_ms=heard_ms, drained=True), self._ms(now)
                )
                continue
            out.append(
                ToModel(
                    {
                        "type": "conversation.item.truncate", "item_id": item_id, "content_index": 0,
                        "audio_end_ms": heard_ms, "event_id": f"event_parley_truncate_{item_id}"[:512],
                    }
                )
            )  # fmt: skip
            out += self._scribe.interrupted(item_id, heard_ms, self._ms(now))
        out += self._playing.cleared()
        self._kept_words = False
        self._floor = Floor.CALLER if self._speech.speaking else Floor.QUIET

    # ── replies ──

    def _audio_began(self, response_id: str, item_id: str, now: float, out: list[Effect]) -> None:
        self._scribe.agent_began(item_id, response_id, self._ms(now))
        self._scribe.agent[item_id].begun = True
        self._answered.began()
        self._times.audio(now)
        self._parting.speaking(now)
        self._transfer.speaking(now)
        if self._floor is Floor.WAITING and (
            self._answered.holds(now)
            or (self._speech.speaking and self._interrupts and self._unheard < INSIST)
        ):
            # Audio that begins while the caller speaks is held from its first frame.
            self._floor = Floor.CALLER
        self._cue(Cue.AUDIO, now, out)

    def _played(self, items: tuple[ItemProgress, ...], now: float, out: list[Effect]) -> None:
        for item in items:
            line = self._scribe.agent.get(item.item_id)
            if line is None:
                continue
            self._playing.update(item)
            out += self._scribe.played(item, self._ms(now))
            if item.sent_ms:
                self._desk.spoken = True
                self._first_frame(line.response_id, now, out)
                if not line.closed:
                    out += self._playing.starts(line.response_id)
            if line.closed:
                self._playing.forget(item.item_id)
        self._settle(now, out)

    def _settle(self, now: float, out: list[Effect]) -> None:
        """What follows once nothing is left to play, and whether a reply that is owed can be asked for."""
        if (
            self._ended
            or self._replies.alive
            or self._replies.wanted is not None
            or self._scribe.open_items()
        ):
            return
        out += self._playing.stops()
        if self._floor in (Floor.AGENT, Floor.WAITING, Floor.HELD) and not self._tools.running:
            if self._floor is not Floor.WAITING:
                self._clock.active(now)
            self._cue(Cue.DRAINED, now, out)
            if (self._undecided or self._kept_words) and self._parting.ending is None:
                self._owe(True, now)
                self._undecided.clear()
                self._kept_words = False
        if self._transfer.leaving and self._replies.idle:
            if self._transfer.announce(self._speakers()):
                self._ask({"instructions": say_exactly(self._persona.putting_through)}, now, out)
            elif not (self._undecided or self._speech.speaking or self._keys.gathering):
                self._carry(self._transfer.heard(now), now, out)
            return
        if self._tools.running or not self._replies.idle:
            return
        if self._answered.reserved:
            self._answered.nothing_left(now, out)
        elif self._held is not None:
            (reply, event_id), self._held = self._held, None
            self._ask(reply, now, out, event_id=event_id)
        elif self._parting.farewell_due:
            self._parting.farewell_due = False
            self._ask({"instructions": say_exactly(self._persona.farewell)}, now, out)
        elif self._owed and now >= self._owed_from and not self._listening(now):
            self._ask({}, now, out)
        elif self._parting.ending is not None and not (
            self._owed or self._undecided or self._speech.speaking
        ):
            self._end(self._parting.ending, now, out)

    def _listening(self, now: float) -> bool:
        """Whether the caller is in the middle of something that the model has not taken yet."""
        return (
            self._speech.speaking and now < self._owed_from + RESUMED_S and self._times.committed_at is None
        ) or self._keys.gathering

    def _reply_done(self, response: dict[str, Any], now: float, out: list[Effect]) -> None:
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
        self._try_again(now, out)

    def _try_again(self, now: float, out: list[Effect]) -> None:
        """After a reply that came to nothing: once more, and then no longer."""
        if self._replies.failures > (0 if self._parting.ending else MOST_FAILURES):
            self._end(self._parting.ending or MODEL_LOST, now, out)
        elif self._replies.failures and self._replies.idle:
            self._owe(True, now, after_s=RETRY_S)

    def _ask(
        self, response: dict[str, Any], now: float, out: list[Effect], *, event_id: str | None = None
    ) -> None:
        self._times.asked()
        self._owed = False
        out += self._replies.ask(response, now, event_id=event_id)
        self._cue(Cue.OWED, now, out)

    def _greet(self, now: float) -> list[Effect]:
        out: list[Effect] = []
        if (
            not self._greeted
            and not self._spending.over
            and self._audio_origin is not None
            and (self._channel or now - self._audio_origin >= GREETING_S)
        ):
            self._greeted = True
            words = self._persona.first_words if self._settings.outbound else self._persona.greeting
            if self._desk.rewritten or self._answered.reserved:
                words = ""
            if words := " ".join(filter(None, (self._settings.announce, words))):
                self._answered.greeted(now)
                self._say(words, now, out)
        return out

    def _first_frame(self, response_id: str, now: float, out: list[Effect]) -> None:
        timing = self._times.first_frame(
            response_id, now, last_speech=self._speech.last_at, asked=self._replies.asked_at
        )
        if timing is not None:
            out.append(Time(timing))

    # ── tools ──

    def _tool_called(self, event: Event, out: list[Effect]) -> None:
        item = event["item"]
        if item.get("type") != "function_call" or item.get("status") != "completed":
            return
        call_id, ours = item["call_id"], self._desk.runs(item["name"])
        self._tools.began(call_id, event["response_id"], ours=ours)
        if not ours:
            return
        out.append(Note("tool_calls"))
        out.append(RunTool(call_id, item["name"], item.get("arguments") or "{}"))

    def _go_on(self, after_s: float | None, now: float) -> None:
        """A tool's result is there: the reply that uses it is owed. After a hang-up nothing more is to be said but
        the farewell."""
        if after_s is not None and self._held is None and self._parting.ending is not AGENT_HUNG_UP:
            self._owe(True, now, after_s=after_s)

    # ── the client ──

    def _welcome(self) -> list[Effect]:
        events = [self._desk.greeting()]
        if self._settings.server_tools:
            events += self._front.list_tools(list(self._settings.server_tools))
        return [*self._desk.opening, *(ToLeg(e) for e in events)]

    def _client_sent(self, message: str, origin: int, now: float, out: list[Effect]) -> None:
        answer = self._desk.receive(message, self._scribe, origin)
        out += answer.effects
        if answer.cancel and answer.cancelled_id in self._out_of_band:
            out.append(self._desk.forwarded({"type": "response.cancel"}, answer, answer.cancelled_id))
        elif answer.cancel and self._replies.alive:
            out += self._replies.kill()
        elif answer.cancel:
            out.append(self._desk.nothing_to_cancel(answer))
        if answer.clear:
            self._give_up(now, out)
        if answer.given is not None:
            self._go_on(self._tools.given(answer.given), now)
        if answer.reply is not None:
            self._client_asks(answer.reply, answer, now, out)

    def _client_asks(self, reply: dict[str, Any], answer: Answer, now: float, out: list[Effect]) -> None:
        if self._spending.over:
            out.append(self._front.fault(answer.sender, BUDGET_EXCEEDED, OVER_BUDGET_TOLD))
        elif reply.get("conversation") == "none":
            event_id = self._front.marks.stamp(answer.sender)
            out.append(ToModel({"type": "response.create", "event_id": event_id, "response": reply}))
        elif self._replies.alive or self._held is not None:
            out.append(self._desk.already_active(answer, self._replies.active))
        elif self._tools.running:
            # The model needs their results first; then this reply is the one that uses them.
            self._held = (reply, self._front.marks.stamp(answer.sender))
            self._owed = False
        else:
            self._ask(reply, now, out, event_id=self._front.marks.stamp(answer.sender))

    # ── who answered ──

    @property
    def _interrupts(self) -> bool:
        """Whether the caller's speech may end a reply."""
        return self._desk.interrupts and not self._answered.reserved

    def _hush(self, now: float, out: list[Effect]) -> None:
        self._undecided.clear()
        self._owed = False
        self._give_up(now, out)

    def _say(self, words: str, now: float, out: list[Effect]) -> None:
        self._ask({"instructions": say_exactly(words)}, now, out)

    def _reply(self, now: float, out: list[Effect]) -> None:
        self._owe(True, now)
        self._settle(now, out)

    # ── the rest ──

    def _mind_the_budget(self, now: float, out: list[Effect]) -> None:
        """A spent budget ends the call: what runs is said to its end, then the farewell."""
        before = self._parting.ending
        if not self._spending.over or before is OVER_BUDGET:
            return
        if before is None:
            self._replies.wanted = None
        self._owed = False
        if self._held is not None:
            (_, event_id), self._held = self._held, None
            sender = self._front.marks.sender(event_id)
            if sender is not None:
                out.append(self._front.fault(sender, BUDGET_EXCEEDED, OVER_BUDGET_TOLD))
        self._parting.decide(OVER_BUDGET, now, farewell_due=before is None or self._parting.farewell_due)

    def _is_quiet(self) -> bool:
        return (
            self._greeted
            and self._floor is Floor.QUIET
            and not self._answered.reserved
            and self._replies.idle
            and not self._owed
            and not self._tools.running
        )

    def _end(self, ending: Ending, now: float, out: list[Effect]) -> None:
        if self._ended:
            return
        for item_id in self._scribe.open_items():
            heard_ms = self._heard_ms(self._playing.of(item_id))
            out += self._scribe.interrupted(item_id, heard_ms, self._ms(now))
        self._ended = True
        out.append(End(ending))

    def _heard_ms(self, progress: ItemProgress) -> int:
        """What the caller has heard of an item once nothing more of it is sent."""
        return progress.heard_ms if self._settings.recalls else progress.sent_ms

    def _ms(self, now: float) -> int:
        return round((now - self._began) * 1000)

    def _model_ms(self, audio_ms: int, now: float) -> int:
        """A place in the audio that the model was given, as milliseconds of the call."""
        if self._audio_origin is None:
            return self._ms(now)
        return min(self._ms(now), self._ms(self._audio_origin) + audio_ms)
