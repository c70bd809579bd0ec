"""Who a session's agent is: its language, the agents that passed it on, what was set of its call state, and the
profiles of customers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("sessions", sa.Column("language", sa.String(length=35), nullable=True))
    op.add_column("sessions", sa.Column("tone", sa.String(length=16), nullable=True))
    op.add_column("sessions", sa.Column("profile", DOCUMENT, nullable=True))
    op.create_table(
        "call_states",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("phase", sa.String(length=32), nullable=True),
        sa.Column("phase_over", sa.String(length=32), nullable=True),
        sa.Column("completed_steps", DOCUMENT, nullable=False),
        sa.Column("pending_steps", DOCUMENT, nullable=True),
        sa.Column("next_persona_id", sa.String(length=64), nullable=True),
        sa.Column("escalation_reason", sa.Text(), nullable=True),
        sa.Column("escalated_at", sa.Float(precision=53), nullable=True),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("updated_at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_call_states_session_id")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_call_states")),
    )
    op.create_table(
        "handoffs",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("from_persona_id", sa.String(length=64), nullable=False),
        sa.Column("to_persona_id", sa.String(length=64), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("facts", DOCUMENT, nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_handoffs_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoffs")),
    )
    op.create_index(op.f("ix_handoffs_session_id_created_at"), "handoffs", ["session_id", "created_at"])
    op.create_table(
        "onboarding_profiles",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("persona_id", sa.String(length=64), nullable=False),
        sa.Column("company_name", sa.String(length=200), nullable=False),
        sa.Column("business_description", sa.Text(), nullable=False),
        sa.Column("greeting", sa.Text(), nullable=False),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("updated_at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_onboarding_profiles")),
    )
    op.create_index(
        op.f("ix_onboarding_profiles_tenant_created_at"), "onboarding_profiles", ["tenant", "created_at"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_onboarding_profiles_tenant_created_at"), table_name="onboarding_profiles")
    op.drop_table("onboarding_profiles")
    op.drop_index(op.f("ix_handoffs_session_id_created_at"), table_name="handoffs")
    op.drop_table("handoffs")
    op.drop_table("call_states")
    op.drop_column("sessions", "profile")
    op.drop_column("sessions", "tone")
    op.drop_column("sessions", "language")
