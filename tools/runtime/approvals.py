"""What a person has to approve: waited for by who asked, decided by an operator, run once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from tools.contract import CALL, Tool
from tools.runtime import told
from tools.runtime.ledger import Entry, Ledger, LedgerError
from tools.runtime.request import Execution, Request
from tools.runtime.runs import SETTLE_S, Runs

__all__ = ["Approvals"]

logger = logging.getLogger(__name__)

POLL_S = 1.0
"""How often it is looked whether another process has decided."""
PICK_UP_S = 5.0
"""How long an approved run may wait for the process in which it was approved."""


class Approvals:
    """Of one process. What is approved runs in a task of its own, so enter it to decide."""

    def __init__(
        self,
        tools: Mapping[str, Tool],
        ledger: Ledger,
        runs: Runs,
        execute: Callable[[Request], Awaitable[Execution]],
        *,
        wall: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._tools = tools
        self._ledger = ledger
        self._runs = runs
        self._execute = execute
        self._wall = wall
        self._now = now
        self._awaited: dict[str, asyncio.Event] = {}
        """Executions that somebody here waits for, by id."""
        self._group: asyncio.TaskGroup | None = None

    @property
    def _on_call(self) -> frozenset[str]:
        """The tools, of those that there are now, that act on a call."""
        return frozenset(name for name, tool in self._tools.items() if tool.category == CALL)

    async def __aenter__(self) -> Approvals:
        self._group = await asyncio.TaskGroup().__aenter__()
        return self

    async def __aexit__(self, *_fault: Any) -> None:
        """Wait for what was approved. The group is not told of a fault: it would wrap it."""
        group, self._group = self._group, None
        if group is not None:
            await group.__aexit__(None, None, None)

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """As a task that is waited for at the end."""
        assert self._group is not None, "enter the approvals first"
        return self._group.create_task(work, name=name)

    async def outcome(self, request: Request, pending: Execution) -> Execution:
        """Wait until a person has decided about a pending request, and say what came of it. What acts on the call is
        run here once it is approved, anything else where it was approved. Raises nothing but CancelledError."""
        again = replace(request, key=pending.key)
        on_call = request.tool in self._on_call
        decided = self._awaited.setdefault(pending.id, asyncio.Event())
        approved_at: float | None = None
        try:
            while True:
                entry = await self._found(request.tenant, pending.id)
                if entry is not None and entry.state == "approved":
                    approved_at = self._now() if approved_at is None else approved_at
                    if on_call or self._now() - approved_at >= PICK_UP_S:
                        return await self._execute(again)
                elif entry is not None and (answer := self._answer(entry)) is not None:
                    return answer
                try:
                    async with asyncio.timeout(POLL_S):
                        _ = await decided.wait()
                    decided.clear()
                except TimeoutError:
                    pass
        except asyncio.CancelledError:
            if on_call:
                await self._lapse(request.tenant, pending.id)
            raise
        finally:
            self._awaited.pop(pending.id, None)

    async def expire(self) -> None:
        """What nobody decided in time, and what acts on calls that are over, waits no longer. Raises LedgerError."""
        await self._ledger.expire(self._wall(), self._on_call)

    async def decide(
        self, tenant: str, approval_id: str, *, approve: bool, by: str, note: str = ""
    ) -> tuple[Entry, bool] | None:
        """A person approves or rejects. The entry as it is then, and whether this was the decision that counts; None:
        nothing of that id awaits one. What is approved runs at once, unless it acts on a call: then the call runs it,
        and when that is over nothing can be decided any more. Raises LedgerError."""
        asked = await self._ledger.find(tenant, approval_id)
        if asked is not None and self._of_call(asked):
            await self.expire()
        found = await self._ledger.decide(
            tenant, approval_id, approve=approve, by=by, note=note, now=self._wall()
        )
        if found is None:
            return None
        entry, counts = found
        if entry.state == "approved" and approve and not self._of_call(entry):
            # Also what was approved before: whoever did may have died before it ran.
            await asyncio.shield(self.start(f"approved:{entry.tool}", self._approved(entry)))
            entry = await self._ledger.find(tenant, approval_id) or entry
        if (waiting := self._awaited.get(entry.id)) is not None:
            waiting.set()
        return entry, counts

    def _of_call(self, entry: Entry) -> bool:
        """Whether its call alone can run it. What REST or MCP asks for has no call to act on, and is told so."""
        return entry.caller == "model" and entry.tool in self._on_call

    async def _lapse(self, tenant: str, execution_id: str) -> None:
        """The call ends. What cannot be written now is found at the next look."""
        try:
            async with asyncio.timeout(SETTLE_S):
                await self._ledger.lapse(tenant, execution_id, self._wall())
        except (LedgerError, TimeoutError) as error:
            logger.warning("what a call waited for is not written down as over: %s", type(error).__name__)

    async def _found(self, tenant: str, execution_id: str) -> Entry | None:
        try:
            return await self._ledger.find(tenant, execution_id)
        except LedgerError:
            return None

    def _answer(self, entry: Entry) -> Execution | None:
        """None: not yet."""
        if entry.state == "pending_approval":
            late = entry.expires_at is not None and entry.expires_at <= self._wall()
            return told.expired(entry) if late else None
        return None if entry.state == "running" else told.kept(entry)

    async def _approved(self, entry: Entry) -> None:
        request = Request(
            tool=entry.tool,
            arguments=entry.arguments or {},
            caller=entry.caller,
            tenant=entry.tenant,
            session_id=entry.session_id,
            call_id=entry.call_id,
            persona_id=entry.persona_id,
            key=entry.key,
            fingerprint=entry.fingerprint,
        )
        execution = await self._execute(request)
        if execution.id == entry.id or execution.reason == "no-ledger":
            return
        # It may not run any more, or its arguments hold no longer: the approval comes to nothing.
        ended = replace(
            entry,
            state="denied" if execution.status == "denied" else "failed",
            reason=execution.reason,
            error=execution.error,
            ended_at=self._wall(),
            arguments=None,
        )
        await self._runs.settled(ended, claimed=True)
