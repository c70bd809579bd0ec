"""Everything that happened in a session, read at once: what the surfaces translate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from gateway.errors import ENDINGS, Ending, Side
from gateway.stores.accounts import ServiceRequest
from gateway.stores.business import Appointment, Charge, Claim, Dispute, Handover, Slot
from gateway.stores.engine import Database
from gateway.stores.recordings import Recording
from gateway.stores.schema import Call, Session, ToolRun, Transcript, UsageRow

__all__ = ["History", "Utterance", "ending_of", "explained", "load"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """A transcript entry with the call it belongs to, which places it in time."""

    call: Call
    entry: Transcript

    @property
    def started_at(self) -> float:
        """Unix seconds."""
        return self.call.started_at + self.entry.start_ms / 1000

    @property
    def ended_at(self) -> float:
        """Unix seconds; the start while nobody knows."""
        end_ms = self.entry.start_ms if self.entry.end_ms is None else self.entry.end_ms
        return self.call.started_at + end_ms / 1000


@dataclass(frozen=True, slots=True)
class History:
    """A session and its traces, each list oldest first."""

    session: Session
    calls: Sequence[Call]
    utterances: Sequence[Utterance]
    """In the order in which speech began."""
    tool_runs: Sequence[tuple[Call, ToolRun]]
    appointments: Sequence[tuple[Appointment, Slot]]
    claims: Sequence[Claim]
    disputes: Sequence[tuple[Dispute, Charge]]
    handovers: Sequence[Handover]
    requests: Sequence[ServiceRequest]
    usage: Sequence[UsageRow]
    """Of each model of each call."""
    recordings: Sequence[Recording] = ()

    @property
    def achieved(self) -> bool:
        """Whether anything was done for the caller."""
        return bool(self.appointments or self.claims or self.disputes or self.requests)

    @property
    def live(self) -> bool:
        """Whether a call is on."""
        return any(call.ended_at is None for call in self.calls)

    def talked_s(self, now: float) -> float:
        """Seconds of all calls; a live one counts until `now`."""
        return sum(
            (now if call.ended_at is None else call.ended_at) - call.started_at for call in self.calls
        )


async def load(database: Database, session: Session) -> History:
    """Read it, within the session's tenant. Raises SQLAlchemyError."""
    ours = session.id
    async with database.reading(session.tenant) as db:
        calls = (
            await db.scalars(select(Call).where(Call.session_id == ours).order_by(Call.started_at))
        ).all()
        by_id = {call.id: call for call in calls}
        entries = (await db.scalars(select(Transcript).where(Transcript.call_id.in_(by_id)))).all()
        runs = (await db.scalars(select(ToolRun).where(ToolRun.call_id.in_(by_id)))).all()
        usage = (await db.scalars(select(UsageRow).where(UsageRow.call_id.in_(by_id)))).all()
        appointments = await db.execute(
            select(Appointment, Slot)
            .join(Slot, (Slot.tenant == Appointment.tenant) & (Slot.id == Appointment.slot_id))
            .where(Appointment.session_id == ours)
            .order_by(Appointment.created_at)
        )
        claims = await db.scalars(select(Claim).where(Claim.session_id == ours).order_by(Claim.created_at))
        disputes = await db.execute(
            select(Dispute, Charge)
            .join(Charge, (Charge.tenant == Dispute.tenant) & (Charge.id == Dispute.charge_id))
            .where(Dispute.session_id == ours)
            .order_by(Dispute.created_at)
        )
        recordings = await db.scalars(select(Recording).where(Recording.session_id == ours))
        handovers = await db.scalars(
            select(Handover).where(Handover.session_id == ours).order_by(Handover.created_at)
        )
        requests = await db.scalars(
            select(ServiceRequest)
            .where(ServiceRequest.session_id == ours)
            .order_by(ServiceRequest.created_at)
        )
        utterances = [Utterance(by_id[entry.call_id], entry) for entry in entries]
        return History(
            session=session,
            calls=calls,
            utterances=sorted(utterances, key=lambda said: (said.started_at, said.entry.item_id)),
            tool_runs=sorted(
                ((by_id[run.call_id], run) for run in runs),
                key=lambda pair: pair[0].started_at + pair[1].started_ms / 1000,
            ),
            appointments=appointments.all(),
            claims=claims.all(),
            disputes=disputes.all(),
            handovers=handovers.all(),
            requests=requests.all(),
            usage=usage,
            recordings=recordings.all(),
        )


def ending_of(call: Call) -> Ending | None:
    """Why the call is over; None while it is live."""
    if call.ended_at is None or call.side is None or call.reason is None:
        return None
    return Ending(Side(call.side), call.reason)


def explained(ending: Ending) -> str:
    """The ending in words, e.g. `caller/hung-up: the caller hung up`."""
    sentence = ENDINGS.get(ending)
    return f"{ending}: {sentence}" if sentence else str(ending)
