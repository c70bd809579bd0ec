"""Find a payment card and its recent charges."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext

__all__ = ["FindCard", "tool"]


class FindCard(BaseModel):
    """Which card."""

    last4: str = Field(pattern=r"^[0-9]{4}$", description="The last four digits of the card number.")


async def _run(ask: FindCard, context: ToolContext) -> dict[str, Any]:
    return await context.records.find_card(last4=ask.last4)


tool = Tool(
    name="find_card",
    description="Find a card by its last four digits, with its recent charges (amounts in `currency`).",
    parameters=FindCard,
    run=_run,
    category="banking",
)
