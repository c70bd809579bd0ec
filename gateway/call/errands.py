"""The tools that a call's model uses: run for this call, and written down. Part of the shell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.call.inputs import ToolFinished
from gateway.call.plan import CallPlan
from gateway.call.spans import CallSpans
from gateway.call.veil import Veil
from gateway.metrics.counts import Counts
from gateway.ports import ToolExecution
from tools.contract import CallControl
from tools.runtime.budget import Budget
from tools.runtime.door import ToolRuntime
from tools.runtime.request import Request

__all__ = ["Errands"]


class Errands:
    def __init__(
        self,
        plan: CallPlan,
        tools: frozenset[str],
        runtime: ToolRuntime,
        store: Veil,
        control: CallControl,
        counts: Counts,
        budget: Budget,
        *,
        spans: CallSpans | None = None,
        began: float,
        now: Callable[[], float],
        local_time: Callable[[], datetime],
    ) -> None:
        """`tools`: the names of those that the persona has. `began` and `now` in seconds of the loop's clock;
        `local_time`: the persona's."""
        self._plan = plan
        self._tools = tools
        self._runtime = runtime
        self._budget = budget
        self._store = store
        self._control = control
        self._counts = counts
        self._spans = spans
        self._call_began = began
        self._now = now
        self._local_time = local_time

    def succeed(self, plan: CallPlan, tools: frozenset[str]) -> None:
        """Another agent has taken over, with tools of its own."""
        self._plan, self._tools = plan, tools

    async def run(self, tool_call_id: str, name: str, arguments: str) -> ToolFinished:
        """Never raises but for its own cancellation: whatever a tool does is text for the model."""
        began, plan = self._now(), self._plan
        request = Request(
            tool=name,
            arguments=arguments,
            caller="model",
            tenant=plan.tenant,
            session_id=plan.session_id,
            call_id=plan.call_id,
            persona_id=plan.persona.id,
            key=f"{plan.session_id}:{tool_call_id}",
            now=self._local_time(),
            control=self._control,
            calendar=plan.persona.calendar,
            offered=self._tools,
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
        took_s = self._now() - began
        self._counts.observe("parley_tool_seconds", took_s, name, how)
        output, ok = execution.output, execution.ok
        self._store.tool_execution(
            ToolExecution(
                plan.call_id, tool_call_id, name, arguments, output, ok,
                started_ms=round((began - self._call_began) * 1000), duration_ms=round(took_s * 1000),
            )
        )  # fmt: skip
        return ToolFinished(tool_call_id, output, ok)
