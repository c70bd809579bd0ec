"""Usage: what a call used of each model, and what that cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TOKENS = (
    "text_in", "cached_text_in", "audio_in", "cached_audio_in", "image_in", "cached_image_in", "text_out", "audio_out",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "usage",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in TOKENS),
        sa.Column("seconds", sa.Float(precision=53), nullable=False),
        sa.Column("usd", sa.Float(precision=53), nullable=True),
        sa.Column("price_date", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "provider", "model", name=op.f("pk_usage")),
    )


def downgrade() -> None:
    op.drop_table("usage")
