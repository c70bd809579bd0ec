"""The one schema, for SQLite and PostgreSQL: what a call leaves behind.

Times are Unix seconds (UTC) unless a name says `_ms` (milliseconds since the call began) or `_on` (a calendar
day). Every row has a tenant; `gateway.stores.engine` scopes every read and write by it. The exceptions are
`Boot`, since a process serves all tenants, and `ToolRule`, which holds for all of them. The business records that
outlive a call are in `gateway.stores.business`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    false,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = [
    "DEFAULT_TENANT",
    "JSON_DOCUMENT",
    "Base",
    "Boot",
    "Call",
    "Journal",
    "Session",
    "SessionConfiguration",
    "TenantRow",
    "ToolRun",
    "Transcript",
    "UsageRow",
    "only",
    "with_conditions",
]

DEFAULT_TENANT = "default-practice"
"""Whose a session is when nobody says (core API: createSession)."""


class _Document(TypeDecorator[Any]):
    """JSON; binary JSON with PostgreSQL, whose dialect is imported only where there is one."""

    impl = JSON
    cache_ok = True
    should_evaluate_none = True
    """As of JSON itself: what is left out is NULL, and not JSON's null."""

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "postgresql":
            return dialect.type_descriptor(JSON())
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB())


JSON_DOCUMENT = _Document()


def only(condition: str) -> dict[str, Any]:
    """For an `Index` of the rows that this holds of. `postgresql_where` itself would import PostgreSQL's dialect at
    every start, and only migrations look at it: they call `with_conditions`."""
    return {"sqlite_where": text(condition), "info": {"only": condition}}


def with_conditions(metadata: MetaData) -> MetaData:
    """The same, with the conditions of its indices in PostgreSQL's words too."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if "only" in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info["only"])
    return metadata


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {float: Float(53), dict[str, Any]: JSON_DOCUMENT}  # noqa: RUF012 - SQLAlchemy's own hook


class TenantRow:
    """What every row of a tenant has; `gateway.stores.engine` looks for this class."""

    tenant: Mapped[str] = mapped_column(String(64), nullable=False, sort_order=-1)


class Boot(Base):
    """One run of one process. Its calls are closed by the next start when it died."""

    __tablename__ = "boots"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int] = mapped_column(Integer)
    process_mark: Mapped[str | None] = mapped_column(String(128))
    """Tells this process from a later one with the same pid; None where the system cannot tell."""
    started_at: Mapped[float]
    heartbeat_at: Mapped[float]
    ended_at: Mapped[float | None]


class Session(TenantRow, Base):
    """What a client opens, and may hold one live call at a time in."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    scenario: Mapped[str] = mapped_column(String(128))
    scenario_title: Mapped[str] = mapped_column(String(200))
    company_name: Mapped[str | None] = mapped_column(String(200))
    persona_id: Mapped[str] = mapped_column(String(64))
    requested_locale: Mapped[str | None] = mapped_column(String(35))
    access_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the access key, hex. The key itself is not kept."""
    created_at: Mapped[float]
    expires_at: Mapped[float]
    configuration_id: Mapped[str | None] = mapped_column(String(64))
    """The stored configuration that it was opened with, when a client secret named one."""
    language: Mapped[str | None] = mapped_column(String(35))
    """In which language its calls are held (ISO 639-1); null: the persona's policy decides."""
    tone: Mapped[str | None] = mapped_column(String(16))
    """How its agent is to speak; null: as the experiment, the scenario or the persona says."""
    profile: Mapped[dict[str, Any] | None] = mapped_column(JSON_DOCUMENT)
    """The business that its agent speaks for, as it was set up when the session was given it; null: none."""

    __table_args__ = (Index(None, "tenant", "created_at"),)


class SessionConfiguration(TenantRow, Base):
    """What a client secret names: how the sessions opened with it begin."""

    __tablename__ = "session_configurations"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    persona_id: Mapped[str] = mapped_column(String(64))
    session: Mapped[dict[str, Any]] = mapped_column(JSON_DOCUMENT)
    """What differs from the persona's session: the `session` of a `session.update`."""
    created_at: Mapped[float]
    expires_at: Mapped[float]


class Call(TenantRow, Base):
    """One call of a session. Live while `ended_at` is null; then `side` and `reason` are its Ending."""

    __tablename__ = "calls"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    persona_id: Mapped[str] = mapped_column(String(64))
    leg: Mapped[str] = mapped_column(String(32))
    provider: Mapped[str] = mapped_column(String(64))
    boot_id: Mapped[str] = mapped_column(ForeignKey("boots.id"))
    started_at: Mapped[float]
    ended_at: Mapped[float | None]
    side: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(String(64))
    summary: Mapped[dict[str, Any] | None] = mapped_column(JSON_DOCUMENT)

    __table_args__ = (
        Index(None, "session_id", "started_at"),
        # One live call per session, whoever writes and from whichever process.
        Index(
            "uq_calls_live_session",
            "session_id",
            unique=True,
            **only("ended_at IS NULL"),
        ),
        Index(
            "ix_calls_live_boot",
            "boot_id",
            **only("ended_at IS NULL"),
        ),
    )


class Journal(TenantRow, Base):
    """One input of the call core. No foreign key: rows may be written before a call that could not be."""

    __tablename__ = "journal"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(16))
    event: Mapped[dict[str, Any]] = mapped_column(JSON_DOCUMENT)


class Transcript(TenantRow, Base):
    """What one side said; a later revision replaced the earlier ones."""

    __tablename__ = "transcript"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    item_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)
    role: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    start_ms: Mapped[int] = mapped_column(BigInteger)
    end_ms: Mapped[int | None] = mapped_column(BigInteger)
    heard_ms: Mapped[int | None] = mapped_column(BigInteger)
    interrupted: Mapped[bool] = mapped_column(Boolean)
    unheard: Mapped[str] = mapped_column(Text)
    final: Mapped[bool] = mapped_column(Boolean)
    estimated: Mapped[bool] = mapped_column(Boolean, server_default=false())
    """`heard_ms` was reckoned: the client plays the audio and did not tell."""


class ToolRun(TenantRow, Base):
    """One finished run of a tool."""

    __tablename__ = "tool_executions"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tool_call_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    arguments: Mapped[str] = mapped_column(Text)
    output: Mapped[str] = mapped_column(Text)
    ok: Mapped[bool] = mapped_column(Boolean)
    started_ms: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int] = mapped_column(BigInteger)


class UsageRow(TenantRow, Base):
    """What a call used of one model of one provider; a later revision replaced the earlier ones. Tokens by what they
    cost: no class is part of another."""

    __tablename__ = "usage"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    provider: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)
    text_in: Mapped[int] = mapped_column(BigInteger)
    cached_text_in: Mapped[int] = mapped_column(BigInteger)
    audio_in: Mapped[int] = mapped_column(BigInteger)
    cached_audio_in: Mapped[int] = mapped_column(BigInteger)
    image_in: Mapped[int] = mapped_column(BigInteger)
    cached_image_in: Mapped[int] = mapped_column(BigInteger)
    text_out: Mapped[int] = mapped_column(BigInteger)
    audio_out: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float]
    """Of audio, where it is paid by time."""
    usd: Mapped[float | None]
    """Null: no price is known."""
    price_date: Mapped[str | None] = mapped_column(String(10))
    """The day of the price table, ISO 8601."""
