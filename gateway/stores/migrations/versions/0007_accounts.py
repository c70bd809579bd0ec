"""Accounts, what callers ask for, and a calendar for each business."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("zip_code", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "number", name=op.f("pk_accounts")),
    )
    op.create_table(
        "service_requests",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=96), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_service_requests_session_id")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_service_requests")),
        sa.UniqueConstraint("tenant", "reference", name=op.f("uq_service_requests_tenant_reference")),
        sa.UniqueConstraint(
            "tenant", "kind", "subject", name=op.f("uq_service_requests_tenant_kind_subject")
        ),
    )
    op.create_index(op.f("ix_service_requests_session_id"), "service_requests", ["session_id"])
    op.add_column(
        "slots", sa.Column("calendar", sa.String(length=32), nullable=False, server_default="main")
    )
    op.create_index(
        op.f("ix_slots_tenant_calendar_starts_at"), "slots", ["tenant", "calendar", "starts_at"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_slots_tenant_calendar_starts_at"), table_name="slots")
    with op.batch_alter_table("slots") as slots:
        slots.drop_column("calendar")
    op.drop_index(op.f("ix_service_requests_session_id"), table_name="service_requests")
    op.drop_table("service_requests")
    op.drop_table("accounts")
