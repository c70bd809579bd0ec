"""Look up an insurance policy."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext

__all__ = ["LookUpPolicy", "tool"]


class LookUpPolicy(BaseModel):
    """Which policy."""

    number: str = Field(
        pattern=r"^[0-9]{6}$", description="The six digits of the policy number, without spaces."
    )


async def _run(ask: LookUpPolicy, context: ToolContext) -> dict[str, Any]:
    return await context.records.find_policy(number=ask.number)


tool = Tool(
    name="look_up_policy",
    description="Look up a policy by its number: holder, product, status, deductible in dollars.",
    parameters=LookUpPolicy,
    run=_run,
    category="insurance",
)
