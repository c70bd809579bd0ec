"""Send an item of an order back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext, ToolError
from tools.fields import AccountNumber, ZipCode

__all__ = ["DAYS_TO_RETURN", "StartReturn", "tool"]

DAYS_TO_RETURN = 30
"""After the delivery."""


class StartReturn(BaseModel):
    """Which item, and why."""

    number: AccountNumber
    zip_code: ZipCode
    item_id: str = Field(
        min_length=1, max_length=40, description="The `item_id` of an item that find_order returned."
    )
    reason: Literal["too_small", "too_large", "damaged", "wrong_item", "changed_mind"] = Field(
        description="Why it goes back."
    )


async def _run(ask: StartReturn, context: ToolContext) -> dict[str, Any]:
    order = await context.records.find_account(kind="order", number=ask.number, zip_code=ask.zip_code)
    item = next((each for each in order["items"] if each["item_id"] == ask.item_id), None)
    if item is None:
        raise ToolError("That item is not part of this order. Use an item_id from find_order.")
    if order["status"] != "delivered":
        raise ToolError(f"The order is {order['status']}; it can go back once it is delivered.")
    if context.now.date() > date.fromisoformat(order["delivered_on"]) + timedelta(days=DAYS_TO_RETURN):
        raise ToolError(f"It was delivered more than {DAYS_TO_RETURN} days ago, so it cannot go back.")
    filed = await context.records.file_request(
        key=context.idempotency_key,
        kind="return",
        details=ask.model_dump(mode="json", exclude={"zip_code"}),
        session_id=context.session_id,
        name=order["holder"],
        subject=f"item:{ask.number}:{ask.item_id}",
    )
    return {**filed, "item": item["name"], "refund": item["price"]}


tool = Tool(
    name="start_return",
    description=(
        "Take an item of a delivered order back, within 30 days. Call it only after the caller agreed to the item and "
        "the reason read back to them. Read the reference to them afterwards."
    ),
    parameters=StartReturn,
    run=_run,
    category="orders",
    effect="write",
    idempotent=True,
)
