"""Hand the caller over to a person."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext, ToolError

__all__ = ["HandOver", "tool"]


class HandOver(BaseModel):
    """To whom, and why."""

    department: str = Field(
        min_length=1, max_length=60, description="Who should take over, e.g. front desk, claims."
    )
    reason: str = Field(min_length=1, max_length=400, description="One sentence on what the caller needs.")


async def _run(ask: HandOver, context: ToolContext) -> dict[str, Any]:
    result = await context.records.request_handover(
        key=context.idempotency_key,
        department=ask.department,
        reason=ask.reason,
        session_id=context.session_id,
    )
    if context.control.can_transfer(ask.department):
        try:
            await context.control.transfer(ask.department, ask.reason)
        except ToolError as fault:
            raise ToolError(
                f"{fault} The request is written down: somebody will get back to them."
            ) from None
    else:
        context.control.hand_over(ask.department, ask.reason)
    return result


tool = Tool(
    name="hand_over",
    description=(
        "Hand the caller over to a person, when they ask for one or you cannot help. Tell them so first, "
        "in the same turn."
    ),
    parameters=HandOver,
    run=_run,
    timeout_s=240.0,
    category="handover",
    effect="write",
    idempotent=True,
)
