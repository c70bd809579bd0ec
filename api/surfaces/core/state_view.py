"""Where the call of a session is, as the contract has it: a closed object (getSessionState)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.deps import Deps
from api.records import call_state, channel, handoffs, history, steering
from api.records.call_state import Telephony
from api.records.channel_words import TERMINAL
from api.records.history import History, ending_of
from api.records.phases import Phase
from api.surfaces.core.wire import iso
from gateway.stores.agents import CallStateRow, HandoffRow
from gateway.stores.schema import Session
from gateway.stores.telephone import ChannelEventRow
from personas.persona import Persona

__all__ = ["Facts", "gathered", "view"]

WHOLE = {"callDurationSec": "callDurationSec", "machineDetectionDurationMs": "machineDetectionDurationMs"}
"""Whole numbers of a carrier's events that the contract has a field for."""
SAFE = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a session's call state is made of."""

    session: Session
    events: History
    told: Sequence[ChannelEventRow]
    line: Telephony | None
    derived: Phase
    """The phase that the calls tell of."""
    steered: CallStateRow | None
    handoff: HandoffRow | None

    @property
    def phase(self) -> Phase:
        return steering.phase_in_force(self.steered, self.derived)


async def gathered(deps: Deps, session: Session) -> Facts:
    """Raises SQLAlchemyError."""
    events = await history.load(deps.database, session)
    told = await channel.of_session(deps.database, session)
    calls = await call_state.phone_calls(deps.database, session)
    line = call_state.telephony(events, calls, told)
    transferred = line is not None and line.mode == "live_transfer" and line.status == "completed"
    put_through = transferred and any(event.status == "transferred" for event in told)
    return Facts(
        session,
        events,
        told,
        line,
        call_state.phase(events, put_through),
        await steering.of_session(deps.database, session),
        await handoffs.latest(deps.database, session),
    )


def view(deps: Deps, facts: Facts) -> dict[str, object]:
    """The contract's call state."""
    session, events, row, handoff = facts.session, facts.events, facts.steered, facts.handoff
    persona_id = session.persona_id if handoff is None else handoff.to_persona_id
    persona = deps.personas.get(persona_id)
    steps = call_state.progress(events, persona)
    completed = list(dict.fromkeys((*steps.completed, *(row.completed_steps if row else ()))))
    pending = [step for step in steps.pending if step not in completed]
    moments = [session.created_at, *(event.at for event in facts.told), *_moments(events)]
    told: dict[str, object] = {
        "sessionId": session.id,
        "workflowId": (persona.workflow_profile if persona else None) or session.scenario,
        "currentPhase": facts.phase,
        "currentPersonaId": persona_id,
        "completedSteps": completed,
        "pendingSteps": pending if row is None or row.pending_steps is None else list(row.pending_steps),
        "metrics": _metrics(events, steps.share),
        "createdAt": iso(session.created_at),
    }
    if (workflow := _workflow(deps, persona)) is not None:
        told["workflowDefinitionId"] = workflow
    if events.handovers:
        told["escalationReason"] = events.handovers[-1].reason
        told["escalationTimestamp"] = iso(events.handovers[-1].created_at)
    if row is not None:
        moments.append(row.updated_at)
        if row.next_persona_id is not None:
            told["nextPersonaId"] = row.next_persona_id
        if row.escalation_reason is not None and row.escalated_at is not None:
            told["escalationReason"] = row.escalation_reason
            told["escalationTimestamp"] = iso(row.escalated_at)
    if handoff is not None:
        moments.append(handoff.created_at)
        told["handoffContext"] = _handoff(handoff)
    if facts.line is not None:
        told["telephony"] = _telephony(facts.line, events, _answered_by(deps, events))
    return told | {"updatedAt": iso(max(moments))}


def _workflow(deps: Deps, persona: Persona | None) -> str | None:
    """What a vertical pack lays down for what the agent carries out; None: no pack has it."""
    if persona is None or persona.workflow_profile is None:
        return None
    workflow = deps.catalogs.current.workflow(persona.workflow_profile)
    return None if workflow is None else workflow.id


def _handoff(handoff: HandoffRow) -> dict[str, object]:
    told: dict[str, object] = {
        "fromPersonaId": handoff.from_persona_id,
        "toPersonaId": handoff.to_persona_id,
        "summary": handoff.summary,
        "keyFacts": [str(fact) for fact in handoff.facts],
        "timestamp": iso(handoff.created_at),
    }
    return told | ({"transcriptExcerpt": handoff.excerpt} if handoff.excerpt else {})


def _moments(events: History) -> list[float]:
    return [
        *(call.started_at if call.ended_at is None else call.ended_at for call in events.calls),
        *(said.ended_at for said in events.utterances),
        *(call.started_at + (run.started_ms + run.duration_ms) / 1000 for call, run in events.tool_runs),
        *(handover.created_at for handover in events.handovers),
    ]


def _metrics(events: History, share: float) -> dict[str, object]:
    runs = [run for _, run in events.tool_runs]
    succeeded = sum(run.ok for run in runs)
    return {
        "totalToolCallsAttempted": len(runs),
        "successfulToolCalls": succeeded,
        "failedToolCalls": len(runs) - succeeded,
        "avgToolDurationMs": round(sum(run.duration_ms for run in runs) / len(runs), 1) if runs else 0,
        "dataCapturedness": round(100 * share, 1),
    }


def _answered_by(deps: Deps, events: History) -> str | None:
    """Who answered the latest call, as it found out itself."""
    if not events.calls:
        return None
    latest = events.calls[-1]
    # One that is over is not looked for: under another number of workers its id leads to another one.
    live = deps.supervisor.find(latest.id) if latest.ended_at is None else None
    return live.answered_by if live is not None else (latest.summary or {}).get("answered_by")


def _telephony(line: Telephony, events: History, answered_by: str | None) -> dict[str, object]:
    view: dict[str, object] = {
        "requestId": line.request,
        "mode": line.mode,
        "status": line.status,
        "providerId": line.provider,
        "requestedAt": iso(line.requested_at),
    }
    optional = {
        "target": line.target,
        "callSid": line.carrier_call,
        "rawStatus": line.raw_status,
        "lastEventAt": None if line.last_event_at is None else iso(line.last_event_at),
        "sequenceNumber": line.position if line.position is not None and line.position <= SAFE else None,
        "answeredBy": _text(line.meta.get("answeredBy")) or answered_by,
        "terminalReason": _reason(line, events),
    }
    for theirs, ours in WHOLE.items():
        value = line.meta.get(ours)
        optional[theirs] = value if isinstance(value, int) and not isinstance(value, bool) else None
    view |= {name: value for name, value in optional.items() if value is not None}
    return view


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _reason(line: Telephony, events: History) -> str | None:
    """Why the line is over: the ending of the call if it came to one, or else the carrier's word."""
    if line.status not in TERMINAL and line.status != "failed":
        return None
    ending = ending_of(events.calls[-1]) if events.calls else None
    return line.raw_status or line.status if ending is None else str(ending)
