"""The shell round a call's core: what the leg and the model tell goes in, and what the core wants is done.

All of it happens in callbacks of the leg and of the model's socket, and of a beat every 50 ms, on the loop, without a
queue between: an input goes to the core, its effects are carried out, and the next input is looked at. So nothing slips
between a decision and its doing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import Any

from gateway.call.agent import Agent, nobody_now
from gateway.call.audio import CallAudio
from gateway.call.books import Books
from gateway.call.control import Control
from gateway.call.core import Core
from gateway.call.effects import (
    Charge,
    Clear,
    CloseGate,
    Disregard,
    Effect,
    End,
    Hold,
    Join,
    Note,
    OpenGate,
    Pause,
    Reach,
    Remark,
    Resume,
    RunTool,
    Succeed,
    Time,
    ToLeg,
    ToModel,
    TransferFailed,
    Write,
)
from gateway.call.errands import Errands
from gateway.call.inputs import (
    LEG,
    ChannelOpened,
    ClientSent,
    Connected,
    DigitPressed,
    Joined,
    LegInput,
    Lost,
    Wish,
)
from gateway.call.joined import OtherEnd
from gateway.call.journaled import JournaledCore
from gateway.call.life import Life
from gateway.call.plan import CallDeps
from gateway.call.played import PlayedAudio
from gateway.call.recording import CallRecorder
from gateway.call.relay import RelayCore
from gateway.call.relayed import RelayedAudio
from gateway.call.sessions import CoreSettings
from gateway.call.sideband import Sidebands
from gateway.call.talking import Talking
from gateway.carrying import carry
from gateway.consultation import Party
from gateway.errors import HUNG_UP, INTERNAL_ERROR, MODEL_LOST, PROTOCOL, TRANSFERRED, Ending, GatewayError
from gateway.log import where
from gateway.ports import Ear, Event, Leg, ModelSession, Telephone
from media.audio import AudioFormat
from media.crossing import Crossing
from media.hold_sound import HoldSound
from personas.succession import Handoff
from tools.runtime.budget import Budget

__all__ = ["AGAIN_S", "TICK_MS", "Shell"]

logger = logging.getLogger(__name__)

TICK_MS = 50
AGAIN_S = 0.2
"""How often the core is told at ticks that an item goes on being played; before all else it is told anyway."""


class Shell:
    """One call's: its leg's sink and speaker, and its control's host."""

    def __init__(
        self, agent: Agent, settings: CoreSettings, leg: Leg, deps: CallDeps, life: Life, books: Books,
        recorder: CallRecorder | None,
    ) -> None:  # fmt: skip
        """`settings`: what the core is made with. `recorder`: None where the call is not recorded."""
        plan = agent.plan
        ear = leg if isinstance(leg, Ear) else None
        self._agent = agent
        self._leg = leg
        self._has_ear = ear is not None
        self._life = life
        self._ended = life.ended
        self._books = books
        self._now = asyncio.get_running_loop().time
        self._recorder = recorder
        core = Core(settings, 0.0) if leg.plays else RelayCore(settings, 0.0)
        self._core = JournaledCore(core, books.journal, books.ms)
        self._audio: CallAudio = (
            PlayedAudio(leg.downlink_ms, ear, leg.form, recorder, beeps=plan.outbound)
            if leg.plays
            else RelayedAudio(leg.send)
        )
        self._model = Talking(agent.models, deps.setup_s, plays=leg.plays, form=leg.form)
        self._talking: asyncio.Task[None] | None = None
        self._held = False
        """The model hears nothing of the caller."""
        self._other: OtherEnd | None = None
        self.sidebands = Sidebands()
        self.control = Control(self, agent, leg, self._audio, plan.exchange, plan.consultation)
        self._errands = Errands(
            agent, deps.door, books.store, self.control, deps.counts, Budget(deps.tool_runs),
            spans=books.spans, began=books.began, now=self._now,
        )  # fmt: skip

    # ── what the leg tells (gateway.ports.LegSink) ──

    def on_connected(self) -> None:
        self.told(Connected())

    def on_channel_open(self) -> None:
        self.told(ChannelOpened())

    def on_audio(self, audio: bytes) -> None:
        if self._other is not None:
            self._audio.overhear(audio, self._now())
            self._other.hear(audio)
            return
        if self._held:
            # Time goes on for the model as it does for the caller.
            audio = self._leg.form.silence * len(audio)
        news = self._audio.hear(audio, self._now())
        if not news:
            self._model.hand(audio, self._audio.speech)
            return
        self._model.keep(audio)
        for heard in news:
            self._report()
            self.told(heard)
        self._model.hand(b"", self._audio.speech)

    def on_event(self, message: str) -> None:
        self.heard(ClientSent(message))

    def on_digit(self, digit: str) -> None:
        if self._other is not None:
            self._other.press(digit)
            return
        if self.control.digit(digit):
            return
        self._report()
        self._books.store.pressed(digit)
        self.told(DigitPressed(digit))

    def on_lost(self, ending: Ending) -> None:
        self.told(Lost(ending))

    # ── what the leg plays (gateway.ports.Speaker) ──

    def pull(self, now: float) -> bytes | None:
        frame, fresh = self._audio.pull(now)
        if fresh:
            self._report()
        return frame

    # ── what its control wants (control.Host) ──

    @property
    def call_id(self) -> str:
        return self._agent.plan.call_id

    def end(self, ending: Ending) -> None:
        """Who talks with somebody else was put through, whoever hangs up then."""
        self._life.end(TRANSFERRED if self._other is not None and ending is HUNG_UP else ending)

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._life.start(name, work)

    def tell(self, wish: Wish) -> None:
        if self._ended.done():
            return
        self._report()
        self._apply(self._core.wish(wish))

    @property
    def away(self) -> bool:
        return self._held or self._other is not None

    def holds(self, on: bool) -> bool:
        """Whether the caller is on hold, or not, as somebody wanted it. Never where the client plays the audio, nor
        while they talk with somebody else."""
        return self._held is on and self._other is None and self._leg.plays

    def said(self) -> list[tuple[str, str]]:
        return self._core.said()

    def pass_on(self, agent: str, handoff: Handoff) -> None:
        if self.away:
            raise nobody_now(agent)
        self.tell(self._agent.successor(agent, handoff, self._core.session))

    def pause_recording(self, *, paused: bool) -> None:
        self._report()  # what was heard until now is not of the pause
        self._books.store.lower(paused)
        if self._recorder is not None:
            self._recorder.pause(paused)
        self._books.fact({"type": "RecordingPaused" if paused else "RecordingResumed"})

    def remark(self, event: dict[str, Any]) -> None:
        self._books.fact(event)

    # ── two telephones that are joined (consultation.Party) ──

    def bridge(self, other: Party, *, hears: Crossing, says: Crossing) -> None:
        if self._ended.done():
            other.end(TRANSFERRED)
            return
        self._other = OtherEnd(other, says, self._leg.form)
        self.remark({"type": "Bridged", "call": other.call_id})
        self.tell(Joined())
        self._audio.interpose(hears, self._now())
        if self._talking is not None:
            # The agent is not needed any more, nor is its model.
            self._talking.cancel()

    @property
    def form(self) -> AudioFormat:
        return self._leg.form

    def wake(self) -> None:
        self._audio.wake()

    def press(self, digit: str) -> bool:
        return isinstance(self._leg, Telephone) and self._leg.send_digits(digit)

    # ── into the core ──

    def heard(self, event: LegInput) -> None:
        """Something that comes of what was played so far: the core is told of that first."""
        self._report()
        self.told(event)

    def told(self, event: LegInput) -> None:
        """The leg's callbacks come from the loop: a fault in here has no task to fail, so it ends the call."""
        if self._ended.done():
            return
        try:
            self._apply(self._core.leg(event))
        except Exception as fault:  # noqa: BLE001 - logged, and it ends the call
            self.broke(fault)

    def broke(self, fault: BaseException) -> None:
        """A fault of ours: say where, not what with, for that may be speech."""
        logger.error("the call broke: %s", where(fault))
        self.end(INTERNAL_ERROR)

    def _report(self, again_s: float = 0.0) -> None:
        """Tell the core how far the audio is."""
        progress = self._audio.progress(self._now(), again_s=again_s)
        if progress is not None:
            if self._has_ear:
                self._books.watch.played(progress, self._now())
            self.told(progress)

    # ── out of the core ──

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case ToLeg(event, to):
                    self._show(event, to)
                case ToModel(event):
                    self._send(event)
                case OpenGate() | CloseGate() | Pause() | Resume() | Clear() | Disregard():
                    self._audio.obey(effect, self._now())
                case RunTool(tool_call_id, name, arguments):
                    self.start(f"tool:{name}", self._use(tool_call_id, name, arguments))
                case Write() | Charge() | Time() | Note() | Remark():
                    self._books.enter(effect, self._model.provider)
                case Hold(on):
                    self._held = on
                    self._audio.interpose(HoldSound(self._leg.form) if on else None, self._now())
                case Reach(target, warm):
                    self.control.reach(target, warm=warm)
                case Join():
                    self.control.join()
                case Succeed():
                    if self._agent.succeed():
                        self._model.succeed(self._agent.spec(self._core.session))
                case TransferFailed(reason):
                    self.control.answered(reason)
                case End(ending):
                    self.end(ending)

    def _show(self, event: Event, to: int | None) -> None:
        if to is None or to == LEG:
            self._leg.send(event)
        if to != LEG:
            self.sidebands.send(event, to=to)

    def _send(self, event: Event) -> None:
        if self._other is not None:
            return
        self._books.watch.sent(event, self._now())
        if not self._model.send(event):
            self.end(PROTOCOL)

    # ── the model ──

    def talk(self) -> None:
        """From now on the model answers."""
        self._talking = self._life.begin_task("model", self._talk())

    async def _talk(self) -> None:
        """Open a model session and read its events until the call ends."""
        async with AsyncExitStack() as stack:
            session = await self._model.open(stack, self._agent.spec(self._core.session))
            self._answering(session)
            self._model.hand_over(session)
            await carry(session, partial(self._said, session))
        self.end(MODEL_LOST)

    def _said(self, session: ModelSession, event: Event) -> None:
        if self._talking is None or self._talking.cancelling():
            # Nobody asks for it any more.
            return
        if event["type"] == "response.output_audio.delta":
            began = self._audio.take(event)
            if began is not None:
                self._books.watch.audio(began.response_id, self._now())
                self.told(began)
        else:
            self._answering(session)
            self._hear(event)

    def _answering(self, session: ModelSession) -> None:
        """Who answers may change under a session that lasts."""
        before = self._model.changed(session)
        if before is None:
            return
        self._core.answering(session.model, session.provider)
        self._books.answering(before, session.provider, session.model)

    def _hear(self, event: Event) -> None:
        self._model.told(event["type"])
        self._audio.follow(event)
        if not event["type"].endswith(".delta"):
            # Nothing is decided by a few more words.
            self._report()
        effects = self._core.model(event)
        self._books.watch.model(event, self._now())
        self._apply(effects)

    # ── tools and time ──

    async def _use(self, tool_call_id: str, name: str, arguments: str) -> None:
        async with aclosing(self._errands.run(tool_call_id, name, arguments)) as answers:
            async for told in answers:
                self._apply(self._core.tool(told))

    def tick(self) -> None:
        try:
            self._audio.delay(self._leg.downlink_ms)
            self._report(AGAIN_S)
            now = self._now()
            if self._recorder is not None:
                self._recorder.passed(now)
            self._apply(self._core.tick())
        except GatewayError as fault:
            self.end(fault.ending)
        except Exception as fault:  # noqa: BLE001 - logged, and it ends the call
            self.broke(fault)

    # ── the end ──

    def part(self, ending: Ending) -> None:
        """Whoever else waits for this call is told that it is over."""
        if self._other is not None:
            self._other.party.end(TRANSFERRED)
        self.control.over(ending)

    def close_transcript(self, ending: Ending, now: float) -> None:
        """Let the core close what is open in the transcript, however the call ended."""
        for line in self._core.over(ending, self._books.ms(now)):
            self._books.store.transcript(line.entry)

    def close_audio(self) -> None:
        self._audio.close()

    @property
    def dropped_ms(self) -> int:
        """Audio of given-up replies that was not played."""
        return self._audio.dropped_ms

    @property
    def provider(self) -> str:
        """Whose model answered last; empty: none has."""
        return self._model.provider
