"""All live calls of this process: admission, the index, the drain."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.beside import bare_group
from gateway.call.plan import CallDeps, CallPlan, nobody
from gateway.call.run import Call
from gateway.consultation import Consultation
from gateway.crew import crew, stay
from gateway.errors import DRAINED, HUNG_UP, Busy, Ending, SessionBusy
from gateway.log import where
from gateway.ports import Exchange, Leg, Model
from gateway.workers.share import Load
from personas.persona import Persona

__all__ = ["CallRequest", "Supervisor"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What the API asks for."""

    session_id: str
    tenant: str
    persona: Persona
    session: dict[str, Any] | None = None
    """See `gateway.call.plan.CallPlan.session`."""
    outbound: bool = False
    """See `gateway.call.plan.CallPlan.outbound`."""
    exchange: Exchange | None = None
    """What its carrier can be asked; None for a call that came over none."""
    consultation: Consultation | None = None
    """The call is with a person whom another call's caller wants."""
    model: Model | None = None
    """See `gateway.call.plan.CallPlan.model`."""
    colleague: Callable[[str], Persona | None] = nobody
    """See `gateway.call.plan.CallPlan.colleague`."""


class Supervisor:
    """Owns the task of every call. Use as `async with Supervisor.open(deps, …) as supervisor`."""

    def __init__(self, deps: CallDeps, group: asyncio.TaskGroup, *, max_calls: int, drain_s: float) -> None:
        self._deps = deps
        self._group = group
        self._drain_s = drain_s
        self._reserved: dict[str, str] = {}
        """Call → session, from the reservation until the call is over."""
        self._calls: dict[str, Call] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self.max_calls = max_calls
        """Of this machine: those of its other workers count."""
        self.others: Callable[[], int] = lambda: 0
        """Calls of the other workers, as last told."""
        self.promised: Callable[[], int] = lambda: 0
        """Lines that are kept for calls that ring: whoever picks up is to be spoken to."""
        self.others_promised: Callable[[], int] = lambda: 0
        """The same of the other workers, as last told."""
        self.lag: Callable[[], float] = lambda: 0.0
        """How late the event loop is as a rule, in seconds."""
        self.max_lag_s = float("inf")
        """With a loop that is later than this no call is taken: it would harm those that are."""
        self.changed: Callable[[], None] = lambda: None
        """Told when a call comes or goes."""
        self.draining = False
        self._ended_all = False

    @classmethod
    @asynccontextmanager
    async def open(cls, deps: CallDeps, *, max_calls: int, drain_s: float) -> AsyncIterator[Supervisor]:
        """The calls live in this block; leaving it drains them. What the block raises is raised as it is."""
        async with bare_group() as group:
            supervisor = cls(deps, group, max_calls=max_calls, drain_s=drain_s)
            try:
                yield supervisor
            finally:
                await supervisor.drain()

    @property
    def live(self) -> int:
        """Calls that are, or are about to be."""
        return len(self._reserved)

    def promise(self, lines: Callable[[], int]) -> None:
        """`lines` tells how many are kept for calls that ring."""
        self.promised = lines

    @property
    def busy(self) -> bool:
        """Whether no call is taken here, however many there are."""
        return self.draining or self.lag() > self.max_lag_s

    def load(self) -> Load:
        """What the other workers are told."""
        return Load(self.live, self.promised(), self.busy)

    def crowded(self, besides: int = 0) -> bool:
        """Whether the next call would be refused, where so many others were let in and have not come yet, and those
        that ring have their lines."""
        kept = self.promised() + self.others_promised() + besides
        return self.busy or self.live + self.others() + kept >= self.max_calls

    def reserve(self, session_id: str) -> str:
        """Make room for one call and name it. Raises Busy (full, draining) or SessionBusy."""
        counts = self._deps.counts
        if self.draining:
            counts.refused("draining")
            raise Busy("The server is shutting down; call again in a moment.")
        if self.lag() > self.max_lag_s:
            counts.refused("lagging")
            raise Busy("The server has as much to do as it can; try again in a moment.")
        # Whoever picks up has a line, so lines that are kept do not count here.
        if self.live + self.others() >= self.max_calls:
            counts.refused("full")
            raise Busy(f"All {self.max_calls} lines are in use; try again in a moment.")
        if session_id in self._reserved.values():
            counts.refused("session-busy")
            raise SessionBusy("This session already has a live call; hang it up first.")
        call_id = f"rtc_{crew().mark(secrets.token_hex(12))}"
        self._reserved[call_id] = session_id
        self._empty.clear()
        self.changed()
        return call_id

    def release(self, call_id: str) -> None:
        """Give back a reservation whose call did not begin."""
        if call_id not in self._calls:
            self._forget(call_id)

    def begin(self, call_id: str, leg: Leg, request: CallRequest) -> None:
        """Start the reserved call. Its task never fails: it ends with an `Ending`."""
        plan = CallPlan(
            call_id, request.session_id, request.tenant, request.persona, request.session, request.outbound,
            request.exchange, request.consultation, request.colleague, request.model,
        )  # fmt: skip
        call = Call(plan, leg, self._deps)
        self._calls[call_id] = call
        self._group.create_task(self._hold(call), name=f"call:{call_id}")
        if self._ended_all:
            call.end(DRAINED)

    def find(self, call_id: str) -> Call | None:
        """Raises Elsewhere when another worker may know it."""
        call = self._calls.get(call_id)
        if call is None:
            stay(crew().home_of_call(call_id))
        return call

    def hang_up(self, call_id: str, ending: Ending = HUNG_UP) -> bool:
        """End a live call; False when there is none of that id."""
        call = self._calls.get(call_id)
        if call is not None:
            call.end(ending)
        return call is not None

    async def drain(self) -> None:
        """Admit no more calls, give the live ones their time, then end them."""
        self.draining = True
        try:
            async with asyncio.timeout(self._drain_s):
                await self._empty.wait()
        except TimeoutError:
            self.end_all()

    def end_all(self) -> None:
        """End every live call now, and those that had their reservation and begin after this."""
        self._ended_all = True
        for call in self._calls.values():
            call.end(DRAINED)

    async def _hold(self, call: Call) -> None:
        try:
            await call.run()
        except Exception as fault:  # noqa: BLE001 - a call never raises; should it, the others must not pay for it
            logger.error("call %s broke while it was being closed: %s", call.plan.call_id, where(fault))
        finally:
            self._forget(call.plan.call_id)

    def _forget(self, call_id: str) -> None:
        self._calls.pop(call_id, None)
        self._reserved.pop(call_id, None)
        self.changed()
        if not self._reserved:
            self._empty.set()
