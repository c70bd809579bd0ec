"""The person who was called for a caller does not take them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tools.contract import CALL, Tool, ToolContext

__all__ = ["DeclineCaller", "tool"]


class DeclineCaller(BaseModel):
    """Why."""

    reason: str = Field(
        min_length=1,
        max_length=200,
        description="One sentence that the caller may hear: they are in a meeting; nobody was there, only a voicemail.",
    )


async def _run(ask: DeclineCaller, context: ToolContext) -> dict[str, Any]:
    context.control.decline_caller(ask.reason)
    return {"status": "you go back to your caller; this call ends"}


tool = Tool(
    name="decline_caller",
    description="Go back to your caller without putting them through: the person declines, or nobody is there.",
    parameters=DeclineCaller,
    run=_run,
    category=CALL,
    effect="write",
)
