"""What a tool is, and all it may reach: no gateway, no HTTP, no database of its own.

A tool is one file in `tools/builtin/` that exports `tool = Tool(...)`. Its parameters are a pydantic model,
whose JSON Schema is what the model sees; its handler gets them validated, with a `ToolContext`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal, Protocol

from pydantic import BaseModel

__all__ = ["CallControl", "Records", "Tool", "ToolContext", "ToolError"]


class ToolError(Exception):
    """The tool cannot do it. The message is told to the model: it says what is wrong and how to mend it."""


class CallControl(Protocol):
    """What a tool may do to the call it runs in."""

    def hang_up(self) -> None:
        """End the call once what the agent is saying has been heard."""

    def hand_over(self, department: str, reason: str) -> None:
        """Mark the session as handed to a person, and end the agent's part once it has been heard."""

    def pause_recording(self, *, paused: bool) -> None:
        """Have the recording silent from now on, or go on with it. Keys that the caller presses meanwhile reach the
        model, and are written down nowhere. Without a recording only the latter."""

    def can_transfer(self, to: str) -> bool:
        """Whether the caller could be put through to this target or department now."""

    async def transfer(self, to: str, reason: str, mode: Literal["cold", "warm"] | None = None) -> None:
        """Put the caller through to one of the persona's targets, once what the agent is saying has been heard; `mode`
        as the target says without. Returns when the caller is with them, and usually not even then, since the call
        ends. Raises ToolError when there is no such target, when the caller objects, when nobody takes the call."""

    async def press(self, digits: str) -> None:
        """Press keys (0-9, *, #, A-D) for the other side. Raises ToolError where there is no telephone."""

    def hold(self, on: bool) -> None:
        """Put the caller on hold, or back. On hold the model hears nothing and nobody's patience is used up."""

    def take_caller(self) -> None:
        """Join the person of this call with the caller on hold. Raises ToolError when there is none."""

    def decline_caller(self, reason: str) -> None:
        """Go back to the caller on hold with this reason, and end this call. Raises ToolError when there is none."""


class Records(Protocol):
    """The business records that tools act on, scoped to the tenant of the call. Every write takes the
    idempotency key of the tool call: the same key gives the first result again and writes nothing."""

    async def find_slots(
        self, *, service: str, on: date | None, limit: int, calendar: str = "main"
    ) -> list[dict[str, Any]]:
        """Free appointment slots of the calendar, soonest first: `{slot_id, starts_at (ISO local time), provider}`.
        With `on`, of that day only."""

    async def book_appointment(
        self,
        *,
        key: str,
        service: str,
        starts_at: datetime,
        name: str,
        phone: str,
        session_id: str,
        calendar: str = "main",
    ) -> dict[str, Any]:
        """Take the slot: `{booking_id, confirmation_code, service, starts_at, provider}`. Raises ToolError
        when it is no longer free; the message names the nearest free ones."""

    async def find_policy(self, *, number: str) -> dict[str, Any]:
        """`{policy_number, holder, product, status, deductible}`. Raises ToolError when there is none."""

    async def open_claim(
        self,
        *,
        key: str,
        policy_number: str,
        loss_type: str,
        occurred_on: date,
        injured: bool,
        description: str,
        session_id: str,
    ) -> dict[str, Any]:
        """`{claim_id, claim_number, policy_number, status}`."""

    async def find_card(self, *, last4: str) -> dict[str, Any]:
        """`{last4, product, holder, status (active or blocked), charges: [{charge_id, merchant, amount, currency,
        posted_on}]}`. Raises ToolError."""

    async def open_dispute(
        self, *, key: str, last4: str, charge_id: str, reason: str, session_id: str
    ) -> dict[str, Any]:
        """`{dispute_id, reference, merchant, amount, currency, status}`."""

    async def find_account(self, *, kind: str, number: str, zip_code: str) -> dict[str, Any]:
        """What is kept under a number, with what only that kind has: `{number, holder, status, …}`, money in dollars.
        Raises ToolError when there is none with that number and ZIP code; it does not tell which of both is wrong."""

    async def file_request(
        self,
        *,
        key: str,
        kind: str,
        details: dict[str, Any],
        session_id: str,
        name: str = "",
        phone: str = "",
        subject: str | None = None,
    ) -> dict[str, Any]:
        """Write down what a caller asks for: `{request_id, reference, status}`. Of one kind and `subject` there is
        one only. Raises ToolError when there is one already."""

    async def request_handover(
        self, *, key: str, department: str, reason: str, session_id: str
    ) -> dict[str, Any]:
        """`{handover_id, department, position}`: a person will take over."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a running tool knows of its call."""

    call_id: str
    session_id: str
    tenant: str
    persona_id: str
    idempotency_key: str
    """`{session_id}:{tool_call_id}`; handed to every write."""
    now: datetime
    """Local time of the persona's business."""
    records: Records
    control: CallControl
    calendar: str = "main"
    """Which calendar of the business its appointments are in."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One thing an agent may do."""

    name: str
    description: str
    parameters: type[BaseModel]
    run: Callable[[Any, ToolContext], Awaitable[dict[str, Any]]]
    """Given the validated parameters. Its result goes to the model as JSON. Raises ToolError."""
    timeout_s: float = 10.0
    side_effects: bool = False
    """True: a barge-in does not cancel it, and its writes carry the idempotency key."""

    def definition(self) -> dict[str, Any]:
        """The GA `function` tool: flat, with a closed JSON Schema."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": deepcopy(_schema(self.parameters)),
        }


@lru_cache(maxsize=256)
def _schema(parameters: type[BaseModel]) -> dict[str, Any]:
    """Made once: every call asks for its tools twice, and making a schema leaves cycles behind."""
    schema = parameters.model_json_schema()
    schema.pop("title", None)
    schema["additionalProperties"] = False
    return schema
