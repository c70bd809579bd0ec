"""What is asked of the door, and what comes of it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import pydantic_core

from tools.contract import CallControl, ToolError
from tools.runtime.budget import Budget

__all__ = [
    "LONGEST_KEY",
    "NO_CALL",
    "Caller",
    "Execution",
    "NoCall",
    "Reason",
    "Request",
    "Status",
    "fingerprint",
]

LONGEST_KEY = 255
"""Characters of an idempotency key: what every ledger holds."""

Caller = Literal["model", "rest", "mcp"]
"""Who asks: the model of a call, a client over HTTP, a client of the tools over MCP."""

Status = Literal["done", "failed", "denied", "pending_approval"]
"""`denied`: it was not run, because it may not; `failed`: it was run to no good, or could not be run."""

Reason = Literal[
    "ok",
    # failed
    "unknown-tool", "invalid", "refused", "unavailable", "timed-out", "failed", "uncertain", "in-flight",
    "key-reused", "over-budget", "busy", "out-of-order", "no-ledger", "cancelled",
    # denied
    "blocked", "not-opted-in", "switched-off", "not-offered", "no-policy", "rejected", "expired",
    "call-over",
    # pending
    "awaits-approval",
]  # fmt: skip
"""Why it came to this; one word for metrics and for who reads the journal."""


class NoCall:
    """The control where no call is (`tools.contract.CallControl`): it can do nothing."""

    def hang_up(self) -> None:
        raise ToolError(_NO_CALL)

    def hand_over(self, department: str, reason: str) -> None:
        """There is no agent's part to end: the request for a person stands in the records."""

    def pause_recording(self, *, paused: bool) -> None:
        raise ToolError(_NO_CALL)

    def can_transfer(self, to: str) -> bool:
        return False

    async def transfer(self, to: str, reason: str, mode: Literal["cold", "warm"] | None = None) -> None:
        raise ToolError(_NO_CALL)

    async def press(self, digits: str) -> None:
        raise ToolError(_NO_CALL)

    def hold(self, on: bool) -> None:
        raise ToolError(_NO_CALL)

    def colleague(self, agent: str) -> tuple[str, ...]:
        raise ToolError(_NO_CALL)

    def pass_on(self, agent: str, summary: str, facts: Sequence[str]) -> None:
        raise ToolError(_NO_CALL)

    def take_caller(self) -> None:
        raise ToolError(_NO_CALL)

    def decline_caller(self, reason: str) -> None:
        raise ToolError(_NO_CALL)


_NO_CALL = "This works in a live call only, and there is none."
NO_CALL = NoCall()


@dataclass(frozen=True, slots=True)
class Request:
    """One wish to run a tool."""

    tool: str
    arguments: str | Mapping[str, Any]
    """JSON as the model wrote it, or an object."""
    caller: Caller
    tenant: str
    session_id: str = ""
    call_id: str = ""
    persona_id: str = ""
    key: str | None = None
    """Idempotency key, unique within the tenant; None: made of the tool, the session and the arguments."""
    business_key: str = ""
    """What else tells two runs apart, where the key is made."""
    now: datetime | None = None
    """Local time of the persona's business; None: as the door knows it."""
    calendar: str | None = None
    """Which calendar of the business; None: as the door knows it."""
    control: CallControl = NO_CALL
    offered: frozenset[str] | None = None
    """The tools that who asks may use at all: a persona's. None: any."""
    budget: Budget | None = None
    """What the call may use of tools; None: no limit."""
    retry: bool = True
    validate: bool = True
    """False: the arguments are not checked against the tool's JSON Schema (`tools.arguments.read`)."""
    veiled: bool = False
    """No preview is kept: the caller gives what nobody may read later."""
    fingerprint: str = ""
    """Of an approved request that is taken up again; otherwise it is made."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of a request."""

    id: str
    """`exec_…`; empty when nothing was written down."""
    tool: str
    status: Status
    reason: Reason
    key: str = ""
    result: dict[str, Any] | None = None
    """Of a tool that did it."""
    error: str | None = None
    """Why it did not: a sentence for the model that says what to do instead."""
    replayed: bool = False
    """The key was used before: this is what came of it then, and nothing was run."""
    approval_id: str | None = None
    deduped: bool = False
    """A request with the same key awaits approval already."""
    attempts: int = 0
    duration_ms: int = 0
    started_at: float = 0.0
    """Unix seconds."""
    text: str | None = field(default=None, repr=False, compare=False)
    """The result as JSON, where it was written already."""

    @property
    def ok(self) -> bool:
        """The model may rely on it: it was done, or a person was asked."""
        return self.status in ("done", "pending_approval")

    @property
    def output(self) -> str:
        """What the model is told, as a JSON object."""
        if self.status == "done":
            return self.text or pydantic_core.to_json(self.result, inf_nan_mode="null").decode()
        if self.status == "pending_approval":
            return json.dumps({"status": "pending_approval", "message": _WAITS})
        return json.dumps({"error": self.error})


_WAITS = (
    "A person has to approve this first and was asked. It has not happened yet. Tell the caller so, and go on with "
    "something else; you are told as soon as it is decided. Do not call it again."
)


def fingerprint(request: Request, given: Mapping[str, Any]) -> str:
    """What the request is, whoever asks and whenever: tool, tenant, session, arguments, business key. Hex."""
    told = [request.tool, request.tenant, request.session_id, request.business_key, given]
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
