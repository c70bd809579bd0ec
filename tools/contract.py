"""What a tool is, and all it may reach: no gateway, no HTTP, no database of its own.

A tool is one file in `tools/builtin/` that exports `tool = Tool(...)`. Its parameters are a pydantic model,
whose JSON Schema is what the model sees; its handler gets them validated, with a `ToolContext`. A tool that is made
of a file or of another server's description has a JSON Schema for its parameters instead (`tools.parameters`).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from tools.parameters import JsonSchemaParameters

__all__ = [
    "CALL",
    "Access",
    "CallControl",
    "Records",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolUnavailable",
]

Access = Literal["global", "tenant_optin", "blocked"]
"""Who may use a tool: every tenant, those that opted in, nobody."""

CALL = "call"
"""The category of tools that act on the live call and on nothing else: they end with it, so nothing is written down to
outlast it, and outside a call they cannot run."""
READ_RETRIES = 2
_CATEGORY = r"[a-z][a-z0-9_]{0,31}"
_NAME = r"[A-Za-z0-9_-]{1,64}"


class ToolError(Exception):
    """The tool cannot do it, and nothing was done. The message is told to the model: it says what is wrong and how to
    mend it."""


class ToolUnavailable(ToolError):
    """What the tool needs could not be reached, so nothing was done. Trying again may help, and is tried where the tool
    allows it (`Tool.retries`). Not for what may have happened: that is any other exception, or a timeout."""


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

    def colleague(self, agent: str) -> tuple[str, ...]:
        """The last lines of the conversation, for the agent of this id. Raises ToolError when the caller cannot be
        passed to it."""

    def pass_on(self, agent: str, summary: str, facts: Sequence[str]) -> None:
        """Have that agent take over the call, once what is being said has been heard. Raises ToolError."""

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

    async def pass_on(
        self,
        *,
        key: str,
        from_agent: str,
        to_agent: str,
        summary: str,
        facts: Sequence[str],
        said: Sequence[str],
        session_id: str,
    ) -> dict[str, Any]:
        """Write down that the session is another agent's from now on: `{handoff_id, agent}`."""


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
    """One thing an agent may do. Raises ValueError for what contradicts itself."""

    name: str
    description: str
    parameters: type[BaseModel] | JsonSchemaParameters
    run: Callable[[Any, ToolContext], Awaitable[dict[str, Any]]]
    """Given the validated parameters: an instance of the model, or a dict where they are a JSON Schema. Its result goes
    to the model as JSON. Raises ToolError, ToolUnavailable."""
    timeout_s: float = 10.0
    """Of one run, with all its retries."""
    category: str = "general"
    """What it is about, for those who decide what may run: `scheduling`, `banking` …; see `CALL`."""
    call_only: bool = False
    """It works in a live call only, though it acts on more than that; what is of the category `CALL` does anyhow."""
    effect: Literal["read", "write"] = "read"
    """`write`: it changes something. A barge-in does not cancel it, and it is done once per idempotency key."""
    idempotent: bool = False
    """Of a write: it hands its idempotency key to something that does the same key once. Only then may it run again
    when nobody knows what became of it."""
    retries: int | None = None
    """How often it is tried again after `ToolUnavailable`, with a growing pause; None: twice for what reads or is
    idempotent, never for other writes."""
    max_concurrent: int | None = None
    """Runs at one time in a process; others wait within their `timeout_s`. None: no limit of its own."""
    approval: bool = False
    """A person has to approve every run first."""
    hipaa: bool = False
    """It handles health information: no preview of what it was given or gave is kept."""
    access: Access = "global"
    """Unless an operator's rule says otherwise (`tools.runtime.policy`)."""

    def __post_init__(self) -> None:
        if not re.fullmatch(_NAME, self.name):
            raise ValueError(f"tool {self.name!r}: a name has 1 to 64 letters, digits, _ and -")
        if not re.fullmatch(_CATEGORY, self.category):
            raise ValueError(
                f"tool {self.name}: the category {self.category!r} is not a word in lower case"
            )
        if self.timeout_s <= 0:
            raise ValueError(f"tool {self.name}: timeout_s must be above 0")
        if self.max_concurrent is not None and self.max_concurrent < 1:
            raise ValueError(f"tool {self.name}: max_concurrent must be 1 at least, or None")
        if self.retries is not None and not 0 <= self.retries <= 10:
            raise ValueError(f"tool {self.name}: retries must be 0 to 10, or None")
        if self.retries and not self.repeatable:
            raise ValueError(
                f"tool {self.name}: a write may be tried again only where it is idempotent; set idempotent=True "
                "if what it writes to does the same idempotency key once, or retries=0"
            )

    @property
    def repeatable(self) -> bool:
        """Whether running it again with the same key does no harm."""
        return self.effect == "read" or self.idempotent

    @property
    def needs_call(self) -> bool:
        """Whether it can do nothing where no call is."""
        return self.call_only or self.category == CALL

    @property
    def tries(self) -> int:
        """Attempts of one run at most."""
        if self.retries is not None:
            return 1 + self.retries
        return 1 + READ_RETRIES if self.repeatable and self.category != CALL else 1

    @property
    def names(self) -> frozenset[str]:
        """Of the parameters, as the model writes them."""
        if isinstance(self.parameters, JsonSchemaParameters):
            return self.parameters.names
        return frozenset(field.alias or name for name, field in self.parameters.model_fields.items())

    def definition(self) -> dict[str, Any]:
        """The GA `function` tool: flat, with the JSON Schema of its parameters."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": self.schema(),
        }

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the parameters; a copy of your own."""
        if isinstance(self.parameters, JsonSchemaParameters):
            return self.parameters.schema()
        return deepcopy(_schema(self.parameters))


@lru_cache(maxsize=256)
def _schema(parameters: type[BaseModel]) -> dict[str, Any]:
    """Made once: every call asks for its tools twice, and making a schema leaves cycles behind."""
    schema = parameters.model_json_schema()
    schema.pop("title", None)
    schema["additionalProperties"] = False
    return schema
