"""Who a session's agent is, and where its conversation was steered: what is not derived from what its calls did."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.stores.schema import JSON_DOCUMENT, Base, TenantRow

__all__ = ["CallStateRow", "HandoffRow", "OnboardingProfile"]


class CallStateRow(TenantRow, Base):
    """What was set of a session's call state (patchSessionState). The rest of it is derived."""

    __tablename__ = "call_states"

    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    phase: Mapped[str | None] = mapped_column(String(32))
    phase_over: Mapped[str | None] = mapped_column(String(32))
    """The phase that was derived when `phase` was set: once another one is, it counts again."""
    completed_steps: Mapped[list[Any]] = mapped_column(JSON_DOCUMENT)
    pending_steps: Mapped[list[Any] | None] = mapped_column(JSON_DOCUMENT)
    """Null: nobody replaced those that are derived."""
    next_persona_id: Mapped[str | None] = mapped_column(String(64))
    escalation_reason: Mapped[str | None] = mapped_column(Text)
    escalated_at: Mapped[float | None]
    created_at: Mapped[float]
    updated_at: Mapped[float]


class HandoffRow(TenantRow, Base):
    """One agent passed the caller of a session to another."""

    __tablename__ = "handoffs"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    from_persona_id: Mapped[str] = mapped_column(String(64))
    to_persona_id: Mapped[str] = mapped_column(String(64))
    summary: Mapped[str] = mapped_column(Text)
    facts: Mapped[list[Any]] = mapped_column(JSON_DOCUMENT)
    excerpt: Mapped[str] = mapped_column(Text)
    """The last lines of the conversation before."""
    created_at: Mapped[float]

    __table_args__ = (Index(None, "session_id", "created_at"),)


class OnboardingProfile(TenantRow, Base):
    """What a customer said of their business when they were set up."""

    __tablename__ = "onboarding_profiles"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    persona_id: Mapped[str] = mapped_column(String(64))
    company_name: Mapped[str] = mapped_column(String(200))
    business_description: Mapped[str] = mapped_column(Text)
    greeting: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSON_DOCUMENT)
    """The contract's other fields of a profile, by their names there."""
    created_at: Mapped[float]
    updated_at: Mapped[float]

    __table_args__ = (Index(None, "tenant", "created_at"),)
