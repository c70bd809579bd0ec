"""Keys of calls out: of all who ask for a call by one key, of whichever process, one places it.

A key is claimed before the carrier is asked, and kept in the transaction that writes the call's session: it stands for
a call that is written down, or for one that is being placed. Who claims it and dies loses it when the claim ends: what
the carrier may have been told by then speaks to nobody, since only the process that places a call answers it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.stores.business import OnceKey
from gateway.stores.engine import Database

__all__ = ["CLAIM_S", "Claim", "ClaimEnded", "OrderKeys", "Otherwise", "Underway"]

OPERATION = "outbound-call"
CLAIM_S = 30.0
"""Longer than placing a call takes: a carrier is given 5 s, and the database no more than 15."""
_TRIES = 3


class Otherwise(Exception):
    """The key was used for something else."""


class ClaimEnded(Exception):
    """The key is somebody else's by now, who may be placing the call."""


class Underway(Exception):
    """Somebody else is placing the call."""

    def __init__(self, left_s: float) -> None:
        super().__init__(f"for {left_s:.0f} s at most")
        self.left_s = left_s
        """When the claim ends."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The call is to be placed now, by whoever has this."""

    tenant: str
    key: str
    asked: str
    mark: str
    """Tells it from one that another makes once this has ended."""

    async def keep(self, db: AsyncSession, session_id: str) -> None:
        """The call was placed. In the transaction that writes its session. Raises ClaimEnded, SQLAlchemyError."""
        row = await db.get(OnceKey, (self.tenant, OPERATION, self.key), with_for_update=True)
        if row is None or row.result.get("mark") != self.mark:
            raise ClaimEnded("placing the call took so long that the claim of its key ended")
        row.result = {"asked": self.asked, "session": session_id}


class OrderKeys:
    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        """`clock`: Unix seconds."""
        self._database = database
        self._clock = clock

    async def claim(self, tenant: str, key: str, asked: str) -> Claim | str:
        """A claim, or the session of the call that was placed by this key. Raises Otherwise when `asked` is not what it
        was then, Underway, SQLAlchemyError."""
        fingerprint = hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()
        ours = Claim(tenant, key, fingerprint, secrets.token_hex(8))
        for attempt in range(1, _TRIES + 1):
            try:
                async with self._database.writing(tenant) as db:
                    row = await db.get(OnceKey, (tenant, OPERATION, key), with_for_update=True)
                    # Only now: the database may have been waited for.
                    now = self._clock()
                    claimed = {"asked": fingerprint, "mark": ours.mark, "until": now + CLAIM_S}
                    if row is None:
                        row = OnceKey(
                            tenant=tenant, operation=OPERATION, key=key, result=claimed, created_at=now
                        )
                        db.add(row)
                        await db.flush()
                        return ours
                    kept = row.result
                    if kept["asked"] != fingerprint:
                        raise Otherwise
                    if "session" in kept:
                        return str(kept["session"])
                    if (left := kept["until"] - now) > 0:
                        raise Underway(left)
                    row.result, row.created_at = claimed, now
                    return ours
            except IntegrityError:
                # Another was faster, and is seen the next time.
                if attempt == _TRIES:
                    raise
        raise AssertionError("unreachable")

    async def free(self, claim: Claim) -> None:
        """No call was placed: the key may be used again. Raises SQLAlchemyError."""
        async with self._database.writing(claim.tenant) as db:
            row = await db.get(OnceKey, (claim.tenant, OPERATION, claim.key), with_for_update=True)
            if row is not None and row.result.get("mark") == claim.mark:
                await db.delete(row)
