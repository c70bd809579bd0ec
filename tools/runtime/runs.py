"""What may run, run and written down: the step behind the door."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tools.contract import CALL, Records, Tool, ToolContext, ToolUnavailable
from tools.run import ToolOutcome, attempt
from tools.runtime import told
from tools.runtime.fuse import State
from tools.runtime.ledger import Entry, Ledger, LedgerError, RunState
from tools.runtime.previews import preview
from tools.runtime.request import Execution, Reason, Request
from tools.runtime.slots import Busy, Slots

__all__ = ["SETTLE_S", "Run", "Runs", "outlasts"]

logger = logging.getLogger(__name__)

SETTLE_S = 5.0
"""How long the ledger may take to write down what came of a run."""

_FAULTS: Mapping[str, Reason] = {
    "refused": "refused",
    "unavailable": "unavailable",
    "timed-out": "timed-out",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run that was let through."""

    request: Request
    tool: Tool
    parameters: Any
    """As its handler gets them."""
    now: datetime
    calendar: str
    entry: Entry
    claimed: bool
    """The ledger has its entry, and it is ours."""
    withheld: bool
    """Its previews show no values."""


class Runs:
    """Of one process."""

    def __init__(
        self,
        records: Callable[[str], Records],
        ledger: Ledger,
        *,
        wall: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._records = records
        self._ledger = ledger
        self._wall = wall
        self._slots = Slots(now)
        self.running: dict[str, Entry] = {}
        """By id."""

    def breakers(self) -> dict[str, State]:
        """How it stands with the circuit breaker of each tool that has run."""
        return self._slots.breakers()

    async def run(self, run: Run) -> Execution:
        """Raises nothing but CancelledError of its own caller."""
        request, entry = run.request, run.entry
        context = ToolContext(
            call_id=request.call_id,
            session_id=request.session_id,
            tenant=request.tenant,
            persona_id=request.persona_id,
            idempotency_key=entry.key,
            now=run.now,
            records=self._records(request.tenant),
            control=request.control,
            calendar=run.calendar,
        )
        self.running[entry.id] = entry
        try:
            outcome, reason = await self._attempted(run, context)
        except asyncio.CancelledError:
            state: RunState = "uncertain" if outlasts(run.tool) else "failed"
            broken_off = replace(
                entry,
                state=state,
                reason="cancelled",
                ended_at=self._wall(),
                error=told.CANCELLED,
                arguments=None,
            )
            await self.settled(broken_off, claimed=run.claimed)
            raise
        finally:
            self.running.pop(entry.id, None)
        entry = self._ended(run, outcome, reason)
        await self.settled(entry, claimed=run.claimed)
        if not outcome.ok:
            return replace(told.kept(entry), replayed=False)
        return replace(
            told.kept(entry), replayed=False, result=json.loads(outcome.output), text=outcome.output
        )

    async def settled(self, entry: Entry, *, claimed: bool) -> None:
        """Write down what came of it. What cannot be written now stays `running` in the ledger, and is lost when its
        lease is over."""
        try:
            async with asyncio.timeout(SETTLE_S):
                await (self._ledger.settle(entry) if claimed else self._ledger.note(entry))
        except (LedgerError, TimeoutError) as error:
            logger.error("what came of tool %s is not written down: %s", entry.tool, type(error).__name__)

    async def _attempted(self, run: Run, context: ToolContext) -> tuple[ToolOutcome, Reason]:
        try:
            async with self._slots.taken(run.tool) as verdict:
                outcome = await attempt(run.tool, run.parameters, context, retry=run.request.retry)
                verdict.failed = outcome.how in ("unavailable", "timed-out", "failed")
        except ToolUnavailable as fault:
            refused = json.dumps({"error": str(fault)})
            outcome = ToolOutcome(refused, ok=False, how="unavailable", attempts=0)
            return outcome, "busy" if isinstance(fault, Busy) else "out-of-order"
        return outcome, "ok" if outcome.ok else _FAULTS[outcome.how]

    def _ended(self, run: Run, outcome: ToolOutcome, reason: Reason) -> Entry:
        entry = replace(
            run.entry,
            reason=reason,
            attempts=run.entry.attempts + outcome.attempts,
            ended_at=self._wall(),
            lease_until=None,
            arguments=None,
        )
        answer = json.loads(outcome.output)
        if not outcome.ok:
            unsure = outcome.how in ("timed-out", "failed") and outlasts(run.tool)
            return replace(entry, state="uncertain" if unsure else "failed", error=answer["error"])
        kept = {"status": "done"} if run.request.veiled else answer
        return replace(
            entry,
            state="done",
            result=kept if run.claimed else None,
            result_preview=preview(answer, withheld=run.withheld),
        )


def outlasts(tool: Tool) -> bool:
    """Whether what it does is still there when the call is over."""
    return tool.effect == "write" and tool.category != CALL
