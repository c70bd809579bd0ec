"""The tools that a call's model uses: run for this call, and written down. Part of the shell."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from gateway.call.agent import Agent
from gateway.call.inputs import ToolDecided, ToolFinished
from gateway.call.spans import CallSpans
from gateway.call.veil import Veil
from gateway.metrics.counts import Counts
from gateway.ports import ToolExecution
from tools.contract import CallControl
from tools.runtime.budget import Budget
from tools.runtime.door import ToolRuntime
from tools.runtime.request import Execution, Request

__all__ = ["Errands"]


class Errands:
    def __init__(
        self,
        agent: Agent,
        runtime: ToolRuntime,
        store: Veil,
        control: CallControl,
        counts: Counts,
        budget: Budget,
        *,
        spans: CallSpans | None = None,
        began: float,
        now: Callable[[], float],
    ) -> None:
        """`agent`: whose tools they are. `began` and `now` in seconds of the loop's clock."""
        self._agent = agent
        self._runtime = runtime
        self._budget = budget
        self._store = store
        self._control = control
        self._counts = counts
        self._spans = spans
        self._call_began = began
        self._now = now

    async def run(
        self, tool_call_id: str, name: str, arguments: str
    ) -> AsyncGenerator[ToolFinished | ToolDecided]:
        """What it came to; and where a person has to approve it first, what came of that. Never raises but for its own
        cancellation: whatever a tool does is text for the model."""
        began, plan = self._now(), self._agent.plan
        request = Request(
            tool=name,
            arguments=arguments,
            caller="model",
            tenant=plan.tenant,
            session_id=plan.session_id,
            call_id=plan.call_id,
            persona_id=plan.persona.id,
            key=f"{plan.session_id}:{tool_call_id}",
            now=self._agent.local_time,
            control=self._control,
            calendar=plan.persona.calendar,
            offered=frozenset(self._agent.tools),
            budget=self._budget,
            veiled=self._store.down,
        )
        how = "cancelled"
        try:
            execution = await self._runtime.execute(request)
            how = execution.reason
        finally:
            if self._spans is not None:
                self._spans.tool(name, tool_call_id, began, self._now(), how)
        self._counts.observe("parley_tool_seconds", self._now() - began, name, how)
        pending = execution.status == "pending_approval"
        if not pending:
            self._write(tool_call_id, request, execution, began)
        yield ToolFinished(tool_call_id, execution.output, execution.ok, pending)
        if pending:
            execution = await self._runtime.approvals.outcome(request, execution)
            self._write(tool_call_id, request, execution, began)
            yield ToolDecided(tool_call_id, name, execution.output, execution.ok)

    def _write(self, tool_call_id: str, request: Request, execution: Execution, began: float) -> None:
        """As it ended, for the session's record."""
        self._store.tool_execution(
            ToolExecution(
                request.call_id, tool_call_id, request.tool, str(request.arguments), execution.output, execution.ok,
                started_ms=round((began - self._call_began) * 1000),
                duration_ms=round((self._now() - began) * 1000),
            )
        )  # fmt: skip
