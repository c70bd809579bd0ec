"""Find free appointment times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext, ToolError
from tools.when import LocalDate

__all__ = ["FindSlots", "tool"]

DAYS_AHEAD = 7
"""How far beyond a day without a free time the search goes on."""


class FindSlots(BaseModel):
    """What to look for."""

    service: str = Field(
        min_length=1,
        max_length=60,
        description="What the appointment is for, e.g. cleaning, checkup, filling.",
    )
    on: LocalDate | None = Field(
        None, description="The day asked for, YYYY-MM-DD. Leave out for the soonest times."
    )
    limit: int = Field(8, ge=1, le=40, description="At most this many times.")


async def _run(ask: FindSlots, context: ToolContext) -> dict[str, Any]:
    if ask.on is not None and ask.on < context.now.date():
        raise ToolError(f"{ask.on.isoformat()} is in the past; today is {context.now.date().isoformat()}.")
    slots = await context.records.find_slots(
        service=ask.service, on=ask.on, limit=ask.limit, calendar=context.calendar
    )
    result: dict[str, Any] = {"service": ask.service, "slots": slots}
    if ask.on is None:
        return result
    result["on"] = ask.on
    if not slots:
        for ahead in range(1, DAYS_AHEAD + 1):
            later = ask.on + timedelta(days=ahead)
            result["other_days"] = await context.records.find_slots(
                service=ask.service, on=later, limit=4, calendar=context.calendar
            )
            if result["other_days"]:
                break
    return result


tool = Tool(
    name="find_slots",
    description=(
        "Find free appointment times for a service, soonest first. When the day asked for has none, "
        "`other_days` holds the next free ones. Offer the caller at most three at a time."
    ),
    parameters=FindSlots,
    run=_run,
    category="scheduling",
)
