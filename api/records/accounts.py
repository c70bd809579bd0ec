"""Accounts that callers ask about, and the requests that they make."""

from __future__ import annotations

import time
import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.records.codes import spoken_code
from api.records.once import Result, once
from gateway.stores.accounts import Account, ServiceRequest
from gateway.stores.engine import Database
from tools.contract import ToolError

__all__ = ["CALLED", "PREFIXES", "file_request", "find", "in_dollars", "standing"]

CALLED = {
    "order": "order",
    "invoice": "invoice",
    "matter": "matter",
    "patient": "patient number",
    "pet": "patient number",
}
"""What callers know each kind as."""
PREFIXES = {
    "quote": "QT",
    "lead": "LD",
    "message": "MS",
    "matter": "MT",
    "return": "RT",
    "refill": "RF",
    "payment_plan": "PP",
    "card_block": "CB",
}
"""How the references of each kind of request begin."""


async def find(database: Database, tenant: str, *, kind: str, number: str, zip_code: str) -> Result:
    """The account. Raises ToolError when number and ZIP code do not belong together: of an account that is there
    strangers learn no more than of one that is not."""
    async with database.reading(tenant) as db:
        account = await db.get(Account, (tenant, kind, number))
        if account is None or account.zip_code != zip_code:
            raise ToolError(
                f"There is no {CALLED[kind]} {number} with the ZIP code {zip_code}. Ask for both again."
            )
        return {
            "number": account.number,
            "holder": account.holder,
            "status": account.status,
            **in_dollars(account.details),
        }


async def file_request(
    database: Database,
    tenant: str,
    *,
    key: str,
    kind: str,
    details: dict[str, Any],
    session_id: str,
    name: str,
    phone: str,
    subject: str | None,
) -> Result:
    """Write it down. Raises ToolError when there is one of that kind and subject."""

    async def write(db: AsyncSession) -> Result:
        before = await standing(db, kind, subject) if subject is not None else None
        if before is not None:
            raise ToolError(f"That was asked for already, under the reference {before.reference}.")
        request = ServiceRequest(
            id=f"request_{uuid.uuid4().hex[:16]}",
            reference=f"{PREFIXES[kind]}-{spoken_code()}",
            kind=kind,
            session_id=session_id,
            subject=subject,
            name=name,
            phone=phone,
            details=details,
            status="open",
            created_at=time.time(),
        )
        db.add(request)
        await db.flush()
        return {"request_id": request.id, "reference": request.reference, "status": request.status}

    return await once(database, tenant, "file_request", key, write)


async def standing(db: AsyncSession, kind: str, subject: str) -> ServiceRequest | None:
    """The request of that kind about `subject`, if there is one."""
    query = select(ServiceRequest).where(ServiceRequest.kind == kind, ServiceRequest.subject == subject)
    return (await db.scalars(query)).first()


def in_dollars(value: Any) -> Any:
    """`value` with every `…_cents` as dollars under the name without it."""
    if isinstance(value, dict):
        return {
            name.removesuffix("_cents"): each / 100 if name.endswith("_cents") else in_dollars(each)
            for name, each in value.items()
        }
    return [in_dollars(each) for each in value] if isinstance(value, list) else value
