"""Hand the caller over to a person."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext

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
    side_effects=True,
)
