"""Open an insurance claim."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext, ToolError
from tools.when import LocalDate

__all__ = ["OpenClaim", "tool"]


class OpenClaim(BaseModel):
    """What happened."""

    policy_number: str = Field(
        pattern=r"^[0-9]{6}$", description="A policy number that look_up_policy found."
    )
    loss_type: Literal["collision", "theft", "vandalism", "water", "fire", "weather", "other"] = Field(
        description="The kind of loss; `other` when none of the rest fits."
    )
    occurred_on: LocalDate = Field(description="The day it happened, YYYY-MM-DD; not in the future.")
    injured: bool = Field(description="Whether anybody was hurt.")
    description: str = Field(
        min_length=3, max_length=2000, description="What happened, in the caller's words."
    )


async def _run(claim: OpenClaim, context: ToolContext) -> dict[str, Any]:
    if claim.occurred_on > context.now.date():
        raise ToolError(f"{claim.occurred_on.isoformat()} is in the future; ask for the day again.")
    return await context.records.open_claim(
        key=context.idempotency_key,
        policy_number=claim.policy_number,
        loss_type=claim.loss_type,
        occurred_on=claim.occurred_on,
        injured=claim.injured,
        description=claim.description,
        session_id=context.session_id,
    )


tool = Tool(
    name="open_claim",
    description=(
        "Open a claim under a policy. Call it only after the caller agreed to the summary read back to "
        "them. Read the claim number to them afterwards."
    ),
    parameters=OpenClaim,
    run=_run,
    category="insurance",
    effect="write",
    idempotent=True,
)
