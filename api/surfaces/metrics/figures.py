"""The figures of this process: those that are counted, and the state of those who are asked."""

from __future__ import annotations

from api.deps import Deps
from gateway.metrics.snapshot import Snapshot

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
    return told
