"""What one call is to be, and what every call of this process shares."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.consultation import Consultation
from gateway.metrics.counts import Counts
from gateway.ports import Exchange, Model, Recordings, Store
from gateway.pricing.tariff import NO_PRICES, Tariff
from gateway.tracing.spans import Tracer
from personas.persona import Persona
from tools.contract import Records, Tool
from tools.runtime.budget import MOST_RUNS
from tools.runtime.door import ToolRuntime

__all__ = ["CallDeps", "CallPlan", "nobody"]


def nobody(_agent: str) -> Persona | None:
    """Where there is no other agent."""
    return None


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What one call is to be."""

    call_id: str
    session_id: str
    tenant: str
    persona: Persona
    session: dict[str, Any] | None = None
    """What the client wants changed of the persona's session from the start: the `session` of a
    `session.update`, already found valid. The persona's policy decides what of it applies."""
    outbound: bool = False
    """We placed the call: whoever answers may be a machine."""
    exchange: Exchange | None = None
    """What the carrier can be asked beside its stream; None where there is no carrier."""
    consultation: Consultation | None = None
    """The call is with a person whom another call's caller wants; it decides this."""
    colleague: Callable[[str], Persona | None] = nobody
    """The agent of an id, as it would be in this session: whom the caller may be passed to."""
    model: Model | None = None
    """Who answers this call, where that is decided already; None: the models of the process."""


@dataclass(frozen=True, slots=True)
class CallDeps:
    """What every call of this process shares."""

    models: tuple[Model, ...]
    """In order of preference: the next is tried when one cannot be opened."""
    model_name: str
    store: Store
    records: Callable[[str], Records]
    """Tenant → its business records."""
    tools: Mapping[str, Tool]
    runtime: ToolRuntime | None = None
    """Through which every tool runs; None: what ran is forgotten with the call."""
    tool_runs: int = MOST_RUNS
    """How often a call may use tools."""
    setup_s: float = 15.0
    tariff: Tariff = NO_PRICES
    budget_usd: float | None = None
    """What a call may cost, in US dollars; a persona may allow less."""
    counts: Counts = field(default_factory=Counts)
    recordings: Recordings | None = None
    tracer: Tracer | None = None
    wall: Callable[[], float] = time.time

    @property
    def door(self) -> ToolRuntime:
        """The runtime; one of the call's own where the process has none."""
        return self.runtime or ToolRuntime(self.tools, records=self.records)
