"""Where a session is steered by whoever holds it: phase, steps, escalation (patchSessionState). Kept beside what is
derived from the calls themselves (`call_state`)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from api.records.phases import Phase, may_follow
from gateway.stores.agents import CallStateRow
from gateway.stores.engine import Database
from gateway.stores.schema import Session

__all__ = ["STEPS", "Change", "NotAllowed", "change", "check", "of_session", "phase_in_force"]

STEPS = 100
"""Steps that are kept of a session."""
_TRIES = 3


class NotAllowed(Exception):
    """The call state cannot change so; the message says why, for a client."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked for; None: stays."""

    phase: Phase | None = None
    completed_step: str | None = None
    pending_steps: tuple[str, ...] | None = None
    next_persona_id: str | None = None
    escalation_reason: str | None = None


async def of_session(database: Database, session: Session) -> CallStateRow | None:
    """Raises SQLAlchemyError."""
    async with database.reading(session.tenant) as db:
        return await db.get(CallStateRow, session.id)


def phase_in_force(row: CallStateRow | None, derived: Phase) -> Phase:
    """What was set, until the calls themselves tell of another phase; a call that is over is over."""
    if row is None or row.phase is None or derived == "closure":
        return derived
    if row.phase == "closure" and derived == "handoff":
        # To ask for a person afterwards opens nothing again.
        return "closure"
    if derived != row.phase_over:
        return derived
    return row.phase  # type: ignore[return-value]  # written as one


def check(row: CallStateRow | None, wanted: Change, derived: Phase) -> None:
    """Whether it may change so: `row` as it is, `derived` as for `change`. Raises NotAllowed."""
    phase = phase_in_force(row, derived)
    if wanted.phase is not None and not may_follow(phase, wanted.phase):
        raise NotAllowed(
            "The call is over, and stays so."
            if phase == "closure"
            else f"A call in the phase {phase} cannot go to {wanted.phase}."
        )
    steps = () if row is None else row.completed_steps
    if wanted.completed_step is not None and wanted.completed_step not in steps and len(steps) >= STEPS:
        raise NotAllowed(f"A session keeps {STEPS} completed steps, and has them.")


async def change(
    database: Database, session: Session, wanted: Change, derived: Phase, now: float
) -> CallStateRow:
    """Change what is given, at `now` (Unix seconds); `derived`: the phase that the calls tell of. The rules are looked
    at within the transaction, so of two changes at once the later one goes by what the earlier one made.
    Raises NotAllowed, SQLAlchemyError."""
    for attempt in range(1, _TRIES + 1):
        try:
            async with database.writing(session.tenant) as db:
                found = select(CallStateRow).where(CallStateRow.session_id == session.id).with_for_update()
                row = await db.scalar(found)
                if row is None:
                    row = CallStateRow(
                        session_id=session.id, completed_steps=[], created_at=now, updated_at=now
                    )
                    db.add(row)
                _apply(row, wanted, derived, now)
                await db.flush()
                return row
        except IntegrityError:
            # Another one wrote the first row meanwhile.
            if attempt == _TRIES:
                raise
    raise AssertionError("unreachable")


def _apply(row: CallStateRow, wanted: Change, derived: Phase, now: float) -> None:
    check(row, wanted, derived)
    if wanted.phase is not None:
        row.phase, row.phase_over = wanted.phase, derived
    step = wanted.completed_step
    if step is not None and step not in row.completed_steps:
        row.completed_steps = [*row.completed_steps, step]
    if wanted.pending_steps is not None:
        row.pending_steps = list(wanted.pending_steps)
    elif step is not None and row.pending_steps:
        row.pending_steps = [one for one in row.pending_steps if one != step]
    if wanted.next_persona_id is not None:
        row.next_persona_id = wanted.next_persona_id
    if wanted.escalation_reason is not None:
        row.escalation_reason, row.escalated_at = wanted.escalation_reason, now
    row.updated_at = now
