"""A tool run through the door, as everybody runs it; each time through a fresh one, that remembers nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.contract import Tool, ToolContext
from tools.runtime.door import ToolRuntime
from tools.runtime.request import Execution, Request

__all__ = ["through_door"]


async def through_door(tool: Tool, arguments: str | Mapping[str, Any], context: ToolContext) -> Execution:
    """As the model of a call would, with what `context` says."""
    door = ToolRuntime({tool.name: tool}, records=lambda _tenant: context.records)
    return await door.execute(
        Request(
            tool.name, arguments, "model", context.tenant, context.session_id, context.call_id, context.persona_id,
            key=context.idempotency_key, now=context.now, calendar=context.calendar, control=context.control,
        )
    )  # fmt: skip
