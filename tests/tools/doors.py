"""A door whose tools are the test's, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field

from tests.dialogue.talk import NOW, MemoryRecords
from tools.contract import Tool, ToolContext
from tools.runtime.door import Business, ToolRuntime
from tools.runtime.memory import MemoryLedger, MemoryPolicies
from tools.runtime.request import Request

__all__ = ["Counted", "Door", "Number", "asks", "trial"]


class Number(BaseModel):
    count: int = Field(ge=0, le=9)


@dataclass
class Counted:
    """A handler that counts its runs, keeps their keys, and does what it is told to."""

    act: Callable[[int], Awaitable[dict[str, Any]]] | None = None
    """Given the number of the run."""
    keys: list[str] = field(default_factory=list)

    @property
    def runs(self) -> int:
        return len(self.keys)

    async def __call__(self, _: Any, context: ToolContext) -> dict[str, Any]:
        self.keys.append(context.idempotency_key)
        if self.act is not None:
            return await self.act(self.runs)
        return {"run": self.runs}


def trial(run: Any, name: str = "trial", **kind: Any) -> Tool:
    return Tool(name, "A trial.", Number, run, **kind)


class Door:
    """`runtime`, and what stands behind it."""

    def __init__(self, *tools: Tool, ledger: Any = None, policies: Any = None) -> None:
        self.ledger = ledger or MemoryLedger()
        self.policies = policies or MemoryPolicies()
        self.wall = 1_000_000.0
        self.runtime = ToolRuntime(
            {tool.name: tool for tool in tools},
            records=lambda _: MemoryRecords(),
            ledger=self.ledger,
            policies=self.policies,
            business=lambda _: Business(NOW),
            wall=lambda: self.wall + asyncio.get_running_loop().time(),
            now=lambda: asyncio.get_running_loop().time(),
        )


def asks(tool: str = "trial", arguments: Any = None, **how: Any) -> Request:
    return Request(
        tool, {"count": 1} if arguments is None else arguments, **({"caller": "model", "tenant": "t"} | how)
    )
