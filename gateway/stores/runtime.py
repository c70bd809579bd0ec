"""What clients tell of a session whose media they run themselves: on what, what was said, and how the media fared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.stores.schema import JSON_DOCUMENT, Base, TenantRow

__all__ = ["RuntimeSession", "RuntimeUtterance"]


class RuntimeSession(TenantRow, Base):
    """The runtime side of one session: there once a client told something of it."""

    __tablename__ = "runtime_sessions"

    session_id: Mapped[str] = mapped_column(String(64), ForeignKey("sessions.id"), primary_key=True)
    transport: Mapped[str] = mapped_column(String(32))
    persona_name: Mapped[str | None] = mapped_column(String(256))
    locale: Mapped[str | None] = mapped_column(String(32))
    channel_id: Mapped[str | None] = mapped_column(String(256))
    told: Mapped[dict[str, Any]] = mapped_column(JSON_DOCUMENT)
    """The client's own metadata."""
    stats: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The last that were told, in the contract's words."""
    utterances: Mapped[int] = mapped_column(Integer)
    """How many there are; the next one's number."""
    updated_at: Mapped[float]


class RuntimeUtterance(TenantRow, Base):
    """One thing that was said, as a client told it."""

    __tablename__ = "runtime_utterances"

    session_id: Mapped[str] = mapped_column(String(64), ForeignKey("sessions.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    speaker: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    start_ms: Mapped[int] = mapped_column(BigInteger)
    """Unix milliseconds, as `end_ms`."""
    end_ms: Mapped[int] = mapped_column(BigInteger)
    confidence: Mapped[float] = mapped_column(Float(53))
    locale: Mapped[str | None] = mapped_column(String(32))
    told: Mapped[dict[str, Any]] = mapped_column(JSON_DOCUMENT)
    """The client's own metadata."""
