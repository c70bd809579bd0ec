"""What is answered to a request that was not run now: sentences for the model, and executions of entries. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tools.runtime.ledger import Entry
from tools.runtime.policy import Refusal
from tools.runtime.request import LONGEST_KEY, Execution, Reason, Status

__all__ = [
    "CANCELLED",
    "KEY_REUSED",
    "KEY_TOO_LONG",
    "NOT_OFFERED",
    "NO_LEDGER",
    "NO_POLICY",
    "expired",
    "failed",
    "kept",
    "pending",
    "refusal",
    "unknown",
]

NO_LEDGER = (
    "The records cannot be reached at the moment, so it was not done. Apologize, and offer to try again."
)
NO_POLICY = (
    "It cannot be checked at the moment whether this is allowed, so it was not done. Apologize, and offer to "
    "try again."
)
NOT_OFFERED = "This agent does not have that tool. Go on without it."
KEY_REUSED = "This idempotency key was used for something else before. Use a new one."
KEY_TOO_LONG = (
    f"The idempotency key is longer than {LONGEST_KEY} characters, so it was not done. Use a shorter one."
)
CANCELLED = "It was broken off: the call ended, or whoever asked went away."
UNCERTAIN = "It may have happened or not: nobody knows what became of it. Say so; do not simply repeat it."
IN_FLIGHT = "It is being done at this moment. Wait, and ask again with the same key."
REJECTED = (
    "A person was asked and does not approve it. It was not done. Tell the caller, and do not ask again."
)
EXPIRED = "Nobody decided about it in time, so it was not done. Tell the caller, and offer another way."


_WHY: Mapping[Refusal, str] = {
    "blocked": "is blocked",
    "not-opted-in": "is for those only who have opted in",
    "switched-off": "is switched off here",
}


def unknown(name: str) -> str:
    return f"There is no tool {name[:64]!r}."


def refusal(name: str, why: Refusal) -> str:
    return f"{name} {_WHY[why]}, by policy. It was not done. Say that you cannot do this, and offer another way."


def failed(tool: str, reason: Reason, sentence: str, *, key: str = "") -> Execution:
    """Of what was never written down."""
    return Execution("", tool, "failed", reason, key=key, error=sentence)


def pending(entry: Entry, *, deduped: bool) -> Execution:
    return Execution(
        entry.id,
        entry.tool,
        "pending_approval",
        "awaits-approval",
        key=entry.key,
        approval_id=entry.approval_id,
        deduped=deduped,
    )


def expired(entry: Entry) -> Execution:
    return _of(entry, "denied", "expired", EXPIRED)


def kept(entry: Entry) -> Execution:
    """What an entry says to who comes with its key; `replayed` where it was done before."""
    match entry.state:
        case "done":
            return _of(entry, "done", "ok", None)
        case "pending_approval" | "approved":
            return pending(entry, deduped=True)
        case "running":
            return _of(entry, "failed", "in-flight", IN_FLIGHT)
        case "uncertain":
            return _of(entry, "failed", entry.reason, entry.error or UNCERTAIN)
        case "rejected":
            return _of(entry, "denied", "rejected", REJECTED)
        case "expired":
            return _of(entry, "denied", entry.reason, entry.error or EXPIRED)
        case "denied":
            return _of(entry, "denied", entry.reason, entry.error)
        case "failed":
            return _of(entry, "failed", entry.reason, entry.error)


def _of(entry: Entry, status: Status, reason: Reason, sentence: str | None) -> Execution:
    return Execution(
        entry.id,
        entry.tool,
        status,
        reason,
        key=entry.key,
        result=entry.result,
        error=sentence,
        replayed=entry.state in ("done", "uncertain", "rejected"),
        approval_id=entry.approval_id,
        attempts=entry.attempts,
    )
