"""What tools ran, and what may run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "executions",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("caller", sa.String(length=8), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("held_key", sa.String(length=255), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("persona_id", sa.String(length=64), nullable=False),
        sa.Column("effect", sa.String(length=8), nullable=False),
        sa.Column("hipaa", sa.Boolean(), nullable=False),
        sa.Column("arguments", DOCUMENT, nullable=True),
        sa.Column("preview", sa.Text(), nullable=False),
        sa.Column("result", DOCUMENT, nullable=True),
        sa.Column("result_preview", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Float(precision=53), nullable=False),
        sa.Column("ended_at", sa.Float(precision=53), nullable=True),
        sa.Column("lease_until", sa.Float(precision=53), nullable=True),
        sa.Column("boot_id", sa.String(length=64), nullable=True),
        sa.Column("approval_id", sa.String(length=64), nullable=True),
        sa.Column("expires_at", sa.Float(precision=53), nullable=True),
        sa.Column("decided_at", sa.Float(precision=53), nullable=True),
        sa.Column("decided_by", sa.String(length=200), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executions")),
        sa.UniqueConstraint("tenant", "held_key", name=op.f("uq_executions_tenant_held_key")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_executions_approval_id")),
    )
    op.create_index(
        op.f("ix_executions_tenant_session_id_started_at"),
        "executions",
        ["tenant", "session_id", "started_at"],
    )
    op.create_index(
        op.f("ix_executions_tenant_state_started_at"), "executions", ["tenant", "state", "started_at"]
    )
    op.create_table(
        "tool_rules",
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("access", sa.String(length=16), nullable=True),
        sa.Column("hipaa", sa.Boolean(), nullable=True),
        sa.Column("category", sa.String(length=32), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.Float(precision=53), nullable=False),
        sa.Column("updated_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("tool", name=op.f("pk_tool_rules")),
    )
    op.create_table(
        "tool_overrides",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=True),
        sa.Column("approval", sa.Boolean(), nullable=True),
        sa.Column("updated_at", sa.Float(precision=53), nullable=False),
        sa.Column("updated_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "tool", name=op.f("pk_tool_overrides")),
    )


def downgrade() -> None:
    op.drop_table("tool_overrides")
    op.drop_table("tool_rules")
    op.drop_index(op.f("ix_executions_tenant_state_started_at"), table_name="executions")
    op.drop_index(op.f("ix_executions_tenant_session_id_started_at"), table_name="executions")
    op.drop_table("executions")
