"""Refill a prescription."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext, ToolError
from tools.fields import AccountNumber, ZipCode

__all__ = ["RequestRefill", "tool"]


class RequestRefill(BaseModel):
    """Which prescription, and how it reaches them."""

    of: Literal["patient", "pet"] = Field(description="As given to find_prescriptions.")
    number: AccountNumber
    zip_code: ZipCode
    rx: str = Field(
        min_length=1,
        max_length=40,
        description="The `rx` of a prescription that find_prescriptions returned.",
    )
    collection: Literal["pickup", "delivery"] = Field(
        description="pickup: they fetch it; delivery: it is brought to the address on file."
    )


async def _run(ask: RequestRefill, context: ToolContext) -> dict[str, Any]:
    account = await context.records.find_account(kind=ask.of, number=ask.number, zip_code=ask.zip_code)
    found = next((each for each in account["prescriptions"] if each["rx"] == ask.rx), None)
    if found is None:
        raise ToolError("There is no such prescription. Use an rx from find_prescriptions.")
    if found["refills_left"] < 1:
        raise ToolError(
            f"There are no refills left of the {found['medicine']}: it has to be prescribed anew."
        )
    filed = await context.records.file_request(
        key=context.idempotency_key,
        kind="refill",
        details=ask.model_dump(mode="json", exclude={"zip_code"}),
        session_id=context.session_id,
        name=account["holder"],
        subject=f"prescription:{ask.rx}",
    )
    return {**filed, "medicine": found["medicine"], "refills_left": found["refills_left"] - 1}


tool = Tool(
    name="request_refill",
    description=(
        "Ask for a refill of one prescription. Call it only after the caller agreed to the medicine and to how it "
        "reaches them. Read the reference to them afterwards."
    ),
    parameters=RequestRefill,
    run=_run,
    category="pharmacy",
    effect="write",
    idempotent=True,
    hipaa=True,
)
