"""Ask for a quote for an insurance policy."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext, ToolError
from tools.fields import CallerName, CallerPhone
from tools.when import LocalDate

__all__ = ["RequestQuote", "tool"]


class RequestQuote(BaseModel):
    """What is to be insured, from when, and for whom."""

    product: Literal["auto", "home", "renters", "motorcycle"] = Field(description="The kind of policy.")
    zip_code: str = Field(pattern=r"^[0-9]{5}$", description="Where it is insured: five digits.")
    starts_on: LocalDate = Field(description="The first day of cover, YYYY-MM-DD.")
    insured_now: bool = Field(description="Whether they have such a policy with somebody today.")
    name: CallerName
    phone: CallerPhone


async def _run(quote: RequestQuote, context: ToolContext) -> dict[str, Any]:
    if quote.starts_on < context.now.date():
        raise ToolError("The first day of cover is in the past. Ask for a day still to come.")
    filed = await context.records.file_request(
        key=context.idempotency_key,
        kind="quote",
        details=quote.model_dump(mode="json", exclude={"name", "phone"}),
        session_id=context.session_id,
        name=quote.name,
        phone=quote.phone,
    )
    return {**filed, "product": quote.product}


tool = Tool(
    name="request_quote",
    description=(
        "Ask for a quote, which a licensed agent works out. Call it only after the caller agreed to what was read "
        "back to them. Read the reference to them afterwards."
    ),
    parameters=RequestQuote,
    run=_run,
    category="insurance",
    effect="write",
    idempotent=True,
)
