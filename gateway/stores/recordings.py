"""What is known of a recording that is kept. The sound itself is in the object storage."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.stores.schema import Base, TenantRow

__all__ = ["Recording"]


class Recording(TenantRow, Base):
    """The recording of one call: there once the object is."""

    __tablename__ = "recordings"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    key: Mapped[str] = mapped_column(String(200))
    """Of the object."""
    encoding: Mapped[str] = mapped_column(String(16))
    """`pcm16`, `mulaw` or `alaw`."""
    rate: Mapped[int] = mapped_column(Integer)
    duration_ms: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    """Bytes of the object."""
    complete: Mapped[bool] = mapped_column(Boolean)
    """False: some of it could not be written, or the process died during the call."""
    created_at: Mapped[float]
    """When the call began."""

    __table_args__ = (Index(None, "session_id"), Index(None, "created_at"))
