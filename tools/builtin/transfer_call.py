"""Put the caller through to somebody else."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tools.contract import CALL, Tool, ToolContext

__all__ = ["TransferCall", "tool"]


class TransferCall(BaseModel):
    """To whom, and why."""

    to: str = Field(
        min_length=1,
        max_length=80,
        description="The name of one of those whom you can put callers through to. Never a number.",
    )
    reason: str = Field(
        min_length=1,
        max_length=400,
        description="One sentence on who the caller is and what they need, for the person who takes the call.",
    )
    mode: Literal["cold", "warm"] | None = Field(
        None,
        description="Leave it out unless the caller asks: warm, you speak with the person first; cold, at once.",
    )


async def _run(ask: TransferCall, context: ToolContext) -> dict[str, Any]:
    await context.control.transfer(ask.to, ask.reason, ask.mode)
    return {"status": "the caller is with them"}


tool = Tool(
    name="transfer_call",
    description=(
        "Put the caller through to somebody else, when they ask for that or need what you cannot do. Tell them first, "
        "in the same turn, and say nothing after it. You hear of it only when it came to nothing: then tell the caller "
        "why, and offer what you can do instead."
    ),
    parameters=TransferCall,
    run=_run,
    timeout_s=240.0,
    category=CALL,
    effect="write",
)
