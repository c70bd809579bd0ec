"""Policies, and the claims that callers open on them."""

from __future__ import annotations

import time
import uuid
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from api.records.codes import spoken_code
from api.records.once import Result, once
from gateway.stores.business import Claim, Policy
from gateway.stores.engine import Database
from tools.contract import ToolError

__all__ = ["find_policy", "open_claim"]


async def find_policy(database: Database, tenant: str, *, number: str) -> Result:
    """The policy. Raises ToolError when there is none."""
    async with database.reading(tenant) as db:
        policy = await _policy(db, tenant, number)
    return {
        "policy_number": policy.number,
        "holder": policy.holder,
        "product": policy.product,
        "status": policy.status,
        "deductible": policy.deductible_cents / 100,
    }


async def open_claim(
    database: Database,
    tenant: str,
    *,
    key: str,
    policy_number: str,
    loss_type: str,
    occurred_on: date,
    injured: bool,
    description: str,
    session_id: str,
) -> Result:
    """Open a claim. Raises ToolError for an unknown policy or one not in force."""

    async def write(db: AsyncSession) -> Result:
        policy = await _policy(db, tenant, policy_number)
        if policy.status != "active":
            raise ToolError(f"Policy {policy.number} is {policy.status}, so no claim can be opened on it.")
        claim = Claim(
            id=f"claim_{uuid.uuid4().hex[:16]}",
            number=f"CL-{spoken_code()}",
            policy_number=policy.number,
            session_id=session_id,
            loss_type=loss_type,
            occurred_on=occurred_on,
            injured=injured,
            description=description,
            status="open",
            created_at=time.time(),
        )
        db.add(claim)
        await db.flush()
        return {
            "claim_id": claim.id,
            "claim_number": claim.number,
            "policy_number": claim.policy_number,
            "status": claim.status,
        }

    return await once(database, tenant, "open_claim", key, write)


async def _policy(db: AsyncSession, tenant: str, number: str) -> Policy:
    digits = "".join(letter for letter in number if letter.isalnum()).upper()
    policy = await db.get(Policy, (tenant, digits))
    if policy is None:
        raise ToolError(f"There is no policy {digits}. Ask for the number again.")
    return policy
