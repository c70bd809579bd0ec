"""The business records that tools act on, in the same schema: slots and appointments, policies and claims,
cards and disputes, handovers. Their rules are in `api/records/`. Money is whole cents.

Names of a business (a policy number, a slot) are unique within a tenant only, so keys begin with the tenant.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from gateway.stores.schema import JSON_DOCUMENT, Base, TenantRow

__all__ = [
    "Appointment",
    "Card",
    "Charge",
    "Claim",
    "Dispute",
    "Handover",
    "OnceKey",
    "Policy",
    "Slot",
    "TenantKey",
]


class TenantKey(TenantRow):
    """A tenant that is part of the primary key."""

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True, sort_order=-1)


class OnceKey(TenantKey, Base):
    """A write that was done, with its result: the same key gives it again."""

    __tablename__ = "once_keys"

    operation: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    result: Mapped[dict[str, Any]] = mapped_column(JSON_DOCUMENT)
    created_at: Mapped[float]

    __table_args__ = (Index(None, "created_at"),)


class Slot(TenantKey, Base):
    """A time that can be booked. `starts_at` is wall-clock time at the business, without a zone."""

    __tablename__ = "slots"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=False))
    provider: Mapped[str] = mapped_column(String(120))
    calendar: Mapped[str] = mapped_column(String(32), server_default="main")
    """Which of the tenant's calendars it is in."""

    __table_args__ = (
        UniqueConstraint("tenant", "starts_at", "provider"),
        Index(None, "tenant", "calendar", "starts_at"),
    )


class Appointment(TenantKey, Base):
    """A slot that was taken; by whom, and in which session."""

    __tablename__ = "appointments"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    slot_id: Mapped[str] = mapped_column(String(64))
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    service: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(32))
    confirmation_code: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[float]

    __table_args__ = (
        ForeignKeyConstraint(["tenant", "slot_id"], ["slots.tenant", "slots.id"]),
        UniqueConstraint("tenant", "slot_id"),
        UniqueConstraint("tenant", "confirmation_code"),
        Index(None, "session_id"),
    )


class Policy(TenantKey, Base):
    """An insurance policy."""

    __tablename__ = "policies"

    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    holder: Mapped[str] = mapped_column(String(120))
    product: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(32))
    deductible_cents: Mapped[int] = mapped_column(BigInteger)


class Claim(TenantKey, Base):
    """A loss that a caller reported on a policy."""

    __tablename__ = "claims"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[str] = mapped_column(String(32))
    policy_number: Mapped[str] = mapped_column(String(32))
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    loss_type: Mapped[str] = mapped_column(String(64))
    occurred_on: Mapped[date] = mapped_column(Date)
    injured: Mapped[bool] = mapped_column(Boolean)
    description: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[float]

    __table_args__ = (
        ForeignKeyConstraint(["tenant", "policy_number"], ["policies.tenant", "policies.number"]),
        UniqueConstraint("tenant", "number"),
        Index(None, "session_id"),
    )


class Card(TenantKey, Base):
    """A payment card, known by its last four digits only."""

    __tablename__ = "cards"

    last4: Mapped[str] = mapped_column(String(4), primary_key=True)
    product: Mapped[str] = mapped_column(String(64))
    holder: Mapped[str] = mapped_column(String(120))


class Charge(TenantKey, Base):
    """A charge on a card."""

    __tablename__ = "charges"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    last4: Mapped[str] = mapped_column(String(4))
    merchant: Mapped[str] = mapped_column(String(120))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    posted_on: Mapped[date] = mapped_column(Date)

    __table_args__ = (
        ForeignKeyConstraint(["tenant", "last4"], ["cards.tenant", "cards.last4"]),
        Index(None, "tenant", "last4"),
    )


class Dispute(TenantKey, Base):
    """A charge that its cardholder contests; one dispute per charge."""

    __tablename__ = "disputes"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    reference: Mapped[str] = mapped_column(String(32))
    charge_id: Mapped[str] = mapped_column(String(64))
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[float]

    __table_args__ = (
        ForeignKeyConstraint(["tenant", "charge_id"], ["charges.tenant", "charges.id"]),
        UniqueConstraint("tenant", "charge_id"),
        UniqueConstraint("tenant", "reference"),
        Index(None, "session_id"),
    )


class Handover(TenantKey, Base):
    """A caller waiting for a person."""

    __tablename__ = "handovers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    department: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[float]

    __table_args__ = (
        Index(None, "tenant", "department", "created_at"),
        Index(None, "session_id"),
    )
