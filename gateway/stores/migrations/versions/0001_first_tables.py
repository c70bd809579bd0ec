"""The first tables: calls and what they leave behind, and the demo businesses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text, text
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "boots",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_mark", sa.String(length=128), nullable=True),
        sa.Column("started_at", sa.Float(precision=53), nullable=False),
        sa.Column("heartbeat_at", sa.Float(precision=53), nullable=False),
        sa.Column("ended_at", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boots")),
    )
    op.create_table(
        "cards",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "last4", name=op.f("pk_cards")),
    )
    op.create_table(
        "journal",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column(
            "event",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("call_id", "seq", name=op.f("pk_journal")),
    )
    op.create_table(
        "once_keys",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("operation", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column(
            "result",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "operation", "key", name=op.f("pk_once_keys")),
    )
    op.create_table(
        "policies",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("deductible_cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name=op.f("pk_policies")),
    )
    op.create_table(
        "sessions",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("scenario", sa.String(length=128), nullable=False),
        sa.Column("scenario_title", sa.String(length=200), nullable=False),
        sa.Column("company_name", sa.String(length=200), nullable=True),
        sa.Column("persona_id", sa.String(length=64), nullable=False),
        sa.Column("requested_locale", sa.String(length=35), nullable=True),
        sa.Column("access_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("expires_at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sessions_tenant_created_at"), ["tenant", "created_at"], unique=False
        )

    op.create_table(
        "slots",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("provider", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_slots")),
        sa.UniqueConstraint(
            "tenant", "starts_at", "provider", name=op.f("uq_slots_tenant_starts_at_provider")
        ),
    )
    op.create_table(
        "tool_executions",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("tool_call_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "tool_call_id", name=op.f("pk_tool_executions")),
    )
    op.create_table(
        "transcript",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=True),
        sa.Column("heard_ms", sa.BigInteger(), nullable=True),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("unheard", sa.Text(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "item_id", name=op.f("pk_transcript")),
    )
    op.create_table(
        "appointments",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("slot_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("service", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("confirmation_code", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_appointments_session_id")),
        sa.ForeignKeyConstraint(
            ["tenant", "slot_id"], ["slots.tenant", "slots.id"], name=op.f("fk_appointments_tenant")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_appointments")),
        sa.UniqueConstraint(
            "tenant", "confirmation_code", name=op.f("uq_appointments_tenant_confirmation_code")
        ),
        sa.UniqueConstraint("tenant", "slot_id", name=op.f("uq_appointments_tenant_slot_id")),
    )
    with op.batch_alter_table("appointments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appointments_session_id"), ["session_id"], unique=False)

    op.create_table(
        "calls",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("persona_id", sa.String(length=64), nullable=False),
        sa.Column("leg", sa.String(length=32), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("boot_id", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.Float(precision=53), nullable=False),
        sa.Column("ended_at", sa.Float(precision=53), nullable=True),
        sa.Column("side", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column(
            "summary",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["boot_id"], ["boots.id"], name=op.f("fk_calls_boot_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_calls_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
    )
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.create_index(
            "ix_calls_live_boot",
            ["boot_id"],
            unique=False,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_calls_session_id_started_at"), ["session_id", "started_at"], unique=False
        )
        batch_op.create_index(
            "uq_calls_live_session",
            ["session_id"],
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        )

    op.create_table(
        "charges",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("merchant", sa.String(length=120), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "last4"], ["cards.tenant", "cards.last4"], name=op.f("fk_charges_tenant")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_charges")),
    )
    with op.batch_alter_table("charges", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_charges_tenant_last4"), ["tenant", "last4"], unique=False)

    op.create_table(
        "claims",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("policy_number", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("loss_type", sa.String(length=64), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("injured", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_claims_session_id")),
        sa.ForeignKeyConstraint(
            ["tenant", "policy_number"],
            ["policies.tenant", "policies.number"],
            name=op.f("fk_claims_tenant"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_claims")),
        sa.UniqueConstraint("tenant", "number", name=op.f("uq_claims_tenant_number")),
    )
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claims_session_id"), ["session_id"], unique=False)

    op.create_table(
        "handovers",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("department", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_handovers_session_id")),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_handovers")),
    )
    with op.batch_alter_table("handovers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_handovers_session_id"), ["session_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_handovers_tenant_department_created_at"),
            ["tenant", "department", "created_at"],
            unique=False,
        )

    op.create_table(
        "disputes",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("charge_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_disputes_session_id")),
        sa.ForeignKeyConstraint(
            ["tenant", "charge_id"], ["charges.tenant", "charges.id"], name=op.f("fk_disputes_tenant")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("tenant", "charge_id", name=op.f("uq_disputes_tenant_charge_id")),
        sa.UniqueConstraint("tenant", "reference", name=op.f("uq_disputes_tenant_reference")),
    )
    with op.batch_alter_table("disputes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_disputes_session_id"), ["session_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("disputes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_disputes_session_id"))

    op.drop_table("disputes")
    with op.batch_alter_table("handovers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_handovers_tenant_department_created_at"))
        batch_op.drop_index(batch_op.f("ix_handovers_session_id"))

    op.drop_table("handovers")
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_claims_session_id"))

    op.drop_table("claims")
    with op.batch_alter_table("charges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_charges_tenant_last4"))

    op.drop_table("charges")
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_calls_live_session",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_calls_session_id_started_at"))
        batch_op.drop_index(
            "ix_calls_live_boot",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        )

    op.drop_table("calls")
    with op.batch_alter_table("appointments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appointments_session_id"))

    op.drop_table("appointments")
    op.drop_table("transcript")
    op.drop_table("tool_executions")
    op.drop_table("slots")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sessions_tenant_created_at"))

    op.drop_table("sessions")
    op.drop_table("policies")
    op.drop_table("once_keys")
    op.drop_table("journal")
    op.drop_table("cards")
    op.drop_table("boots")
