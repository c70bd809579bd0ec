"""The person who was called for a caller takes them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tools.contract import CALL, Tool, ToolContext

__all__ = ["TakeCaller", "tool"]


class TakeCaller(BaseModel):
    """Takes nothing."""


async def _run(_: TakeCaller, context: ToolContext) -> dict[str, Any]:
    context.control.take_caller()
    return {"status": "they talk with one another"}


tool = Tool(
    name="take_caller",
    description="Put your caller, who is on hold, through to the person you speak with. Only after they agreed.",
    parameters=TakeCaller,
    run=_run,
    category=CALL,
    effect="write",
)
