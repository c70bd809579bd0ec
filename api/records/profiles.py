"""Profiles of customers, as they were set up: what an agent is told of the business that it speaks for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from gateway.stores.agents import OnboardingProfile
from gateway.stores.engine import Database
from personas.composition.composing import Profile

__all__ = ["change", "every", "find", "new_id", "store", "told"]

MOST = 500
"""Profiles that are listed."""


def new_id() -> str:
    return f"profile_{secrets.token_hex(8)}"


async def store(
    database: Database,
    tenant: str,
    *,
    profile_id: str,
    persona_id: str,
    company_name: str,
    business_description: str,
    greeting: str,
    details: Mapping[str, Any],
    now: float,
) -> OnboardingProfile:
    """Write a new one down. `details`: the contract's other fields, by their names there. Raises SQLAlchemyError."""
    row = OnboardingProfile(
        id=profile_id,
        persona_id=persona_id,
        company_name=company_name,
        business_description=business_description,
        greeting=greeting,
        details=dict(details),
        created_at=now,
        updated_at=now,
    )
    async with database.writing(tenant) as db:
        db.add(row)
    return row


async def find(database: Database, tenant: str, profile_id: str) -> OnboardingProfile | None:
    """The tenant's profile of that id. Raises SQLAlchemyError."""
    if len(profile_id) > 64 or "\x00" in profile_id:
        return None
    async with database.reading(tenant) as db:
        return await db.get(OnboardingProfile, profile_id)


async def every(database: Database, tenant: str) -> Sequence[OnboardingProfile]:
    """The tenant's, newest first; at most `MOST`. Raises SQLAlchemyError."""
    async with database.reading(tenant) as db:
        found = await db.scalars(
            select(OnboardingProfile).order_by(OnboardingProfile.created_at.desc()).limit(MOST)
        )
        return found.all()


async def change(
    database: Database,
    tenant: str,
    profile_id: str,
    *,
    columns: Mapping[str, Any],
    details: Mapping[str, Any],
    now: float,
) -> OnboardingProfile | None:
    """Change what is given; None when there is no such profile. Raises SQLAlchemyError."""
    async with database.writing(tenant) as db:
        found = select(OnboardingProfile).where(OnboardingProfile.id == profile_id).with_for_update()
        row = await db.scalar(found)
        if row is not None:
            for name, value in columns.items():
                setattr(row, name, value)
            row.details = {**row.details, **details}
            row.updated_at = now
        return row


def told(row: OnboardingProfile) -> Profile:
    """What an agent is told of it: not who is notified, by which secret, nor what was noted about it."""
    details = row.details
    faqs = [
        (str(one.get("question", "")), str(one.get("answer", "")))
        for one in details.get("faqs") or []
        if isinstance(one, dict)
    ]
    return Profile(
        id=row.id,
        company_name=row.company_name,
        business_description=row.business_description,
        greeting=row.greeting or None,
        intake_fields=tuple(str(one) for one in details.get("intakeFields") or ()),
        faqs=tuple(faqs),
        booking_link=details.get("bookingLink") or None,
    )
