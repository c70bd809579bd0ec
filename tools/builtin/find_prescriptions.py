"""Find the prescriptions of a patient or of a pet."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext
from tools.fields import AccountNumber, ZipCode

__all__ = ["FindPrescriptions", "tool"]


class FindPrescriptions(BaseModel):
    """Whose prescriptions."""

    of: Literal["patient", "pet"] = Field(description="patient at a pharmacy, pet at an animal hospital.")
    number: AccountNumber
    zip_code: ZipCode


async def _run(ask: FindPrescriptions, context: ToolContext) -> dict[str, Any]:
    return await context.records.find_account(kind=ask.of, number=ask.number, zip_code=ask.zip_code)


tool = Tool(
    name="find_prescriptions",
    description=(
        "Find the prescriptions under a patient number and ZIP code: `rx`, medicine, dose, refills left. For a "
        "pet its name too."
    ),
    parameters=FindPrescriptions,
    run=_run,
    category="pharmacy",
    hipaa=True,
)
