"""Find a client's matter."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tools.contract import Tool, ToolContext
from tools.fields import AccountNumber, ZipCode

__all__ = ["FindMatter", "tool"]


class FindMatter(BaseModel):
    """Which matter."""

    number: AccountNumber
    zip_code: ZipCode


async def _run(ask: FindMatter, context: ToolContext) -> dict[str, Any]:
    return await context.records.find_account(kind="matter", number=ask.number, zip_code=ask.zip_code)


tool = Tool(
    name="find_matter",
    description=(
        "Find a client's legal matter by its number and the client's ZIP code: subject, attorney, stage, and the "
        "next event with its day. Nothing else of it may be told."
    ),
    parameters=FindMatter,
    run=_run,
    category="legal",
)
