"""Write down somebody who is interested in buying."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext
from tools.fields import CallerName, CallerPhone

__all__ = ["CaptureLead", "tool"]


class CaptureLead(BaseModel):
    """Who, and what they are looking for."""

    interest: str = Field(min_length=2, max_length=80, description="What they are interested in.")
    timeframe: str = Field(min_length=2, max_length=80, description="When they would like to have it.")
    zip_code: str = Field(pattern=r"^[0-9]{5}$", description="Where it is for: five digits.")
    qualified: bool = Field(description="Whether they can decide on it themselves, e.g. own the house.")
    notes: str = Field("", max_length=1000, description="What else they told.")
    name: CallerName
    phone: CallerPhone


async def _run(lead: CaptureLead, context: ToolContext) -> dict[str, Any]:
    filed = await context.records.file_request(
        key=context.idempotency_key,
        kind="lead",
        details=lead.model_dump(mode="json", exclude={"name", "phone"}),
        session_id=context.session_id,
        name=lead.name,
        phone=lead.phone,
    )
    return {**filed, "interest": lead.interest}


tool = Tool(
    name="capture_lead",
    description=(
        "Write down an interested caller, so that an advisor calls them. Call it only after they agreed to what was "
        "read back to them. Read the reference to them afterwards."
    ),
    parameters=CaptureLead,
    run=_run,
    category="sales",
    effect="write",
    idempotent=True,
)
