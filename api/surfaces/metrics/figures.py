"""The figures of this process: those that are counted, and the state of those who are asked."""

from __future__ import annotations

from api.deps import Deps
from gateway.metrics.families import MOST_SERIES, OTHER
from gateway.metrics.snapshot import Snapshot
from tools.runtime.door import ToolRuntime
from tools.runtime.fuse import STATES

__all__ = ["figures"]


def figures(deps: Deps) -> Snapshot:
    """As they are now. Returns at once."""
    told = deps.counts.snapshot()
    told.set("parley_calls_live", deps.supervisor.live)
    told.set("parley_calls_max", deps.supervisor.max_calls)
    told.set("parley_draining", deps.supervisor.draining)
    for state in deps.providers():
        told.set("parley_provider_up", state.up, state.name)
        told.set("parley_provider_failures", state.failures, state.name)
        told.set("parley_provider_next_try_seconds", state.next_try_in_s, state.name)
    _tools(told, deps.runtime)
    return told


def _tools(told: Snapshot, runtime: ToolRuntime) -> None:
    """What the runtime counts: which tools there are is for their files to say, so the series are bounded here."""
    for number, (labels, times) in enumerate(runtime.asked.items()):
        series = labels if number < MOST_SERIES else (OTHER,) * len(labels)
        before = told.value("parley_tool_executions", *series)
        told.set("parley_tool_executions", before + times, *series)
    told.set("parley_approvals_waiting", runtime.waiting)
    for number, (tool, now) in enumerate(runtime.breakers.items()):
        for state in STATES if number < MOST_SERIES // len(STATES) else ():
            told.set("parley_tool_breakers", state == now, tool, state)
