"""The tools that a call's model uses: run for this call, and written down. Part of the shell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from gateway.call.inputs import ToolFinished
from gateway.call.plan import CallPlan
from gateway.call.spans import CallSpans
from gateway.call.veil import Veil
from gateway.metrics.counts import Counts
from gateway.ports import ToolExecution
from tools.contract import CallControl, Records, Tool, ToolContext
from tools.run import run_tool

__all__ = ["Errands"]


class Errands:
    def __init__(
        self,
        plan: CallPlan,
        tools: Mapping[str, Tool],
        records: Callable[[str], Records],
        store: Veil,
        control: CallControl,
        counts: Counts,
        *,
        spans: CallSpans | None = None,
        began: float,
        now: Callable[[], float],
        local_time: Callable[[], datetime],
    ) -> None:
        """`records`: a tenant's. `began` and `now` in seconds of the loop's clock; `local_time`: the persona's."""
        self._plan = plan
        self._tools = tools
        self._records = records
        self._store = store
        self._control = control
        self._counts = counts
        self._spans = spans
        self._call_began = began
        self._now = now
        self._local_time = local_time

    async def run(self, tool_call_id: str, name: str, arguments: str) -> ToolFinished:
        """Never raises but for its own cancellation: whatever a tool does is text for the model."""
        began, plan = self._now(), self._plan
        context = ToolContext(
            call_id=plan.call_id,
            session_id=plan.session_id,
            tenant=plan.tenant,
            persona_id=plan.persona.id,
            idempotency_key=f"{plan.session_id}:{tool_call_id}",
            now=self._local_time(),
            records=self._records(plan.tenant),
            control=self._control,
            calendar=plan.persona.calendar,
        )
        how = "cancelled"
        try:
            outcome = await run_tool(self._tools[name], arguments, context)
            how = outcome.how
        finally:
            if self._spans is not None:
                self._spans.tool(name, tool_call_id, began, self._now(), how)
        started_ms = round((began - self._call_began) * 1000)
        took_s = self._now() - began
        duration_ms = round(took_s * 1000)
        self._counts.observe("parley_tool_seconds", took_s, name, outcome.how)
        self._store.tool_execution(
            ToolExecution(
                plan.call_id, tool_call_id, name, arguments, outcome.output, outcome.ok,
                started_ms=started_ms, duration_ms=duration_ms,
            )
        )  # fmt: skip
        return ToolFinished(tool_call_id, outcome.output, outcome.ok)
