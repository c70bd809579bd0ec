"""Every run of a tool, whoever asks: the model of a call, a client over HTTP, a client over MCP.

In this order: is there such a tool, may who asks use it, does the policy allow it, does the call's budget, are the
arguments what the tool takes, was it done before, does a person have to approve it. Then it runs, in its place among
others, and what came of it is written down. Nothing else in Parley runs a tool.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tools.arguments import object_of, read
from tools.contract import CALL, Records, Tool, ToolError
from tools.runtime import told
from tools.runtime.approvals import Approvals
from tools.runtime.fuse import State
from tools.runtime.ledger import Entry, Ledger, LedgerError, Terms
from tools.runtime.memory import MemoryLedger, MemoryPolicies
from tools.runtime.policy import DECLARED, Decision, Override, Policy, PolicyStore, Rule
from tools.runtime.previews import preview
from tools.runtime.request import LONGEST_KEY, Execution, Reason, Request, fingerprint
from tools.runtime.runs import Run, Runs, outlasts

__all__ = ["APPROVAL_S", "EXPIRE_S", "READ_FRESH_S", "Business", "ToolRuntime"]

logger = logging.getLogger(__name__)

APPROVAL_S = 900.0
"""How long a person may take to decide."""
LEASE_S = 30.0
"""How long after its timeout a run is given up for lost."""
LOOK_S = 5.0
"""How often the policies are looked at, for who offers tools, and how many wait for a person, for who counts."""
EXPIRE_S = 300.0
"""How often it is looked what nobody decided in time."""
READ_FRESH_S = 300.0
"""How long what was read stands for the same request, where its key is made of it."""


@dataclass(frozen=True, slots=True)
class Business:
    """Where and when a persona's tools act."""

    now: datetime
    """Local time."""
    calendar: str = "main"


class ToolRuntime:
    """The door of one process. Enter it where approvals are decided: what is approved runs as a task of its own."""

    def __init__(
        self,
        tools: Mapping[str, Tool],
        *,
        records: Callable[[str], Records],
        ledger: Ledger | None = None,
        policies: PolicyStore | None = None,
        business: Callable[[str], Business] = lambda _persona: Business(datetime.now(UTC)),
        approval_s: float = APPROVAL_S,
        wall: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
        mark: Callable[[str], str] = str,
    ) -> None:
        """`records`: a tenant's. `ledger` and `policies`: by default such as end with the process. `business`: of a
        persona, by its id, which may be empty. `wall`: Unix seconds; `now`: seconds that only go forward.
        `mark`: random hexadecimal digits as they are in the ids of runs."""
        self._tools = tools
        self.ledger: Ledger = ledger or MemoryLedger()
        """What ran, for who reads it."""
        self._policies: PolicyStore = policies or MemoryPolicies()
        self._business = business
        self._approval_s = approval_s
        self._wall = wall
        self._now = now
        self._mark = mark
        self._rules: Mapping[str, Rule] = {}
        self._overrides: Mapping[str, Mapping[str, Override]] = {}
        self._watching: asyncio.Task[None] | None = None
        self.asked: Counter[tuple[str, str, str]] = Counter()
        """What was asked for since the process began, by tool (`other`: there is none of that name), by who asked, and
        by what came of it: a reason, or `replayed`."""
        self.waiting = 0
        """How many, of all tenants, awaited a person's decision as of the last look."""
        self._runs = Runs(records, self.ledger, wall=wall, now=now)
        self.approvals = Approvals(tools, self.ledger, self._runs, self.execute, wall=wall, now=now)

    async def __aenter__(self) -> ToolRuntime:
        _ = await self.approvals.__aenter__()
        await self.look()
        await self._expire()
        self._watching = self.approvals.start("tools:policy", self._watch())
        return self

    async def __aexit__(self, *fault: Any) -> None:
        if self._watching is not None:
            self._watching.cancel()
        await self.approvals.__aexit__(*fault)

    @property
    def tools(self) -> Mapping[str, Tool]:
        """All there are, by name."""
        return self._tools

    @property
    def running(self) -> Mapping[str, Entry]:
        """What runs in this process now, by id."""
        return self._runs.running

    @property
    def breakers(self) -> Mapping[str, State]:
        """How it stands with the circuit breaker of each tool that has run in this process."""
        return self._runs.breakers()

    async def policy(self, tenant: str) -> Policy:
        """What is in force for a tenant now. Raises LedgerError."""
        return await self._policies.policy(tenant)

    def known(self, tenant: str) -> Policy:
        """What was in force when it was looked at last, for who offers tools. Whether one runs is decided anew when it
        is to."""
        return Policy(self._rules, self._overrides.get(tenant, {}))

    async def look(self) -> None:
        """Look at the policies of all tenants; `known` tells them from then on, and `waiting` who waits for a person.
        What cannot be read stays as it was."""
        try:
            self._rules, self._overrides = await self._policies.whole()
            self.waiting = await self.ledger.waiting(self._wall())
        except LedgerError as error:
            logger.warning("the tool policy cannot be read: %s", error)

    async def _watch(self) -> None:
        expired_at = self._now()
        while True:
            await asyncio.sleep(LOOK_S)
            if self._now() - expired_at >= EXPIRE_S:
                expired_at = self._now()
                await self._expire()
            try:
                await self.look()
            except Exception as fault:  # noqa: BLE001 - our bug: this group has the approvals, and ends with a fault
                logger.error("the tool policy could not be looked at: %s", type(fault).__name__)

    async def _expire(self) -> None:
        try:
            await self.approvals.expire()
        except Exception as fault:  # noqa: BLE001 - as in `_watch`
            logger.error("what nobody decided in time could not be looked for: %s", type(fault).__name__)

    async def execute(self, request: Request) -> Execution:
        """Run what is asked for, or say why not. Raises nothing but CancelledError of its own caller."""
        began, at = self._now(), self._wall()
        try:
            execution = await self._admitted(request, at)
        except LedgerError as error:
            logger.error("tool %s was not run: %s", request.tool, error)
            execution = told.failed(request.tool, "no-ledger", told.NO_LEDGER)
        except asyncio.CancelledError:
            self._count(request, "cancelled")
            raise
        self._count(request, "replayed" if execution.replayed else execution.reason)
        return replace(execution, duration_ms=round((self._now() - began) * 1000), started_at=at)

    def _count(self, request: Request, outcome: str) -> None:
        tool = request.tool if request.tool in self._tools else "other"
        self.asked[tool, request.caller, outcome] += 1

    # ── may it run ──

    async def _admitted(self, request: Request, at: float) -> Execution:
        tool = self._tools.get(request.tool)
        if tool is None:
            return told.failed(request.tool, "unknown-tool", told.unknown(request.tool))
        if len(request.key or "") > LONGEST_KEY:  # before anything is written down under it
            return told.failed(request.tool, "invalid", told.KEY_TOO_LONG)
        decision = await self._decision(request.tenant, tool)
        entry = self._entry(request, tool, decision, at)
        if request.offered is not None and tool.name not in request.offered:
            return await self._refused(entry, "not-offered", told.NOT_OFFERED)
        if decision is None:
            return await self._refused(entry, "no-policy", told.NO_POLICY)
        if decision.refusal is not None:
            return await self._refused(entry, decision.refusal, told.refusal(tool.name, decision.refusal))
        if request.budget is not None and (sentence := request.budget.take()):
            return await self._failed(entry, "over-budget", sentence)
        try:
            return await self._checked(request, tool, decision, entry)
        finally:
            if request.budget is not None:
                request.budget.give_back()

    async def _decision(self, tenant: str, tool: Tool) -> Decision | None:
        """None when the rules cannot be known: then only what acts on the call itself may run, as it says itself."""
        try:
            return (await self._policies.policy(tenant)).decide(tool)
        except LedgerError as error:
            logger.error("the tool policy cannot be read: %s", error)
            return DECLARED.decide(tool) if tool.category == CALL else None

    async def _checked(self, request: Request, tool: Tool, decision: Decision, entry: Entry) -> Execution:
        business = self._business(request.persona_id)
        now = request.now or business.now
        try:
            given = object_of(request.arguments)
            parameters = read(tool, given, now, check=request.validate or decision.approval)
        except ToolError as fault:
            return await self._failed(entry, "invalid", str(fault))
        calendar = request.calendar or business.calendar
        withheld = decision.hipaa or request.veiled
        print_ = request.fingerprint or fingerprint(request, given)
        entry = replace(
            entry,
            key=request.key or f"fp_{print_}",
            fingerprint=print_,
            preview=preview(given, withheld=withheld),
            lease_until=entry.started_at + 2 * tool.timeout_s + LEASE_S,
        )
        if decision.approval:
            entry = replace(
                entry,
                state="pending_approval",
                reason="awaits-approval",
                approval_id=f"appr_{uuid.uuid4().hex}",
                arguments=given,
                expires_at=entry.started_at + self._approval_s,
            )
        claimed = decision.approval or request.caller != "model" or outlasts(tool)
        if claimed:
            claim = await self.ledger.claim(entry, self._terms(request, tool, decision, entry.started_at))
            if claim.entry.fingerprint != print_:
                return told.failed(tool.name, "key-reused", told.KEY_REUSED, key=entry.key)
            if not claim.ours:
                if claim.fresh:
                    return told.pending(claim.entry, deduped=False)
                return told.kept(claim.entry)
            entry = claim.entry
        return await self._runs.run(Run(request, tool, parameters, now, calendar, entry, claimed, withheld))

    def _terms(self, request: Request, tool: Tool, decision: Decision, now: float) -> Terms:
        made = request.key is None and tool.effect == "read"
        return Terms(
            now,
            repeatable=tool.repeatable,
            approval=decision.approval,
            adopt=request.caller == "model" and tool.effect == "write",
            fresh_s=READ_FRESH_S if made else None,
        )

    def _entry(self, request: Request, tool: Tool, decision: Decision | None, at: float) -> Entry:
        return Entry(
            id=f"exec_{self._mark(uuid.uuid4().hex)}",
            tenant=request.tenant,
            tool=tool.name,
            caller=request.caller,
            key=request.key or "",
            fingerprint="",
            state="running",
            reason="ok",
            session_id=request.session_id,
            call_id=request.call_id,
            persona_id=request.persona_id,
            effect=tool.effect,
            hipaa=tool.hipaa if decision is None else decision.hipaa,
            started_at=at,
        )

    # ── it does not ──

    async def _refused(self, entry: Entry, reason: Reason, sentence: str) -> Execution:
        return await self._noted(replace(entry, state="denied", reason=reason, error=sentence))

    async def _failed(self, entry: Entry, reason: Reason, sentence: str) -> Execution:
        return await self._noted(replace(entry, state="failed", reason=reason, error=sentence))

    async def _noted(self, entry: Entry) -> Execution:
        await self._runs.settled(replace(entry, ended_at=self._wall()), claimed=False)
        return told.kept(entry)
