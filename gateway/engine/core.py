"""The embedded engine as a realtime server: client events, audio and time in, effects out. No I/O, no clock.

The protocol is `gateway.realtime`; the caller's half is in `caller`, the conversation in `memory`, the responses
are in `replies` and `answer`. This module composes them. Every method returns the effects to carry out, in order,
and none raises: what a client did wrong becomes an `error` event.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.engine.answer import Answer
from gateway.engine.caller import Caller
from gateway.engine.effects import Close, Effect, Emit
from gateway.engine.input_buffer import Cue, DetectorMaker, Lull, Onset, Stop, WentOn
from gateway.engine.manner import Manner
from gateway.engine.memory import Memory
from gateway.engine.mind import Thought
from gateway.engine.patience import Patience
from gateway.engine.plan import plan_of, refuse_remote_tools
from gateway.engine.replies import Replies
from gateway.realtime import events
from gateway.realtime import server_events as say
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.ids import new_id
from gateway.realtime.session import TurnDetection, merge_session, turn_detection_of
from gateway.speech.ports import Heard
from personas.persona import Persona

__all__ = ["LIFE_S", "EngineCore", "EngineSettings"]

LIFE_S = 3600.0
"""Hard limit of a session (OpenAI Realtime guide: 60 minutes)."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What a session of the engine begins with."""

    session: dict[str, Any]
    """The full session object (`gateway.realtime.session.default_session`)."""
    persona: Persona
    detector: DetectorMaker
    started_at: datetime
    """Wall clock at `now`; aware."""
    now: float
    """The shell's clock in seconds; every later `now` is on the same clock."""
    keep_audio_ms: int = 60_000
    """How much user audio `conversation.item.retrieve` can still give back."""
    manner: Manner = field(default_factory=Manner)
    unspoken: str | None = None
    """Why the session is in text alone: nobody here hears or speaks the persona's language. None: it may be spoken."""


class EngineCore:
    """One session. Begin with `start`; afterwards any order of calls is fine."""

    def __init__(self, settings: EngineSettings) -> None:
        self.session = settings.session
        self._settings = settings
        self._zone = settings.persona.zone
        self._conversation_id = new_id("conv")
        self._memory = Memory(settings.keep_audio_ms)
        self._caller = Caller(self._memory, settings.detector)
        self._replies = Replies(settings.persona, self._memory, settings.manner, self._wall)
        self._owed = False
        """A turn ended while another response ran: it gets its response afterwards."""
        self._has_spoken = False
        self._patience = Patience(settings.now)
        self._closed = False
        self._unheard = False
        """The client was told that its audio is not listened to."""
        if settings.unspoken is not None:
            self.session = {**settings.session, "output_modalities": ["text"]}

    @property
    def deadline(self) -> float:
        """When `tick` has something to do next."""
        expiry = self._settings.now + LIFE_S
        idle = self._patience.deadline(self._turns)
        return expiry if idle is None else min(expiry, idle)

    def start(self) -> list[Effect]:
        """What a client is told before it says anything."""
        self._caller.configure(self._turns)
        self._caller.transcribing = self._transcribing
        return [Emit(say.session_created(deepcopy(self.session)))]

    def close(self) -> None:
        """The session is over: nothing has an effect any more."""
        self._closed = True
        self._caller.close()

    # ── inputs ──

    def client(self, event: events.ClientEvent, now: float) -> list[Effect]:
        """One client event."""
        if self._closed:
            return []
        try:
            return self._obey(event, now)
        except ProtocolFault as fault:
            return [Emit(say.fault(fault.of(event.event_id)))]

    def audio(self, pcm: bytes, now: float) -> list[Effect]:
        """Caller audio, PCM16 24 kHz, any number of bytes."""
        if self._closed:
            return []
        if self._settings.unspoken is not None:
            return self._not_heard(self._settings.unspoken)
        return [effect for cue in self._caller.listen(pcm) for effect in self._notice(cue, now)]

    def heard(self, job: str, heard: Heard, now: float) -> list[Effect]:
        """The ears' answer to `Transcribe`."""
        return [*self._caller.heard(job, heard), *self._replies.think(now)]

    def deaf(self, job: str, now: float) -> list[Effect]:
        """The ears failed at `Transcribe`: the item stays, without words."""
        return [*self._caller.heard(job, None), *self._replies.think(now)]

    def thought(self, response_id: str, thought: Thought, now: float) -> list[Effect]:
        """The next thought of `Think`."""
        answer = self._replies.find(response_id)
        if answer is None:
            return []
        return [*self._replies.thought(answer, thought), *self._perhaps_ended(answer, now)]

    def thoughtless(self, response_id: str, code: str, message: str, now: float) -> list[Effect]:
        """`Think` failed."""
        answer = self._replies.find(response_id)
        if answer is None:
            return []
        return [*answer.thoughtless(code, message), *self._perhaps_ended(answer, now)]

    def spoke(self, response_id: str, clause: int, pcm: bytes, now: float) -> list[Effect]:
        """A chunk of what `Speak` asked for."""
        answer = self._replies.find(response_id)
        if answer is None or answer.message is None or not pcm:
            return []
        before = answer.message.spoken.made_ms
        effects = answer.chunk(clause, pcm)
        self._patience.played((answer.message.spoken.made_ms - before) / 1000, now)
        self._has_spoken = True
        return effects

    def said(self, response_id: str, clause: int, now: float) -> list[Effect]:
        """`Speak` is done."""
        answer = self._replies.find(response_id)
        return [] if answer is None else [*answer.spoke(clause), *self._perhaps_ended(answer, now)]

    def mute(self, response_id: str, now: float) -> list[Effect]:
        """`Speak` failed."""
        answer = self._replies.find(response_id)
        if answer is None:
            return []
        told = "The engine's voice failed."
        return [*answer.fail("speech_failed", told), *self._perhaps_ended(answer, now)]

    def tick(self, now: float) -> list[Effect]:
        """Time has passed; wanted at `deadline`."""
        if self._closed:
            return []
        if now >= self._settings.now + LIFE_S:
            self.close()
            told = "Your session hit the maximum duration of 60 minutes."
            return [Emit(say.error(told, code="session_expired")), Close()]
        start_ms = self._patience.over(self._turns, now)
        return [] if start_ms is None else self._time_out(start_ms, now)

    # ── client events ──

    def _obey(self, event: events.ClientEvent, now: float) -> list[Effect]:
        match event:
            case events.AudioAppend(audio=pcm):
                self._caller.check_room(len(pcm))
                return self.audio(pcm, now)
            case events.AudioCommit():
                return [*self._caller.commit(), *self._replies.think(now)]
            case events.AudioClear():
                return self._caller.clear()
            case events.SessionUpdate(session=update):
                return self._update(update)
            case events.ItemCreate():
                return self._caller.create(event)
            case events.ItemRetrieve(item_id=item_id):
                return [Emit(say.item_retrieved(self._memory.retrieve(item_id)))]
            case events.ItemTruncate(item_id=item_id, content_index=index, audio_end_ms=end_ms):
                self._memory.truncate(item_id, index, end_ms)
                self._patience.cut(now)
                return [Emit(say.item_truncated(item_id, index, end_ms))]
            case events.ItemDelete(item_id=item_id):
                return [*self._caller.delete(item_id), *self._replies.think(now)]
            case events.ResponseCreate(response=params):
                return self._respond(params, now)
            case events.ResponseCancel(response_id=response_id):
                return self._cancel(response_id, now)
            case events.OutputClear():
                told = "'output_audio_buffer.clear' needs a peer whose playout the server paces: WebRTC or SIP."
                raise ProtocolFault("invalid_value", told, "type")

    def _not_heard(self, why: str) -> list[Effect]:
        """Said once: audio comes fifty times a second."""
        if self._unheard:
            return []
        self._unheard = True
        return [Emit(say.fault(_not_spoken(why, "audio")))]

    def _update(self, update: dict[str, Any]) -> list[Effect]:
        merged = merge_session(
            self.session,
            update,
            voice_fixed=self._has_spoken,
            speed_fixed=self._replies.active is not None,
        )
        refuse_remote_tools(merged.session["tools"], "session.tools")
        if self._settings.unspoken is not None and merged.session["output_modalities"] != ["text"]:
            raise _not_spoken(self._settings.unspoken, "session.output_modalities")
        self.session = merged.session
        self._caller.transcribing = self._transcribing
        effects: list[Effect] = []
        if "audio.input.turn_detection" in merged.changed:
            effects = self._caller.configure(self._turns)
        return [*effects, Emit(say.session_updated(deepcopy(self.session)))]

    def _respond(self, params: events.ResponseParams | None, now: float) -> list[Effect]:
        plan = plan_of(self.session, params, self._conversation_id, self._memory)
        if self._settings.unspoken is not None and not plan.text:
            raise _not_spoken(self._settings.unspoken, "response.output_modalities")
        return self._replies.begin(plan, now)

    def _cancel(self, response_id: str | None, now: float) -> list[Effect]:
        effects = self._replies.cancel(response_id, "client_cancelled")
        self._patience.cut(now)
        return [*effects, *self._after_response(now)]

    # ── the caller ──

    def _notice(self, cue: Cue, now: float) -> list[Effect]:
        match cue:
            case Onset(start_ms):
                return self._began(start_ms, now)
            case Lull(pcm):
                return self._caller.paused(pcm)
            case WentOn():
                return self._caller.went_on()
            case Stop(end_ms):
                effects, committed = self._caller.ended(end_ms)
                effects += self._replies.think(now)
                turns = self._turns
                wanted = committed and turns is not None and turns.create_response
                return [*effects, *self._take_turn(now)] if wanted else effects

    def _began(self, start_ms: int, now: float) -> list[Effect]:
        self._patience.stop()
        effects = self._caller.began(start_ms)
        turns = self._turns
        if turns is not None and turns.interrupt_response and self._replies.active is not None:
            self._owed = False
            self._patience.cut(now)
            effects += self._replies.cancel(None, "turn_detected")
        return effects

    def _take_turn(self, now: float) -> list[Effect]:
        """A turn ended and the session wants it answered by itself."""
        if self._replies.active is not None:
            self._owed = True
            return []
        try:
            return self._respond(None, now)
        except ProtocolFault as fault:
            return [Emit(say.fault(fault))]

    def _time_out(self, start_ms: int, now: float) -> list[Effect]:
        try:
            return [*self._caller.timed_out(start_ms), *self._take_turn(now)]
        except ProtocolFault as fault:
            return [Emit(say.fault(fault))]

    # ── responses ──

    def _perhaps_ended(self, answer: Answer, now: float) -> list[Effect]:
        if not answer.done:
            return []
        self._replies.settle(answer)
        return self._after_response(now)

    def _after_response(self, now: float) -> list[Effect]:
        if self._replies.active is None and not self._caller.speaking:
            self._patience.wait(self._caller.total_ms, now)
        return self._settled(now)

    def _settled(self, now: float) -> list[Effect]:
        """What follows once no response runs: the one still owed."""
        if self._replies.active is not None or not self._owed:
            return []
        self._owed = False
        return self._take_turn(now)

    @property
    def _turns(self) -> TurnDetection | None:
        return turn_detection_of(self.session)

    @property
    def _transcribing(self) -> bool:
        return self.session["audio"]["input"]["transcription"] is not None

    def _wall(self, now: float) -> datetime:
        passed = timedelta(seconds=now - self._settings.now)
        return (self._settings.started_at + passed).astimezone(self._zone)


def _not_spoken(why: str, param: str) -> ProtocolFault:
    return ProtocolFault("language_not_spoken", why, param)
