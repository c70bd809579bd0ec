"""What a business keeps under a number, and what callers have asked it to do. Rules are in `api/records/`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gateway.stores.business import TenantKey
from gateway.stores.schema import JSON_DOCUMENT, Base

__all__ = ["Account", "ServiceRequest"]


class Account(TenantKey, Base):
    """An order, an invoice, a legal matter, a patient's or a pet's prescriptions: `kind` says which. Callers show that
    it is theirs by its number and ZIP code together."""

    __tablename__ = "accounts"

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[str] = mapped_column(String(16), primary_key=True)
    holder: Mapped[str] = mapped_column(String(120))
    zip_code: Mapped[str] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(32))
    details: Mapped[dict[str, Any]] = mapped_column(JSON_DOCUMENT)
    """By kind; names that end in `_cents` are money."""


class ServiceRequest(TenantKey, Base):
    """Something a caller asked for that the business has to do: a quote, a refill, a message passed on."""

    __tablename__ = "service_requests"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    reference: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(32))
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    subject: Mapped[str | None] = mapped_column(String(96))
    """What it is about, where that can be asked for only once: `prescription:RX-20417`."""
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(32))
    details: Mapped[dict[str, Any]] = mapped_column(JSON_DOCUMENT)
    status: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[float]

    __table_args__ = (
        UniqueConstraint("tenant", "reference"),
        UniqueConstraint("tenant", "kind", "subject"),
        Index(None, "session_id"),
    )
