"""Runs of tools that are open, those that a person was asked about, and what is old: found without reading all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OPEN = sa.text("ended_at IS NULL")
ASKED = sa.text("approval_id IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_executions_open", "executions", ["state"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index(
        "ix_executions_asked",
        "executions",
        ["tenant", "started_at"],
        sqlite_where=ASKED,
        postgresql_where=ASKED,
    )
    op.create_index(op.f("ix_executions_ended_at"), "executions", ["ended_at"])
    op.create_index(op.f("ix_once_keys_created_at"), "once_keys", ["created_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_once_keys_created_at"), table_name="once_keys")
    op.drop_index(op.f("ix_executions_ended_at"), table_name="executions")
    op.drop_index("ix_executions_asked", table_name="executions")
    op.drop_index("ix_executions_open", table_name="executions")
