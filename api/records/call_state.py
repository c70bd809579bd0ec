"""Where a session's conversation is: its phase and its telephone, derived from what happened; none of it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import select

from api.records.channel import MetaValue
from api.records.history import History
from api.records.phases import Phase
from gateway.stores.engine import Database
from gateway.stores.schema import Session
from gateway.stores.telephone import ChannelEventRow, PhoneCall
from personas.persona import Persona

__all__ = ["Mode", "Progress", "Telephony", "phase", "phone_calls", "progress", "telephony"]

Mode = Literal["live_transfer", "callback"]

KNOWN = frozenset(
    {
        "queued",
        "completed",
        "failed",
        "initiated",
        "ringing",
        "answered",
        "in_progress",
        "busy",
        "no_answer",
        "canceled",
    }
)
TRANSFERS = {"transferring": "initiated", "transferred": "completed", "transfer_failed": "failed"}
"""What channel events say of a transfer, in the contract's words."""
HANDOVER_DESK = "parley"
"""Who provides a hand-over of a session that has no carrier."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done and what is still to be done, by the names of tools."""

    completed: tuple[str, ...]
    pending: tuple[str, ...]

    @property
    def share(self) -> float:
        """Of what was begun, 0 to 1."""
        steps = len(self.completed) + len(self.pending)
        return len(self.completed) / steps if steps else 0.0


@dataclass(frozen=True, slots=True)
class Telephony:
    """The latest that was asked of the telephone: to put through, to call back, or the call itself."""

    request: str
    mode: Mode
    status: str
    provider: str
    requested_at: float
    carrier_call: str | None = None
    target: str | None = None
    raw_status: str | None = None
    last_event_at: float | None = None
    position: int | None = None
    meta: Mapping[str, MetaValue] = field(default_factory=dict)


async def phone_calls(database: Database, session: Session) -> Sequence[PhoneCall]:
    """Oldest first. Raises SQLAlchemyError."""
    async with database.reading(session.tenant) as db:
        found = await db.scalars(
            select(PhoneCall).where(PhoneCall.session_id == session.id).order_by(PhoneCall.created_at)
        )
        return found.all()


def phase(events: History, transferred: bool) -> Phase:
    """The furthest that the conversation came."""
    if events.handovers or transferred:
        return "handoff"
    if events.calls and not events.live:
        return "closure"
    if events.achieved:
        return "action"
    if events.tool_runs:
        return "data_capture"
    if any(said.entry.role == "user" for said in events.utterances):
        return "qualification"
    return "greeting"


def progress(events: History, persona: Persona | None) -> Progress:
    """Tools that did their work; and of the tasks that they are steps of, those that have not yet."""
    done = tuple(dict.fromkeys(run.name for _, run in events.tool_runs if run.ok))
    tasks = persona.dialogue.tasks if persona is not None and persona.dialogue is not None else ()
    steps = [
        step.call
        for task in tasks
        if any(step.call in done for step in task.steps if step.call)
        for step in task.steps
        if step.call
    ]
    return Progress(done, tuple(dict.fromkeys(step for step in steps if step not in done)))


def telephony(
    events: History, calls: Sequence[PhoneCall], told: Sequence[ChannelEventRow]
) -> Telephony | None:
    """None for a session that has nothing to do with a telephone, nor with somebody who is to call back."""
    call = calls[-1] if calls else None
    transfers = [event for event in told if event.status in TRANSFERS]
    if transfers:
        begun = next((one for one in reversed(transfers) if one.status == "transferring"), transfers[-1])
        latest = transfers[-1]
        return Telephony(
            request=begun.key,
            mode="live_transfer",
            status=TRANSFERS[latest.status],
            provider=latest.provider,
            requested_at=begun.at,
            carrier_call=latest.carrier_call,
            raw_status=latest.raw_status,
            last_event_at=latest.at,
        )
    if events.handovers:
        handover = events.handovers[-1]
        return Telephony(
            request=handover.id,
            mode="callback",
            status="callback_requested",
            provider=told[-1].provider if told else HANDOVER_DESK,
            requested_at=handover.created_at,
            carrier_call=None if call is None else call.carrier_call,
            target=handover.department,
        )
    return None if call is None else _line(call, told)


def _line(call: PhoneCall, told: Sequence[ChannelEventRow]) -> Telephony:
    ours = [event for event in told if event.carrier_call == call.carrier_call]
    known = [event for event in ours if event.status in KNOWN]
    meta: dict[str, MetaValue] = {}
    for event in ours:
        meta |= event.meta
    latest = known[-1] if known else None
    inbound = call.direction == "inbound"
    return Telephony(
        request=call.session_id,
        mode="live_transfer" if inbound else "callback",
        status=latest.status if latest is not None else ("ringing" if inbound else "initiated"),
        provider=latest.provider if latest is not None else f"{call.carrier}_voice",
        requested_at=call.created_at,
        carrier_call=call.carrier_call,
        raw_status=None if latest is None else latest.raw_status,
        last_event_at=ours[-1].at if ours else None,
        position=None if latest is None else latest.position,
        meta=meta,
    )
