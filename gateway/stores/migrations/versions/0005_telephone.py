"""The telephone: carriers' calls, and the events of their channel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "phone_calls",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("carrier", sa.String(length=32), nullable=False),
        sa.Column("carrier_call", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_phone_calls_session_id")),
        sa.PrimaryKeyConstraint("carrier", "carrier_call", name=op.f("pk_phone_calls")),
    )
    op.create_index(op.f("ix_phone_calls_session_id"), "phone_calls", ["session_id"])
    op.create_table(
        "channel_events",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("began", sa.Float(precision=53), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(precision=53), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("raw_status", sa.String(length=64), nullable=True),
        sa.Column("carrier_call", sa.String(length=128), nullable=True),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("meta", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_channel_events_session_id")),
        sa.PrimaryKeyConstraint("session_id", "key", name=op.f("pk_channel_events")),
    )


def downgrade() -> None:
    op.drop_table("channel_events")
    op.drop_index(op.f("ix_phone_calls_session_id"), table_name="phone_calls")
    op.drop_table("phone_calls")
