"""What clients tell of sessions whose media they run themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "runtime_sessions",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("transport", sa.String(length=32), nullable=False),
        sa.Column("persona_name", sa.String(length=256), nullable=True),
        sa.Column("locale", sa.String(length=32), nullable=True),
        sa.Column("channel_id", sa.String(length=256), nullable=True),
        sa.Column("told", DOCUMENT, nullable=False),
        sa.Column("stats", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("utterances", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_runtime_sessions_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_runtime_sessions")),
    )
    op.create_table(
        "runtime_utterances",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("speaker", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("confidence", sa.Float(precision=53), nullable=False),
        sa.Column("locale", sa.String(length=32), nullable=True),
        sa.Column("told", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_runtime_utterances_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", "number", name=op.f("pk_runtime_utterances")),
    )


def downgrade() -> None:
    op.drop_table("runtime_utterances")
    op.drop_table("runtime_sessions")
