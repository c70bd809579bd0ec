"""Block a payment card."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext

__all__ = ["BlockCard", "tool"]


class BlockCard(BaseModel):
    """Which card, why, and whether a new one is sent."""

    last4: str = Field(
        pattern=r"^[0-9]{4}$", description="The last four digits of the card, as given to find_card."
    )
    reason: Literal["lost", "stolen", "damaged"] = Field(description="What happened to it.")
    replace: bool = Field(description="Whether a new card is sent to the address on file.")


async def _run(ask: BlockCard, context: ToolContext) -> dict[str, Any]:
    card = await context.records.find_card(last4=ask.last4)
    filed = await context.records.file_request(
        key=context.idempotency_key,
        kind="card_block",
        details=ask.model_dump(mode="json"),
        session_id=context.session_id,
        name=card["holder"],
        subject=f"card:{ask.last4}",
    )
    return {**filed, "last4": ask.last4, "product": card["product"], "replaced": ask.replace}


tool = Tool(
    name="block_card",
    description=(
        "Block a card for good. It cannot be undone. Call it only after the caller agreed to block the card read back "
        "to them. Read the reference to them afterwards."
    ),
    parameters=BlockCard,
    run=_run,
    category="banking",
    effect="write",
    idempotent=True,
)
