"""Pay an invoice by installments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext, ToolError
from tools.fields import AccountNumber, ZipCode
from tools.when import LocalDate

__all__ = ["LATEST_DAYS", "SetUpPaymentPlan", "tool"]

LATEST_DAYS = 31
"""The first installment is due within this many days."""


class SetUpPaymentPlan(BaseModel):
    """Which invoice, and how it is paid."""

    number: AccountNumber
    zip_code: ZipCode
    months: int = Field(ge=2, le=12, description="Installments, one a month: 3, 6 or 12.")
    first_payment_on: LocalDate = Field(description="The day of the first installment, YYYY-MM-DD.")


async def _run(plan: SetUpPaymentPlan, context: ToolContext) -> dict[str, Any]:
    invoice = await context.records.find_account(kind="invoice", number=plan.number, zip_code=plan.zip_code)
    balance = round(invoice["balance"] * 100)
    if balance <= 0:
        raise ToolError(f"Invoice {plan.number} is paid; nothing is open.")
    today = context.now.date()
    if not today <= plan.first_payment_on <= today + timedelta(days=LATEST_DAYS):
        raise ToolError(f"The first payment has to be within the next {LATEST_DAYS} days.")
    monthly = -(-balance // plan.months)
    filed = await context.records.file_request(
        key=context.idempotency_key,
        kind="payment_plan",
        details={
            "number": plan.number,
            "months": plan.months,
            "monthly_cents": monthly,
            "last_cents": balance - monthly * (plan.months - 1),
            "first_payment_on": plan.first_payment_on.isoformat(),
        },
        session_id=context.session_id,
        name=invoice["holder"],
        subject=f"invoice:{plan.number}",
    )
    return {
        **filed,
        "months": plan.months,
        "monthly": monthly / 100,
        "first_payment_on": plan.first_payment_on,
    }


tool = Tool(
    name="set_up_payment_plan",
    description=(
        "Have an open invoice paid by monthly installments, without interest. Call it only after the caller agreed to "
        "the months and the day of the first payment. Read the reference to them afterwards."
    ),
    parameters=SetUpPaymentPlan,
    run=_run,
    category="billing",
    effect="write",
    idempotent=True,
)
