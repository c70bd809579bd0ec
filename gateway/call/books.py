"""The books of one call: its record, its journal, its figures and its spans. They decide nothing. Part of the shell."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from gateway.call.agent import Agent
from gateway.call.closing import bounded
from gateway.call.effects import Charge, Note, Remark, Time, Write
from gateway.call.journal import Journal
from gateway.call.plan import CallDeps
from gateway.call.spans import CallSpans
from gateway.call.tally import Tally, log_ended, log_remark
from gateway.call.veil import Veil
from gateway.call.watch import Watch
from gateway.errors import Ending, StoreError
from gateway.ports import CallRecord, Ear, Leg

__all__ = ["Books", "Entry"]

logger = logging.getLogger(__name__)

Entry = Write | Charge | Time | Note | Remark
"""Effects that are only written down."""


class Books:
    def __init__(self, agent: Agent, leg: Leg, deps: CallDeps, now: Callable[[], float]) -> None:
        """Of a call that begins now. `now`: the loop's clock."""
        plan = agent.plan
        self.began = now()
        self._agent = agent
        self._leg = leg
        self._deps = deps
        self._now = now
        self._acknowledged = isinstance(leg, Ear) or not leg.plays
        """The far end tells when it heard something, if ever: it need not be reckoned."""
        self.store = Veil(deps.store)
        self.journal = Journal(self.store, plan.call_id)
        self.spans = CallSpans.of(plan, leg.kind, deps, self.began)
        self.watch = Watch(deps.counts, leg.kind, self.spans)
        self._tally = Tally()

    def ms(self, now: float | None = None) -> int:
        """Milliseconds of the call. The core counts from its beginning and is told whole ones, as the journal is: so a
        replay gives it the very same figures."""
        return round(((self._now() if now is None else now) - self.began) * 1000)

    @property
    def answered_by(self) -> str | None:
        """Who answered, as far as is known now (`CallSummary.answered_by`)."""
        return self._tally.answered_by

    async def begin(self, wall: float) -> None:
        """Write the call down; it goes on where that cannot be. `wall`: Unix seconds. Raises SessionBusy."""
        plan, models = self._agent.plan, self._agent.models
        first = models[0].name if models else ""
        record = CallRecord(
            plan.call_id, plan.session_id, plan.tenant, plan.persona.id, self._leg.kind, first, wall
        )
        try:
            await self._deps.store.begin_call(record)
        except StoreError as error:
            logger.error("the call is not written down: %s", error)

    def fact(self, event: dict[str, Any]) -> None:
        """Of the call itself, into its journal."""
        self.journal.call(self.ms(), event)

    def answering(self, before: str, provider: str, model: str) -> None:
        """Who answers from now on. `before`: the provider that did; empty: none."""
        if before and before != provider:
            self._deps.counts.failed_over(before, provider)
        self.watch.answering(provider, model)
        self.fact({"type": "ModelOpened", "provider": provider, "model": model})

    def enter(self, entry: Entry, provider: str) -> None:
        """`provider`: who answers now."""
        match entry:
            case Write(line):
                self.store.transcript(line)
            case Charge(used):
                self._deps.store.usage(used)
                self._tally.charge(entry)
            case Time(timing):
                self._tally.time(entry)
                downlink_ms = None if self._acknowledged else self._leg.downlink_ms
                self.watch.timed(timing, provider, downlink_ms, self._now())
            case Note():
                self._tally.note(entry)
                self.watch.note(entry, provider)
            case Remark(event):
                self.fact(event)
                self._tally.remark(event)
                log_remark(event)

    async def close(
        self, ending: Ending, now: float, *, dropped_ms: int, provider: str, leg: dict[str, float]
    ) -> None:
        """Write the ending, and say the canonical line. `dropped_ms`: audio of given-up replies; `leg`: its figures."""
        plan = self._agent.plan
        summary = self._tally.summary(self.ms(now), dropped_ms, provider, leg)
        self.journal.call(self.ms(now), {"type": "Ended", "ending": str(ending)})
        written = self._deps.store.end_call(plan.call_id, ending, summary)
        await bounded("writing the ending", written, then="it is written when the database is ready for it")
        self.watch.ended(ending, now)
        log_ended(plan.call_id, plan.persona.id, self._leg.kind, ending, summary)
