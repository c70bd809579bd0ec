"""End the call."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tools.contract import CALL, Tool, ToolContext

__all__ = ["HangUp", "tool"]


class HangUp(BaseModel):
    """Takes nothing."""


async def _run(_: HangUp, context: ToolContext) -> dict[str, Any]:
    context.control.hang_up()
    return {"status": "the call ends once the caller has heard you"}


tool = Tool(
    name="hang_up",
    description="End the call. Say goodbye first, in the same turn; use it only when the caller is done.",
    parameters=HangUp,
    run=_run,
    category=CALL,
    effect="write",
)
