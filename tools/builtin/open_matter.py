"""Take in somebody who looks for a lawyer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext
from tools.fields import CallerName, CallerPhone

__all__ = ["OpenMatter", "tool"]


class OpenMatter(BaseModel):
    """What it is about, and whom it is against."""

    area: Literal["family", "employment", "injury", "housing", "estate", "other"] = Field(
        description="The field of law."
    )
    other_party: str = Field(
        min_length=2,
        max_length=120,
        description="Who is on the other side, for the check of conflicts; `nobody` where there is none.",
    )
    deadline: bool = Field(description="Whether a court date or another deadline is near.")
    description: str = Field(min_length=2, max_length=1000, description="In the caller's own words.")
    name: CallerName
    phone: CallerPhone


async def _run(matter: OpenMatter, context: ToolContext) -> dict[str, Any]:
    filed = await context.records.file_request(
        key=context.idempotency_key,
        kind="matter",
        details=matter.model_dump(mode="json", exclude={"name", "phone"}),
        session_id=context.session_id,
        name=matter.name,
        phone=matter.phone,
    )
    return {**filed, "area": matter.area}


tool = Tool(
    name="open_matter",
    description=(
        "Open an intake for a person who looks for a lawyer. It makes them no client. Call it only after they agreed "
        "to what was read back to them. Read the reference to them afterwards."
    ),
    parameters=OpenMatter,
    run=_run,
    category="legal",
    effect="write",
    idempotent=True,
)
