"""Cards, their charges, and the disputes that cardholders open."""

from __future__ import annotations

import time
import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.records.accounts import standing
from api.records.codes import spoken_code
from api.records.once import Result, once
from gateway.stores.business import Card, Charge, Dispute
from gateway.stores.engine import Database
from tools.contract import ToolError

__all__ = ["find_card", "open_dispute"]


async def find_card(database: Database, tenant: str, *, last4: str) -> Result:
    """The card with its charges, newest first. Raises ToolError when there is none."""
    async with database.reading(tenant) as db:
        card = await db.get(Card, (tenant, last4))
        if card is None:
            raise ToolError(f"There is no card ending in {last4}. Ask for the last four digits again.")
        charges = await db.scalars(
            select(Charge).where(Charge.last4 == last4).order_by(Charge.posted_on.desc(), Charge.id)
        )
        listed = [
            {
                "charge_id": charge.id,
                "merchant": charge.merchant,
                "amount": charge.amount_cents / 100,
                "currency": charge.currency,
                "posted_on": charge.posted_on.isoformat(),
            }
            for charge in charges
        ]
        blocked = await standing(db, "card_block", f"card:{last4}")
    return {
        "last4": card.last4,
        "product": card.product,
        "holder": card.holder,
        "status": "active" if blocked is None else "blocked",
        "charges": listed,
    }


async def open_dispute(
    database: Database, tenant: str, *, key: str, last4: str, charge_id: str, reason: str, session_id: str
) -> Result:
    """Dispute a charge of that card. Raises ToolError for an unknown charge, or one already disputed."""

    async def write(db: AsyncSession) -> Result:
        charge = await db.get(Charge, (tenant, charge_id))
        if charge is None or charge.last4 != last4:
            raise ToolError(
                f"The card ending in {last4} has no such charge. Use a charge_id from find_card."
            )
        standing = (await db.scalars(select(Dispute).where(Dispute.charge_id == charge_id))).first()
        if standing is not None:
            raise ToolError(
                f"The charge of {charge.merchant} is disputed already, under reference {standing.reference}."
            )
        dispute = Dispute(
            id=f"dispute_{uuid.uuid4().hex[:16]}",
            reference=f"DP-{spoken_code()}",
            charge_id=charge_id,
            session_id=session_id,
            reason=reason,
            status="open",
            created_at=time.time(),
        )
        db.add(dispute)
        await db.flush()
        return {
            "dispute_id": dispute.id,
            "reference": dispute.reference,
            "merchant": charge.merchant,
            "amount": charge.amount_cents / 100,
            "currency": charge.currency,
            "status": dispute.status,
        }

    return await once(database, tenant, "open_dispute", key, write)
