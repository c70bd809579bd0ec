"""Book an appointment."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext, ToolError
from tools.when import LocalDateTime

__all__ = ["BookAppointment", "tool"]


class BookAppointment(BaseModel):
    """What to book, and for whom."""

    service: str = Field(
        min_length=1, max_length=60, description="What the appointment is for, as given to find_slots."
    )
    starts_at: LocalDateTime = Field(
        description="A `starts_at` that find_slots returned, YYYY-MM-DDTHH:MM:SS, local time."
    )
    name: str = Field(
        min_length=2, max_length=120, description="First and last name, as the caller gave it."
    )
    phone: str = Field(
        min_length=7,
        max_length=20,
        pattern=r"^\+?[0-9() .-]+$",
        description="Phone number, digits as the caller gave them.",
    )


async def _run(booking: BookAppointment, context: ToolContext) -> dict[str, Any]:
    if booking.starts_at <= context.now.replace(tzinfo=None):
        raise ToolError("That time is in the past. Offer a time from find_slots.")
    return await context.records.book_appointment(
        key=context.idempotency_key,
        service=booking.service,
        starts_at=booking.starts_at,
        name=booking.name,
        phone=booking.phone,
        session_id=context.session_id,
        calendar=context.calendar,
    )


tool = Tool(
    name="book_appointment",
    description=(
        "Book one free time. Call it only after the caller agreed to the service, the time, the name and "
        "the phone number read back to them. Read the confirmation code to them afterwards."
    ),
    parameters=BookAppointment,
    run=_run,
    category="scheduling",
    effect="write",
    idempotent=True,
)
