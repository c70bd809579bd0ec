"""One call: the task group round the core. `talking`, `errands`, `control` and `closing` are the rest of the shell.

::

    Call.run ── TaskGroup ── model: opens the session, reads its events
                         └─ tool:<name> …

Everything else happens in callbacks of the leg, and of a beat every 50 ms, on the loop, without a queue between: an
input goes to the core, its effects are carried out, and the next input is looked at. So nothing slips between a
decision and its doing.
One future says how the call ends; whoever sets it first has decided; only `run` closes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import Any, Literal

from gateway.call.agent import Agent, nobody_now
from gateway.call.audio import CallAudio, PlayedAudio, RelayedAudio
from gateway.call.beginning import beginning
from gateway.call.closing import bounded, guarded
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
    MachineVerdict,
    SidebandJoined,
    ToolDecided,
    Wish,
)
from gateway.call.interlude import Presses
from gateway.call.journal import Journal
from gateway.call.plan import CallDeps, CallPlan
from gateway.call.recording import CallRecorder
from gateway.call.relay import RelayCore
from gateway.call.sideband import Sideband, Sidebands
from gateway.call.spans import CallSpans
from gateway.call.talking import Talking
from gateway.call.tally import Tally, log_ended, log_remark
from gateway.call.veil import Veil
from gateway.call.watch import Watch
from gateway.carrying import carry
from gateway.consultation import Party
from gateway.errors import (
    HUNG_UP,
    INTERNAL_ERROR,
    MODEL_LOST,
    PROTOCOL,
    TRANSFERRED,
    Busy,
    Ending,
    GatewayError,
    StoreError,
)
from gateway.log import call_id, where
from gateway.ports import (
    CallRecord,
    Ear,
    Event,
    Leg,
    ModelSession,
    Telephone,
)
from gateway.pulse import Pulse
from media.audio import AudioFormat
from media.crossing import Crossing
from media.hold_sound import HoldSound
from personas.succession import Handoff
from tools.runtime.budget import Budget

__all__ = ["Call"]

logger = logging.getLogger(__name__)

TICK_MS = 50
AGAIN_S = 0.1
"""How often the core is told at ticks that an item goes on being played; before all else it is told anyway."""
CALM_TICKS, CALM_EVERY = 20, 4
"""After a second in which nothing came and nothing was decided, every fourth tick is enough for the core's deadlines:
the short ones all follow on something that came."""
WRITTEN_S = 0.5
"""How long a caller waits in silence for the call to be written down; a database that takes longer is waited for
beside."""


class Call:
    """A live call. It is the leg's sink and speaker, and its tools' control."""

    def __init__(self, plan: CallPlan, leg: Leg, deps: CallDeps) -> None:
        loop = asyncio.get_running_loop()
        self._agent = Agent(plan, leg, deps)
        self._leg = leg
        self._deps = deps
        self._now = loop.time
        self._began = self._now()
        ear = leg if isinstance(leg, Ear) else None
        self._has_ear = ear is not None
        plan = self.plan
        self._recorder = _recorder(plan, leg, deps, self._began)
        settings = self._agent.settings(announce=self._recorder is not None)
        self._beginning = beginning(settings, plays=leg.plays)
        self._core = Core(settings, 0.0) if leg.plays else RelayCore(settings, 0.0)
        self._audio: CallAudio = (
            PlayedAudio(leg.downlink_ms, ear, leg.form, self._recorder, beeps=plan.outbound)
            if leg.plays
            else RelayedAudio(leg.send)
        )
        self._store = Veil(deps.store)
        self._journal = Journal(self._store, plan.call_id)
        self._sidebands = Sidebands()
        self._tally = Tally()
        spans = CallSpans.of(plan, leg.kind, deps, self._began)
        self._watch = Watch(deps.counts, leg.kind, spans)
        self._ended: asyncio.Future[Ending] = loop.create_future()
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._talking: asyncio.Task[None] | None = None
        self._model = Talking(self._agent.models, deps.setup_s, plays=leg.plays, form=leg.form)
        self._calm = 0
        """Ticks since anything came or was decided."""
        self._held = False
        """The model hears nothing of the caller."""
        self._other: tuple[Party, Crossing] | None = None
        """With whom the caller talks instead of the agent, and where what they say goes."""
        self._presses = Presses(leg.form)
        """The caller's keys, for the other."""
        self._control = Control(self, self._agent, leg, self._audio, plan.exchange, plan.consultation)
        self._errands = Errands(
            self._agent, deps.door, self._store, self._control, deps.counts, Budget(deps.tool_runs),
            spans=spans, began=self._began, now=self._now,
        )  # fmt: skip
        if plan.consultation is not None:
            plan.consultation.begun(self)

    @property
    def plan(self) -> CallPlan:
        """What the call is, with the persona that speaks now."""
        return self._agent.plan

    def end(self, ending: Ending) -> None:
        """Ask the call to end; whoever asks first decides. Who talks with somebody else was put through, whoever hangs
        up then."""
        if not self._ended.done():
            self._ended.set_result(TRANSFERRED if self._other is not None and ending is HUNG_UP else ending)

    def hold(self, on: bool) -> bool:
        """Put the caller on hold, or back, for as long as somebody wants. False where that cannot be: the client plays
        the audio itself, or a transfer is under way."""
        self._control.hold(on)
        return self._held is on and self._other is None and self._leg.plays

    async def refer(self, to: str) -> None:
        """Have the carrier put the caller through to `to` (E.164 or a SIP URI), once the agent was heard out: returns
        when it has, and the call is about to end. Raises ExchangeRefused with why it did not come about."""
        await self._control.refer(to)

    def machine(self, verdict: MachineVerdict) -> None:
        """Somebody knows who answered. On a call that we did not place it says nothing."""
        if self._control.machine(verdict):
            return
        self._report()
        self._tell(verdict)

    @property
    def answered_by(self) -> str | None:
        """Who answered, as far as is known now (`CallSummary.answered_by`)."""
        return self._tally.answered_by

    def attach(self, send: Callable[[Event], None], on_over: Callable[[Ending], None]) -> Sideband:
        """A sideband of this call: from now on `send` gets every event that the client gets (none holds audio),
        and `on_over` is called once, when the call ends. Both return at once. Raises Busy when it has 8."""
        if self._sidebands.full:
            raise Busy("This call has as many sidebands as it may have.")
        origin = self._sidebands.add(send, on_over)
        self._tell(SidebandJoined(origin))
        return Sideband(origin, self)

    def from_sideband(self, origin: int, message: str) -> None:
        """One client event of a sideband (`Sideband.receive`)."""
        self._report()
        self._tell(ClientSent(message, origin))

    def sideband_gone(self, origin: int) -> None:
        """It was detached (`Sideband.detach`)."""
        self._sidebands.remove(origin)

    async def run(self) -> Ending:
        """Hold the call from its first to its last moment. Never raises but for its own cancellation."""
        wall = self._deps.wall()
        call_id.set(self.plan.call_id)
        self._watch.began()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await self._written(group, wall)
                self._journal.call(self._ms(), self._beginning)
                self._beginning = {}  # as big as all else that a call keeps of its persona
                self._start_talking()
                Pulse.of_loop().join(TICK_MS, self._tick)
                await self._leg.open(self, self)
                await asyncio.wait([self._ended])
                # The leg first: until it is closed the caller hears what is left, and waits.
                await bounded("closing the leg", self._leg.close(self._ended.result()))
                Pulse.of_loop().leave(self._tick)
                for task in self._tasks:
                    task.cancel()
        except* GatewayError as faults:
            self.end(_first(faults).ending)
        except* Exception as faults:  # noqa: BLE001 - logged, and it ends the call
            self._broke(faults)
        finally:
            self.end(INTERNAL_ERROR)
            Pulse.of_loop().leave(self._tick)
            await self._finish(self._ended.result())
        return self._ended.result()

    def _start_talking(self) -> None:
        if self._group is not None:
            self._talking = self._group.create_task(self._talk(), name=f"model:{self.plan.call_id}")
            self._tasks.add(self._talking)
            self._talking.add_done_callback(self._tasks.discard)

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """As a task of the call, which ends with it. One that raises ends the call."""
        if self._group is None or self._ended.done():
            work.close()
            return
        task = self._group.create_task(work, name=f"{name}:{self.plan.call_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ── what the leg tells (gateway.ports.LegSink) ──

    def on_connected(self) -> None:
        self._tell(Connected())

    def on_channel_open(self) -> None:
        self._tell(ChannelOpened())

    def on_audio(self, audio: bytes) -> None:
        if self._other is not None:
            other, says = self._other
            self._audio.overhear(audio, self._now())
            says.push(self._presses.over(audio))
            other.wake()
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
            self._tell(heard)
        self._model.hand(b"", self._audio.speech)

    def on_event(self, message: str) -> None:
        self._report()
        self._tell(ClientSent(message))

    def on_digit(self, digit: str) -> None:
        if self._other is not None:
            if not self._other[0].press(digit):
                self._presses.press(digit)
            return
        if self._control.digit(digit):
            return
        self._report()
        self._store.pressed(digit)
        self._tell(DigitPressed(digit))

    def on_lost(self, ending: Ending) -> None:
        self._tell(Lost(ending))

    # ── what the leg plays (gateway.ports.Speaker) ──

    def pull(self, now: float) -> bytes | None:
        frame, fresh = self._audio.pull(now)
        if fresh:
            self._report()
        return frame

    # ── what its control wants (control.Host) ──

    @property
    def call_id(self) -> str:
        return self.plan.call_id

    def tell(self, wish: Wish) -> None:
        if self._ended.done():
            return
        self._report()
        at_ms = self._ms()
        self._calm = 0
        effects = self._core.control(wish, at_ms / 1000)
        self._journal.tool(at_ms, wish, effects)
        self._apply(effects)

    @property
    def away(self) -> bool:
        return self._held or self._other is not None

    def said(self) -> list[tuple[str, str]]:
        return self._core.said()

    # ── another agent ──

    def pass_on(self, agent: str, handoff: Handoff) -> None:
        """Have the agent of this id take over, once the one that speaks was heard. Raises ToolError when nobody of that
        id is there for this call."""
        if self.away:
            raise nobody_now(agent)
        self.tell(self._agent.successor(agent, handoff, self._core.session))

    def escalate(self, reason: str) -> None:
        """Give the caller to a person: put them through where somebody can be reached, or else say goodbye."""
        self.start("escalate", self._control.escalate(reason))

    def _succeed(self) -> None:
        """The agent that was asked for takes over."""
        if self._agent.succeed():
            self._model.succeed(self._agent.spec(self._core.session))

    def remark(self, event: dict[str, Any]) -> None:
        self._journal.call(self._ms(), event)

    # ── the recording ──

    def pause_recording(self, *, paused: bool) -> None:
        self._report()  # what was heard until now is not of the pause
        self._store.lower(paused)
        if self._recorder is not None:
            self._recorder.pause(paused)
        told = {"type": "RecordingPaused" if paused else "RecordingResumed"}
        self._journal.call(self._ms(), told)

    @property
    def recording(self) -> Literal["off", "on", "paused"]:
        """Whether the call is recorded."""
        if self._recorder is None:
            return "off"
        return "paused" if self._recorder.paused else "on"

    # ── two telephones that are joined (consultation.Party) ──

    def bridge(self, other: Party, *, hears: Crossing, says: Crossing) -> None:
        if self._ended.done():
            other.end(TRANSFERRED)
            return
        self._other = (other, says)
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

    def _tell(self, event: LegInput) -> None:
        """The leg's callbacks come from the loop: a fault in here has no task to fail, so it ends the call."""
        if self._ended.done():
            return
        at_ms = self._ms()
        self._calm = 0
        try:
            effects = self._core.leg(event, at_ms / 1000)
            self._journal.leg(at_ms, event, effects)
            self._apply(effects)
        except Exception as fault:  # noqa: BLE001 - logged, and it ends the call
            self._broke(fault)

    def _broke(self, fault: BaseException) -> None:
        """A fault of ours: say where, not what with, for that may be speech."""
        logger.error("the call broke: %s", where(fault))
        self.end(INTERNAL_ERROR)

    def _report(self, again_s: float = 0.0) -> None:
        """Tell the core how far the audio is."""
        progress = self._audio.progress(self._now(), again_s=again_s)
        if progress is not None:
            if self._has_ear:
                self._watch.played(progress, self._now())
            self._tell(progress)

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
                case Write(entry):
                    self._store.transcript(entry)
                case Charge(used):
                    self._deps.store.usage(used)
                    self._tally.charge(effect)
                case Time():
                    self._tally.time(effect)
                    downlink_ms = self._leg.downlink_ms if self._leg.plays and not self._has_ear else None
                    self._watch.timed(effect.timing, self._model.provider, downlink_ms, self._now())
                case Note():
                    self._tally.note(effect)
                    self._watch.note(effect, self._model.provider)
                case Remark(event):
                    self._journal.call(self._ms(), event)
                    self._tally.remark(event)
                    log_remark(event)
                case Hold(on):
                    self._held = on
                    self._audio.interpose(HoldSound(self._leg.form) if on else None, self._now())
                case Reach(target, warm):
                    self._control.reach(target, warm=warm)
                case Join():
                    self._control.join()
                case Succeed():
                    self._succeed()
                case TransferFailed(reason):
                    self._control.answered(reason)
                case End(ending):
                    self.end(ending)

    def _show(self, event: Event, to: int | None) -> None:
        if to is None or to == LEG:
            self._leg.send(event)
        if to != LEG:
            self._sidebands.send(event, to=to)

    def _send(self, event: Event) -> None:
        if self._other is not None:
            return
        self._watch.sent(event, self._now())
        if not self._model.send(event):
            self.end(PROTOCOL)

    # ── the model ──

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
                self._watch.audio(began.response_id, self._now())
                self._tell(began)
        else:
            self._answering(session)
            self._hear(event)

    def _answering(self, session: ModelSession) -> None:
        """Who answers may change under a session that lasts."""
        before = self._model.changed(session)
        if before is None:
            return
        provider, model = session.provider, session.model
        if before and before != provider:
            self._deps.counts.failed_over(before, provider)
        self._core.answering(model, provider)
        self._watch.answering(provider, model)
        told = {"type": "ModelOpened", "provider": provider, "model": model}
        self._journal.call(self._ms(), told)

    def _hear(self, event: Event) -> None:
        self._model.told(event["type"])
        self._audio.follow(event)
        if not event["type"].endswith(".delta"):
            # Nothing is decided by a few more words.
            self._report()
        at_ms = self._ms()
        self._calm = 0
        try:
            effects = self._core.model(event, at_ms / 1000)
        except Exception:
            self._journal.model(at_ms, event, None)
            raise
        self._journal.model(at_ms, event, effects)
        self._watch.model(event, self._now())
        self._apply(effects)

    # ── tools and time ──

    async def _use(self, tool_call_id: str, name: str, arguments: str) -> None:
        async with aclosing(self._errands.run(tool_call_id, name, arguments)) as answers:
            async for told in answers:
                at_ms = self._ms()
                self._calm = 0
                if isinstance(told, ToolDecided):
                    effects = self._core.decided(told, at_ms / 1000)
                else:
                    effects = self._core.tool(told, at_ms / 1000)
                self._journal.tool(at_ms, told, effects)
                self._apply(effects)

    def _tick(self) -> None:
        try:
            self._audio.delay(self._leg.downlink_ms)
            self._report(AGAIN_S)
            now = self._now()
            if self._recorder is not None:
                self._recorder.passed(now)
            self._calm += 1
            if self._calm > CALM_TICKS and self._calm % CALM_EVERY:
                return
            at_ms = self._ms(now)
            effects = self._core.tick(at_ms / 1000)
            if effects:
                self._calm = 0
            self._journal.tick(at_ms, effects)
            self._apply(effects)
        except GatewayError as fault:
            self.end(fault.ending)
        except Exception as fault:  # noqa: BLE001 - logged, and it ends the call
            self._broke(fault)

    # ── beginning and end ──

    async def _written(self, group: asyncio.TaskGroup, wall: float) -> None:
        """Until the call is written down, within reason. Should it turn out later that it must not be, it ends."""
        task = group.create_task(self._begin(wall), name=f"begin:{self.plan.call_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait([task], timeout=WRITTEN_S)

    async def _begin(self, wall: float) -> None:
        plan = self.plan
        models = self._agent.models
        first = models[0].name if models else ""
        record = CallRecord(
            plan.call_id, plan.session_id, plan.tenant, plan.persona.id, self._leg.kind, first, wall
        )
        try:
            await self._deps.store.begin_call(record)
        except StoreError as error:
            logger.error("the call is not written down: %s", error)

    async def _finish(self, ending: Ending) -> None:
        """Close what is open, write the ending, say the canonical line. Each step whatever became of the others."""
        now = self._now()
        stats: dict[str, float] = {}
        with guarded("reading the leg's figures"):
            stats = self._leg.stats()
        with guarded("telling the other call"):
            if self._other is not None:
                self._other[0].end(TRANSFERRED)
            self._control.over(ending)
        with guarded("telling the sidebands"):
            self._sidebands.over(ending)
        with guarded("closing the voice detector"):
            self._audio.close()
        await bounded("closing the leg", self._leg.close(ending))
        if self._recorder is not None:
            await bounded("closing the recording", self._recorder.close(now))
        with guarded("closing the transcript"):
            # Let the core close what is open in the transcript, however the call ended.
            for effect in self._core.leg(Lost(ending), self._ms(now) / 1000):
                if isinstance(effect, Write):
                    self._store.transcript(effect.entry)
        summary = self._tally.summary(self._ms(now), self._audio.dropped_ms, self._model.provider, stats)
        self._journal.call(self._ms(now), {"type": "Ended", "ending": str(ending)})
        await bounded("writing the ending", self._deps.store.end_call(self.plan.call_id, ending, summary))
        self._watch.ended(ending, now)
        log_ended(self.plan.call_id, self.plan.persona.id, self._leg.kind, ending, summary)

    def _ms(self, now: float | None = None) -> int:
        """Milliseconds of the call. The core counts from its beginning and is told whole ones, as the journal is: so a
        replay gives it the very same figures."""
        return round(((self._now() if now is None else now) - self._began) * 1000)


def _recorder(plan: CallPlan, leg: Leg, deps: CallDeps, began: float) -> CallRecorder | None:
    """None where the call is not recorded. What a client plays itself never is: nobody knows when it was heard."""
    if deps.recordings is None or not leg.plays or not deps.recordings.wanted(plan.persona):
        return None
    return CallRecorder(deps.recordings.tape(plan.call_id, leg.form), leg.form, began)


def _first(group: BaseExceptionGroup[GatewayError]) -> GatewayError:
    """The first fault of a group, however deep."""
    for fault in group.exceptions:
        return _first(fault) if isinstance(fault, BaseExceptionGroup) else fault
    raise AssertionError("an exception group is never empty")
