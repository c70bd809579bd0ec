"""Take a message for somebody of the business."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext
from tools.fields import CallerName, CallerPhone

__all__ = ["TakeMessage", "tool"]


class TakeMessage(BaseModel):
    """For whom, from whom, and what."""

    recipient: str = Field(
        min_length=2, max_length=80, description="Who should get it: a person, or a department."
    )
    message: str = Field(min_length=2, max_length=1000, description="In the caller's own words.")
    name: CallerName
    phone: CallerPhone


async def _run(taken: TakeMessage, context: ToolContext) -> dict[str, Any]:
    filed = await context.records.file_request(
        key=context.idempotency_key,
        kind="message",
        details={"recipient": taken.recipient, "message": taken.message},
        session_id=context.session_id,
        name=taken.name,
        phone=taken.phone,
    )
    return {**filed, "recipient": taken.recipient}


tool = Tool(
    name="take_message",
    description=(
        "Take a message, to be called back. Call it only after the caller agreed to the message, the name and the "
        "number read back to them. Read the reference to them afterwards."
    ),
    parameters=TakeMessage,
    run=_run,
    category="messages",
    effect="write",
    idempotent=True,
)
