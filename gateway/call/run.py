"""One call: the task group round its shell. `shell`, `errands`, `control`, `talking` and `closing` are the rest of it.

::

    Call.run ── TaskGroup ── model: opens the session, reads its events
                         └─ tool:<name> …

One future says how the call ends; whoever sets it first has decided; only `run` closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from gateway.call.agent import Agent
from gateway.call.beginning import beginning
from gateway.call.books import Books
from gateway.call.closing import bounded, guarded
from gateway.call.inputs import ClientSent, MachineVerdict, SidebandJoined
from gateway.call.life import Life
from gateway.call.plan import CallDeps, CallPlan
from gateway.call.recording import CallRecorder
from gateway.call.shell import TICK_MS, Shell
from gateway.call.sideband import Sideband
from gateway.errors import INTERNAL_ERROR, Busy, Ending, GatewayError
from gateway.log import call_id
from gateway.ports import Event, Leg
from gateway.pulse import Pulse
from personas.succession import Handoff

__all__ = ["Call"]

WRITTEN_S = 0.5
"""How long a caller waits in silence for the call to be written down; a database that takes longer is waited for
beside."""


class Call:
    """A live call, as those know it who may act on it."""

    def __init__(self, plan: CallPlan, leg: Leg, deps: CallDeps) -> None:
        self._agent = Agent(plan, leg, deps)
        self._leg = leg
        self._deps = deps
        self._now = asyncio.get_running_loop().time
        self._life = Life(plan.call_id)
        self._books = Books(self._agent, leg, deps, self._now)
        self._recorder = CallRecorder.of(
            self.plan.persona, plan.call_id, leg, deps.recordings, self._books.began
        )
        settings = self._agent.settings(announce=self._recorder is not None)
        self._beginning = beginning(settings, plays=leg.plays)
        self._shell = Shell(self._agent, settings, leg, deps, self._life, self._books, self._recorder)
        if plan.consultation is not None:
            plan.consultation.begun(self._shell)

    @property
    def plan(self) -> CallPlan:
        """What the call is, with the persona that speaks now."""
        return self._agent.plan

    def end(self, ending: Ending) -> None:
        """Ask the call to end; whoever asks first decides. Who talks with somebody else was put through, whoever hangs
        up then."""
        self._shell.end(ending)

    def hold(self, on: bool) -> bool:
        """Put the caller on hold, or back, for as long as somebody wants. False where that cannot be: the client plays
        the audio itself, or a transfer is under way."""
        self._shell.control.hold(on)
        return self._shell.holds(on)

    async def refer(self, to: str) -> None:
        """Have the carrier put the caller through to `to` (E.164 or a SIP URI), once the agent was heard out: returns
        when it has, and the call is about to end. Raises ExchangeRefused with why it did not come about."""
        await self._shell.control.refer(to)

    def machine(self, verdict: MachineVerdict) -> None:
        """Somebody knows who answered. On a call that we did not place it says nothing."""
        if self._shell.control.machine(verdict):
            return
        self._shell.heard(verdict)

    @property
    def answered_by(self) -> str | None:
        """Who answered, as far as is known now (`CallSummary.answered_by`)."""
        return self._books.answered_by

    def attach(self, send: Callable[[Event], None], on_over: Callable[[Ending], None]) -> Sideband:
        """A sideband of this call: from now on `send` gets every event that the client gets (none holds audio),
        and `on_over` is called once, when the call ends. Both return at once. Raises Busy when it has 8."""
        if self._shell.sidebands.full:
            raise Busy("This call has as many sidebands as it may have.")
        origin = self._shell.sidebands.add(send, on_over)
        self._shell.told(SidebandJoined(origin))
        return Sideband(origin, self)

    def from_sideband(self, origin: int, message: str) -> None:
        """One client event of a sideband (`Sideband.receive`)."""
        self._shell.heard(ClientSent(message, origin))

    def sideband_gone(self, origin: int) -> None:
        """It was detached (`Sideband.detach`)."""
        self._shell.sidebands.remove(origin)

    def pass_on(self, agent: str, handoff: Handoff) -> None:
        """Have the agent of this id take over, once the one that speaks was heard. Raises ToolError when nobody of that
        id is there for this call."""
        self._shell.pass_on(agent, handoff)

    def said(self) -> list[tuple[str, str]]:
        """The conversation so far: who (`user`, `assistant`) and what."""
        return self._shell.said()

    def escalate(self, reason: str) -> None:
        """Give the caller to a person: put them through where somebody can be reached, or else say goodbye."""
        self._life.start("escalate", self._shell.control.escalate(reason))

    @property
    def recording(self) -> Literal["off", "on", "paused"]:
        """Whether the call is recorded."""
        if self._recorder is None:
            return "off"
        return "paused" if self._recorder.paused else "on"

    def pause_recording(self, *, paused: bool) -> None:
        """Record silence, or go on; the caller's keys are not written down meanwhile."""
        self._shell.pause_recording(paused=paused)

    async def run(self) -> Ending:
        """Hold the call from its first to its last moment. Never raises but for its own cancellation."""
        wall = self._deps.wall()
        ended = self._life.ended
        call_id.set(self.plan.call_id)
        self._books.watch.began()
        try:
            async with asyncio.TaskGroup() as group:
                self._life.begin(group)
                await self._written(wall)
                self._books.fact(self._beginning)
                self._beginning = {}  # as big as all else that a call keeps of its persona
                self._shell.talk()
                Pulse.of_loop().join(TICK_MS, self._shell.tick)
                await self._leg.open(self._shell, self._shell)
                await asyncio.wait([ended])
                # The leg first: until it is closed the caller hears what is left, and waits.
                await bounded("closing the leg", self._leg.close(ended.result()))
                Pulse.of_loop().leave(self._shell.tick)
                self._life.cancel()
        except* GatewayError as faults:
            self.end(_first(faults).ending)
        except* Exception as faults:  # noqa: BLE001 - logged, and it ends the call
            self._shell.broke(faults)
        finally:
            self.end(INTERNAL_ERROR)
            Pulse.of_loop().leave(self._shell.tick)
            await self._finish(ended.result())
        return ended.result()

    async def _written(self, wall: float) -> None:
        """Until the call is written down, within reason. Should it turn out later that it must not be, it ends."""
        task = self._life.begin_task("begin", self._books.begin(wall))
        await asyncio.wait([task], timeout=WRITTEN_S)

    async def _finish(self, ending: Ending) -> None:
        """Close what is open, write the ending, say the canonical line. Each step whatever became of the others."""
        now, shell = self._now(), self._shell
        stats: dict[str, float] = {}
        with guarded("reading the leg's figures"):
            stats = self._leg.stats()
        with guarded("telling the other call"):
            shell.part(ending)
        with guarded("telling the sidebands"):
            shell.sidebands.over(ending)
        with guarded("closing the voice detector"):
            shell.close_audio()
        await bounded("closing the leg", self._leg.close(ending))
        if self._recorder is not None:
            await bounded("closing the recording", self._recorder.close(now))
        with guarded("closing the transcript"):
            shell.close_transcript(ending, now)
        await self._books.close(
            ending, now, dropped_ms=shell.dropped_ms, provider=shell.provider, leg=stats
        )


def _first(group: BaseExceptionGroup[GatewayError]) -> GatewayError:
    """The first fault of a group, however deep."""
    for fault in group.exceptions:
        return _first(fault) if isinstance(fault, BaseExceptionGroup) else fault
    raise AssertionError("an exception group is never empty")
