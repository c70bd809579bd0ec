"""Dispute a card charge."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext

__all__ = ["OpenDispute", "tool"]


class OpenDispute(BaseModel):
    """Which charge, and why."""

    last4: str = Field(
        pattern=r"^[0-9]{4}$", description="The last four digits of the card, as given to find_card."
    )
    charge_id: str = Field(
        min_length=1, max_length=64, description="The `charge_id` of a charge that find_card returned."
    )
    reason: Literal["unrecognized", "duplicate", "wrong_amount", "not_received", "canceled"] = Field(
        description=(
            "unrecognized: the caller does not know the charge; duplicate: charged twice; wrong_amount; "
            "not_received: goods never came; canceled: a subscription or order that was canceled."
        )
    )


async def _run(dispute: OpenDispute, context: ToolContext) -> dict[str, Any]:
    return await context.records.open_dispute(
        key=context.idempotency_key,
        last4=dispute.last4,
        charge_id=dispute.charge_id,
        reason=dispute.reason,
        session_id=context.session_id,
    )


tool = Tool(
    name="open_dispute",
    description=(
        "Dispute one charge of a card. Call it only after the caller agreed to the charge and the reason "
        "read back to them. Read the reference to them afterwards."
    ),
    parameters=OpenDispute,
    run=_run,
    category="banking",
    effect="write",
    idempotent=True,
)
