"""The ledger's port: every run is written down, and of those with the same key one runs.

A run's life, as its row tells it::

    pending_approval ─► approved ─► running ─► done
            │  │                       │  ├──► failed      nothing was done; the key is free again
            │  ├─► rejected            │  └──► uncertain   it may have been done or not
            └──┴─► expired             └─ its process dies: uncertain

What acts on a call expires with the call, also when it is approved already: nobody else can run it.

`denied` and `failed` rows hold no key: whoever comes again is looked at anew. The others hold theirs, and a second
request with it gets what came of the first. An `uncertain` run of a tool that can be repeated runs again under the same
key; of any other tool it stays what it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from tools.runtime.request import Caller, Reason

__all__ = [
    "CALL_OVER",
    "HOLDING",
    "LEFT_S",
    "MOST_OF_SESSION",
    "MOST_QUEUED",
    "Claim",
    "Entry",
    "Ledger",
    "LedgerError",
    "RunState",
    "Terms",
    "decided",
    "expired",
    "free",
    "given_up",
    "lapsed",
    "lost",
    "over",
    "taken",
    "waits",
]

RunState = Literal[
    "pending_approval",
    "approved",
    "rejected",
    "expired",
    "running",
    "done",
    "failed",
    "uncertain",
    "denied",
]
MOST_OF_SESSION = 500
MOST_QUEUED = 100
LEFT_S = 300.0
"""How long what was approved may wait for its call to run it: then the call is gone, though nobody wrote it down."""
CALL_OVER = "The call was over before it could be done, so it was not done."
HOLDING = frozenset({"pending_approval", "approved", "rejected", "running", "done", "uncertain"})
"""States that hold their key."""


class LedgerError(Exception):
    """The ledger cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One run, as it is written down. Times are Unix seconds."""

    id: str
    tenant: str
    tool: str
    caller: Caller
    key: str
    fingerprint: str
    state: RunState
    reason: Reason
    session_id: str = ""
    call_id: str = ""
    persona_id: str = ""
    effect: str = "read"
    hipaa: bool = False
    arguments: Mapping[str, Any] | None = None
    """In full, only while a person has to decide about it."""
    preview: str = ""
    """The arguments, redacted."""
    result: dict[str, Any] | None = None
    """In full, where the key may be used again."""
    result_preview: str = ""
    error: str | None = None
    attempts: int = 0
    started_at: float = 0.0
    ended_at: float | None = None
    lease_until: float | None = None
    """When a running one is given up for lost."""
    approval_id: str | None = None
    expires_at: float | None = None
    """When nobody needs to decide any more."""
    decided_at: float | None = None
    decided_by: str | None = None
    note: str | None = None
    """What who decided wrote about it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the ledger says to who wants to run something."""

    entry: Entry
    ours: bool
    """It is to be run now, by whoever asked; otherwise `entry` is what another did, or does."""
    fresh: bool = True
    """Whether the entry was made just now."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what a claim is made."""

    now: float
    repeatable: bool
    """The tool may run again with the same key (`tools.contract.Tool.repeatable`)."""
    approval: bool = False
    """A person has to approve it first."""
    adopt: bool = False
    """An uncertain run of the same fingerprint in the same session is the same wish, whatever its key."""
    fresh_s: float | None = None
    """How long what was done stands for the same key; None: for good."""


def free(entry: Entry, terms: Terms, *, alive: bool) -> bool:
    """Whether a run that holds the key may be run again, or at last, by who comes now. `alive`: its process is not
    known to be dead."""
    if terms.approval and entry.approval_id is None:
        return False
    match entry.state:
        case "approved":
            return True
        case "uncertain":
            return terms.repeatable
        case "running":
            return terms.repeatable and lost(entry, terms.now, alive=alive)
        case _:
            return False


def lost(entry: Entry, now: float, *, alive: bool) -> bool:
    """Whether nobody runs it any more, though it was never settled."""
    return not alive or (entry.lease_until is not None and entry.lease_until <= now)


def over(entry: Entry, terms: Terms) -> bool:
    """Whether it holds its key no longer: nobody decided in time, or what was found is old by now."""
    if entry.state == "pending_approval":
        return entry.expires_at is not None and entry.expires_at <= terms.now
    if entry.state == "done" and terms.fresh_s is not None and entry.ended_at is not None:
        return entry.ended_at + terms.fresh_s <= terms.now
    return False


def waits(entry: Entry, now: float) -> bool:
    """Whether a person may still decide about it."""
    return entry.state == "pending_approval" and (entry.expires_at is None or entry.expires_at > now)


def taken(entry: Entry, fresh: Entry) -> Entry:
    """A `free` run, as who came with `fresh` runs it now."""
    return replace(entry, state="running", lease_until=fresh.lease_until, ended_at=None, error=None)


def given_up(entry: Entry, now: float) -> Entry:
    """A `lost` run that may not run again."""
    return replace(entry, state="uncertain", reason="uncertain", ended_at=now, lease_until=None)


def expired(entry: Entry, now: float) -> Entry:
    """A pending one about which nobody decided in time."""
    return replace(entry, state="expired", reason="expired", ended_at=now, arguments=None)


def lapsed(entry: Entry, now: float) -> Entry:
    """A pending or approved one that only its call could have run, which is over."""
    return replace(expired(entry, now), reason="call-over", error=CALL_OVER)


def decided(entry: Entry, now: float, *, approve: bool, by: str, note: str) -> tuple[Entry, bool]:
    """What a person's decision makes of an entry, and whether it counts: the first one does, if it comes in time."""
    if entry.state != "pending_approval":
        return entry, False
    if entry.expires_at is not None and entry.expires_at <= now:
        return expired(entry, now), False
    entry = replace(entry, decided_at=now, decided_by=by, note=note)
    if approve:
        return replace(entry, state="approved"), True
    return replace(entry, state="rejected", reason="rejected", ended_at=now, arguments=None), True


class Ledger(Protocol):
    """Where runs are written down. All methods raise LedgerError; what they return is durable."""

    async def claim(self, entry: Entry, terms: Terms) -> Claim:
        """Write a run down as it is, `running` or `pending_approval`, unless its key is held: then the entry that holds
        it comes back, as `running` and ours where it is `free`. A `lost` one that is not becomes `uncertain`. One that
        is `over` gives its key up."""

    async def settle(self, entry: Entry) -> None:
        """What came of a run that is ours."""

    async def note(self, entry: Entry) -> None:
        """Write down a run that needed no claim, or was not allowed."""

    async def decide(
        self, tenant: str, approval_id: str, *, approve: bool, by: str, note: str, now: float
    ) -> tuple[Entry, bool] | None:
        """A person decides about a pending one: the entry, and whether this was the decision that counts. None: there
        is none of that id."""

    async def expire(self, now: float, on_call: Collection[str] = ()) -> None:
        """What nobody decided in time, of all tenants, gives up its key and its arguments. So does what a model wants
        of the tools `on_call`, pending or approved, where its call is over."""

    async def lapse(self, tenant: str, execution_id: str, now: float) -> None:
        """The call of this one is over: it expires, unless it was run or decided against."""

    async def waiting(self, now: float) -> int:
        """How many, of all tenants, await a person's decision."""

    async def find(self, tenant: str, execution_id: str) -> Entry | None:
        """By the execution's id, or by that of its approval."""

    async def of_session(self, tenant: str, session_id: str) -> list[Entry]:
        """What was run, or asked for, in a session: the latest 500, oldest first."""

    async def queue(self, tenant: str, now: float, *, settled: bool) -> list[Entry]:
        """What awaits a person's decision, oldest first; or the latest that were decided or expired, newest first.
        100 at most."""
