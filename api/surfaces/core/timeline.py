"""`timelineEvents` of a session: what happened, in order, for people to read."""

from __future__ import annotations

from api.records.history import History, ending_of, explained
from api.surfaces.core.wire import iso

__all__ = ["timeline"]


def timeline(events: History) -> list[dict[str, object]]:
    """Oldest first. The end of a call is of type `call_ended`; its description begins with the Ending."""
    found: list[tuple[float, dict[str, object]]] = []

    def add(at: float, key: str, kind: str, title: str, description: str, system: str) -> None:
        entry: dict[str, object] = {
            "id": key,
            "type": kind,
            "title": title,
            "description": description,
            "system": system,
            "timestamp": iso(at),
        }
        found.append((at, entry))

    session = events.session
    add(
        session.created_at,
        session.id,
        "session_created",
        "Session opened",
        session.scenario_title,
        "parley",
    )
    for call in events.calls:
        began = f"over {call.leg}, answered by {call.provider}"
        add(call.started_at, f"{call.id}:started", "call_started", "Call started", began, "gateway")
        ending = ending_of(call)
        if ending is not None and call.ended_at is not None:
            add(call.ended_at, f"{call.id}:ended", "call_ended", "Call ended", explained(ending), "gateway")
    for said in events.utterances:
        if said.entry.interrupted:
            heard = f"{said.entry.heard_ms or 0} ms of the reply were heard"
            at = said.started_at + (said.entry.heard_ms or 0) / 1000
            key = f"{said.call.id}:{said.entry.item_id}:interrupted"
            add(at, key, "interrupted", "The caller interrupted", heard, "gateway")
    for call, run in events.tool_runs:
        at = call.started_at + (run.started_ms + run.duration_ms) / 1000
        kind, word = ("tool_completed", "done") if run.ok else ("tool_failed", "failed")
        description = f"{word} after {run.duration_ms} ms"
        add(at, f"{run.call_id}:{run.tool_call_id}", kind, run.name, description, "tools")
    for appointment, slot in events.appointments:
        booked = (
            f"{appointment.service}, {slot.starts_at.isoformat()}, code {appointment.confirmation_code}"
        )
        add(
            appointment.created_at,
            appointment.id,
            "appointment_booked",
            "Appointment booked",
            booked,
            "records",
        )
    for claim in events.claims:
        opened = f"{claim.number} on policy {claim.policy_number}"
        add(claim.created_at, claim.id, "claim_opened", "Claim opened", opened, "records")
    for dispute, charge in events.disputes:
        opened = f"{dispute.reference}: {charge.merchant}"
        add(dispute.created_at, dispute.id, "dispute_opened", "Dispute opened", opened, "records")
    for request in events.requests:
        asked = f"{request.reference}: {request.kind.replace('_', ' ')}"
        add(request.created_at, request.id, "request_filed", "Request written down", asked, "records")
    for handover in events.handovers:
        waits = f"{handover.department}: {handover.reason}"
        add(
            handover.created_at,
            handover.id,
            "handover_requested",
            "Handed over to a person",
            waits,
            "records",
        )
    found.sort(key=lambda pair: pair[0])
    return [entry for _, entry in found]
