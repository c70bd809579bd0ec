"""A ledger and a policy that end with the process: for a conversation in a terminal, and for tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from tools.runtime.ledger import (
    HOLDING,
    LEFT_S,
    MOST_OF_SESSION,
    MOST_QUEUED,
    Claim,
    Entry,
    Terms,
    decided,
    expired,
    free,
    given_up,
    lapsed,
    lost,
    over,
    taken,
    waits,
)
from tools.runtime.policy import Override, Policy, Rule

__all__ = ["MOST_ENTRIES", "MemoryLedger", "MemoryPolicies"]

MOST_ENTRIES = 10_000
"""Of the oldest that hold no key, the first go when there are more."""


class MemoryLedger:
    """See `tools.runtime.ledger.Ledger`."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        """By id, oldest first."""
        self._held: dict[tuple[str, str], str] = {}
        """Tenant and key → id."""

    async def claim(self, entry: Entry, terms: Terms) -> Claim:
        held = self._holder(entry, terms)
        if held is not None and over(held, terms):
            state = "expired" if held.state == "pending_approval" else held.state
            self._keep(replace(held, state=state, reason="expired" if state == "expired" else held.reason))
            self._held.pop((held.tenant, held.key), None)
            held = None
        if held is None:
            self._keep(entry)
            return Claim(entry, ours=entry.state == "running")
        if free(held, terms, alive=True):
            ours = taken(held, entry)
            self._keep(ours)
            return Claim(ours, ours=True, fresh=False)
        if held.state == "running" and lost(held, terms.now, alive=True):
            held = given_up(held, terms.now)
            self._keep(held)
        return Claim(held, ours=False, fresh=False)

    async def settle(self, entry: Entry) -> None:
        self._keep(entry)

    async def note(self, entry: Entry) -> None:
        self._keep(entry)

    async def decide(
        self, tenant: str, approval_id: str, *, approve: bool, by: str, note: str, now: float
    ) -> tuple[Entry, bool] | None:
        entry = await self.find(tenant, approval_id)
        if entry is None:
            return None
        after, counts = decided(entry, now, approve=approve, by=by, note=note)
        self._keep(after)
        return after, counts

    async def expire(self, now: float, on_call: Collection[str] = ()) -> None:
        for entry in list(self.entries.values()):
            if entry.state == "pending_approval" and over(entry, Terms(now, repeatable=False)):
                self._keep(expired(entry, now))
            # Which calls are over is known to those who lapse them.
            elif (
                entry.state == "approved"
                and entry.caller == "model"
                and entry.tool in on_call
                and (entry.decided_at or 0.0) + LEFT_S <= now
            ):
                self._keep(lapsed(entry, now))

    async def lapse(self, tenant: str, execution_id: str, now: float) -> None:
        entry = await self.find(tenant, execution_id)
        if entry is not None and entry.state in ("pending_approval", "approved"):
            self._keep(lapsed(entry, now))

    async def waiting(self, now: float) -> int:
        return sum(waits(entry, now) for entry in self.entries.values())

    async def find(self, tenant: str, execution_id: str) -> Entry | None:
        for entry in self.entries.values():
            if entry.tenant == tenant and execution_id in (entry.id, entry.approval_id):
                return entry
        return None

    async def of_session(self, tenant: str, session_id: str) -> list[Entry]:
        found = [e for e in self.entries.values() if (e.tenant, e.session_id) == (tenant, session_id)]
        return found[-MOST_OF_SESSION:]

    async def queue(self, tenant: str, now: float, *, settled: bool) -> list[Entry]:
        asked = [entry for entry in self.entries.values() if entry.tenant == tenant and entry.approval_id]
        if settled:
            return [
                entry
                for entry in reversed(asked)
                if entry.decided_at is not None or entry.state == "expired"
            ][:MOST_QUEUED]
        return [entry for entry in asked if waits(entry, now)][:MOST_QUEUED]

    def _holder(self, entry: Entry, terms: Terms) -> Entry | None:
        name = self._held.get((entry.tenant, entry.key))
        if name is not None:
            return self.entries[name]
        if not terms.adopt:
            return None
        return next(
            (
                other
                for other in self.entries.values()
                if other.state == "uncertain"
                and (other.tenant, other.session_id, other.fingerprint)
                == (entry.tenant, entry.session_id, entry.fingerprint)
            ),
            None,
        )

    def _keep(self, entry: Entry) -> None:
        self.entries[entry.id] = entry
        where = entry.tenant, entry.key
        if entry.state in HOLDING:
            self._held[where] = entry.id
        elif self._held.get(where) == entry.id:
            del self._held[where]
        if len(self.entries) > MOST_ENTRIES:
            held = set(self._held.values())
            oldest = next((name for name in self.entries if name not in held), None)
            if oldest is not None:
                del self.entries[oldest]


class MemoryPolicies:
    """See `tools.runtime.policy.PolicyStore`."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}
        self.overrides: dict[str, dict[str, Override]] = {}

    async def policy(self, tenant: str) -> Policy:
        return Policy(dict(self.rules), dict(self.overrides.get(tenant, {})))

    async def whole(self) -> tuple[Mapping[str, Rule], Mapping[str, Mapping[str, Override]]]:
        return dict(self.rules), {tenant: dict(own) for tenant, own in self.overrides.items()}
