"""Find an invoice."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tools.contract import Tool, ToolContext
from tools.fields import AccountNumber, ZipCode

__all__ = ["FindInvoice", "tool"]


class FindInvoice(BaseModel):
    """Which invoice."""

    number: AccountNumber
    zip_code: ZipCode


async def _run(ask: FindInvoice, context: ToolContext) -> dict[str, Any]:
    return await context.records.find_account(kind="invoice", number=ask.number, zip_code=ask.zip_code)


tool = Tool(
    name="find_invoice",
    description=(
        "Find an invoice by its number and the ZIP code of the address on it: what it is for, its total and the "
        "balance still open in dollars, and the day it is due."
    ),
    parameters=FindInvoice,
    run=_run,
    category="billing",
)
