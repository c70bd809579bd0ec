"""What the telephone leaves behind beside a call: which carrier's call a session is, and what carriers told of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.stores.schema import JSON_DOCUMENT, Base, TenantRow

__all__ = ["ChannelEventRow", "PhoneCall"]


class PhoneCall(TenantRow, Base):
    """A carrier's call, and the session that it is held in."""

    __tablename__ = "phone_calls"

    carrier: Mapped[str] = mapped_column(String(32), primary_key=True)
    carrier_call: Mapped[str] = mapped_column(String(128), primary_key=True)
    """The carrier's own name of the call."""
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    direction: Mapped[str] = mapped_column(String(16))
    """`inbound` or `outbound`."""
    created_at: Mapped[float]

    __table_args__ = (Index(None, "session_id"),)


class ChannelEventRow(TenantRow, Base):
    """One thing that a carrier told of a call. Never changed, never removed before its session."""

    __tablename__ = "channel_events"

    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    """What makes it this event: the carrier's delivery of it a second time has the same."""
    began: Mapped[float]
    """When the carrier's call was first heard of: events of one call stay together."""
    position: Mapped[int] = mapped_column(BigInteger)
    """Place within the call: the carrier's own count, or its clock in milliseconds where it counts nothing."""
    at: Mapped[float]
    type: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(64))
    raw_status: Mapped[str | None] = mapped_column(String(64))
    carrier_call: Mapped[str | None] = mapped_column(String(128))
    provider: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(200))
    meta: Mapped[dict[str, Any]] = mapped_column(JSON_DOCUMENT)
