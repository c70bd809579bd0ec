"""Find a customer's order."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tools.contract import Tool, ToolContext
from tools.fields import AccountNumber, ZipCode

__all__ = ["FindOrder", "tool"]


class FindOrder(BaseModel):
    """Which order."""

    number: AccountNumber
    zip_code: ZipCode


async def _run(ask: FindOrder, context: ToolContext) -> dict[str, Any]:
    return await context.records.find_account(kind="order", number=ask.number, zip_code=ask.zip_code)


tool = Tool(
    name="find_order",
    description=(
        "Find an order by its number and the ZIP code it goes to: status, where it is, and its items "
        "(`item_id`, name, price in dollars)."
    ),
    parameters=FindOrder,
    run=_run,
    category="orders",
)
