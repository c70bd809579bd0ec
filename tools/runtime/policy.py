"""Whether a tool may run for a tenant: what the tool says of itself, an operator's rule, the tenant's override. Pure.

==============  ==================  ===================  ==========================
access          no override         enabled: true        enabled: false
==============  ==================  ===================  ==========================
global          runs                runs                 switched off
tenant_optin    not opted in        runs                 switched off
blocked         blocked             **blocked**          blocked
==============  ==================  ===================  ==========================

A rule takes the place of what the tool says; a block of an operator's holds for everybody.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tools.contract import Access, Tool

__all__ = ["DECLARED", "Decision", "Override", "Policy", "PolicyStore", "Rule"]

Refusal = Literal["blocked", "not-opted-in", "switched-off"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an operator laid down for a tool, for all tenants. None: as the tool says."""

    access: Access | None = None
    hipaa: bool | None = None
    category: str | None = None
    description: str | None = None
    updated_at: float = 0.0
    """Unix seconds."""
    updated_by: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """What holds for one tenant. None: as the rule and the tool say."""

    enabled: bool | None = None
    approval: bool | None = None
    """Whether a person has to approve every run."""
    updated_at: float = 0.0
    updated_by: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says of one tool."""

    access: Access
    approval: bool
    hipaa: bool
    refusal: Refusal | None = None

    @property
    def allowed(self) -> bool:
        """Whether it may run, perhaps after approval."""
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in force for one tenant, by the tool's name."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)

    def decide(self, tool: Tool) -> Decision:
        rule = self.rules.get(tool.name, _NO_RULE)
        override = self.overrides.get(tool.name, _NO_OVERRIDE)
        access = rule.access or tool.access
        refusal: Refusal | None = None
        if access == "blocked":
            refusal = "blocked"
        elif override.enabled is False:
            refusal = "switched-off"
        elif access == "tenant_optin" and not override.enabled:
            refusal = "not-opted-in"
        return Decision(
            access,
            approval=tool.approval if override.approval is None else override.approval,
            hipaa=tool.hipaa if rule.hipaa is None else rule.hipaa,
            refusal=refusal,
        )

    def offers(self, tools: Iterable[Tool]) -> tuple[Tool, ...]:
        """Those of the tools that may run: what a model should be told of."""
        return tuple(tool for tool in tools if self.decide(tool).allowed)

    def withheld(self, tools: Iterable[Tool]) -> frozenset[str]:
        """The names of those that may not."""
        return frozenset(tool.name for tool in tools if not self.decide(tool).allowed)

    def fingerprint(self, tools: Iterable[Tool]) -> str:
        """Changes with every decision about these tools, and with nothing else. 16 hex digits."""
        told = []
        for tool in sorted(tools, key=lambda tool: tool.name):
            decision = self.decide(tool)
            told.append(
                [tool.name, decision.access, decision.approval, decision.hipaa, decision.refusal or ""]
            )
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


_NO_RULE = Rule()
_NO_OVERRIDE = Override()
DECLARED = Policy()
"""What the tools say of themselves, and nothing else."""


class PolicyStore(Protocol):
    """Where the rules are kept."""

    async def policy(self, tenant: str) -> Policy:
        """What is in force for the tenant now. Raises LedgerError when it cannot be known."""

    async def whole(self) -> tuple[Mapping[str, Rule], Mapping[str, Mapping[str, Override]]]:
        """All rules, and all overrides by tenant. Raises LedgerError."""
