"""What tools ran, may run and wait to run: `tools.runtime.ledger` and `tools.runtime.policy` in the same schema."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gateway.stores.business import TenantKey
from gateway.stores.schema import JSON_DOCUMENT, Base, TenantRow, only

__all__ = ["ExecutionRow", "ToolOverride", "ToolRule"]


class ExecutionRow(TenantRow, Base):
    """One run of a tool, from its wish to its end (`tools.runtime.ledger.Entry`)."""

    __tablename__ = "executions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tool: Mapped[str] = mapped_column(String(64))
    caller: Mapped[str] = mapped_column(String(8))
    key: Mapped[str] = mapped_column(String(255))
    held_key: Mapped[str | None] = mapped_column(String(255))
    """The key while nobody else may run with it; null once it is free."""
    fingerprint: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(20))
    session_id: Mapped[str] = mapped_column(String(64))
    """No foreign key: a run may be of no session."""
    call_id: Mapped[str] = mapped_column(String(64))
    persona_id: Mapped[str] = mapped_column(String(64))
    effect: Mapped[str] = mapped_column(String(8))
    hipaa: Mapped[bool] = mapped_column(Boolean)
    arguments: Mapped[dict[str, Any] | None] = mapped_column(JSON_DOCUMENT)
    """In full, only while a person has to decide about it."""
    preview: Mapped[str] = mapped_column(Text)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON_DOCUMENT)
    """In full, where the key may come again."""
    result_preview: Mapped[str] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[float]
    ended_at: Mapped[float | None]
    lease_until: Mapped[float | None]
    """When a running one is given up for lost, wherever it runs."""
    boot_id: Mapped[str | None] = mapped_column(String(64))
    """The process that runs it, or ran it last."""
    approval_id: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[float | None]
    decided_at: Mapped[float | None]
    decided_by: Mapped[str | None] = mapped_column(String(200))
    note: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("tenant", "held_key"),
        UniqueConstraint("approval_id"),
        Index(None, "tenant", "session_id", "started_at"),
        Index(None, "tenant", "state", "started_at"),
        Index(None, "ended_at"),
        # Few rows of many: those that wait or run, and those that a person was asked about.
        Index("ix_executions_open", "state", **only("ended_at IS NULL")),
        Index("ix_executions_asked", "tenant", "started_at", **only("approval_id IS NOT NULL")),
    )


class ToolRule(Base):
    """What an operator laid down for a tool, for all tenants. Null: as the tool says."""

    __tablename__ = "tool_rules"

    tool: Mapped[str] = mapped_column(String(64), primary_key=True)
    access: Mapped[str | None] = mapped_column(String(16))
    hipaa: Mapped[bool | None] = mapped_column(Boolean)
    category: Mapped[str | None] = mapped_column(String(32))
    description: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[float]
    updated_by: Mapped[str] = mapped_column(String(200))


class ToolOverride(TenantKey, Base):
    """What holds for a tool and one tenant. Null: as the rule and the tool say."""

    __tablename__ = "tool_overrides"

    tool: Mapped[str] = mapped_column(String(64), primary_key=True)
    enabled: Mapped[bool | None] = mapped_column(Boolean)
    approval: Mapped[bool | None] = mapped_column(Boolean)
    updated_at: Mapped[float]
    updated_by: Mapped[str] = mapped_column(String(200))
