"""The answer of `GET /api/sessions/{id}`: a closed object, so every field is named here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from api.records import costs
from api.records.history import History, ending_of
from api.surfaces.core.costs import token_usage
from api.surfaces.core.timeline import timeline
from api.surfaces.core.wire import iso, millis
from gateway.errors import Side

__all__ = ["session_view"]

CLIENTS = frozenset({"webrtc", "websocket"})
"""Legs that are no carrier's."""


def session_view(events: History, now: float) -> dict[str, object]:
    """As it stands at `now`; a live call's transcript grows from one reading to the next. Fields of which nothing
    is known yet are left out."""
    session = events.session
    view: dict[str, object] = {
        "id": session.id,
        "scenarioId": session.scenario,
        "scenarioTitle": session.scenario_title,
        "tenantId": session.tenant,
        "transcript": [
            {"role": said.entry.role, "text": said.entry.text, "timestamp": millis(said.started_at)}
            for said in events.utterances
            if said.entry.text
        ],
        "timelineEvents": timeline(events),
        "toolsUsed": list(dict.fromkeys(run.name for _, run in events.tool_runs)),
        # No scenario is scripted in beats and no lead is scored yet: nothing was counted.
        "beatsCompleted": 0,
        "totalBeats": 0,
        "leadScore": 0,
        "leadTier": "cold",
        "extractedData": _extracted(events),
        "integrationOutcomes": [],
        "duration": round(events.talked_s(now), 3),
        "createdAt": iso(session.created_at),
        "expiresAt": iso(session.expires_at),
    }
    if session.company_name is not None:
        view["companyName"] = session.company_name
    if session.requested_locale is not None:
        view["requestedLocale"] = session.requested_locale
    if events.calls:
        view["interactionSummary"] = _interaction(events)
    if events.appointments:
        view["bookingOutcome"] = _booking_outcome(events)
    if events.handovers:
        view["transferHandoff"] = _handoff(events)
    summaries = [call.summary for call in events.calls if call.summary]
    if summaries:
        view["latencyMetrics"] = _latency(summaries)
    if events.usage:
        view["tokenUsage"] = token_usage(costs.total(events.usage))
    elif summaries:
        # Calls of before usage was kept by model.
        view["tokenUsage"] = _tokens(summaries)
    return view


def _extracted(events: History) -> dict[str, object]:
    """What was learnt and written down during the calls, by noun."""
    data: dict[str, object] = {}
    if events.appointments:
        data["appointments"] = [
            {
                "bookingId": appointment.id,
                "confirmationCode": appointment.confirmation_code,
                "service": appointment.service,
                "startsAt": slot.starts_at.isoformat(),
                "provider": slot.provider,
                "name": appointment.name,
                "phone": appointment.phone,
            }
            for appointment, slot in events.appointments
        ]
    if events.claims:
        data["claims"] = [
            {
                "claimId": claim.id,
                "claimNumber": claim.number,
                "policyNumber": claim.policy_number,
                "lossType": claim.loss_type,
                "occurredOn": claim.occurred_on.isoformat(),
                "injured": claim.injured,
                "description": claim.description,
                "status": claim.status,
            }
            for claim in events.claims
        ]
    if events.disputes:
        data["disputes"] = [
            {
                "disputeId": dispute.id,
                "reference": dispute.reference,
                "merchant": charge.merchant,
                "amount": charge.amount_cents / 100,
                "currency": charge.currency,
                "reason": dispute.reason,
                "status": dispute.status,
            }
            for dispute, charge in events.disputes
        ]
    if events.requests:
        data["requests"] = [
            {
                "requestId": request.id,
                "reference": request.reference,
                "kind": request.kind,
                "name": request.name,
                "phone": request.phone,
                "details": request.details,
                "status": request.status,
            }
            for request in events.requests
        ]
    return data


def _channel(events: History) -> str:
    """How the caller came, the last time."""
    return "phone" if events.calls and events.calls[-1].leg not in CLIENTS else "web"


def _interaction(events: History) -> dict[str, object]:
    summary: dict[str, object] = {
        "channel": _channel(events),
        "direction": "inbound",
        "intent": events.session.scenario,
        "booking": {"requested": bool(events.appointments), "status": "not_requested"},
        "escalation": {"requested": bool(events.handovers), "status": "not_required"},
    }
    if events.appointments:
        appointment, slot = events.appointments[-1]
        summary["contact"] = {"displayName": appointment.name, "phoneNumber": appointment.phone}
        summary["booking"] = {
            "requested": True,
            "status": "scheduled",
            "scheduledFor": slot.starts_at.isoformat(),
            "referenceId": appointment.confirmation_code,
        }
    if events.handovers:
        handover = events.handovers[-1]
        summary["escalation"] = {
            "requested": True,
            "reason": handover.reason,
            "target": handover.department,
            "status": "pending",
        }
    if not events.live:
        summary["disposition"] = _disposition(events)
    return summary


def _disposition(events: History) -> str:
    """What the ended calls came to."""
    if events.appointments:
        return "booked"
    if events.handovers:
        return "escalated"
    ending = ending_of(events.calls[-1])
    finished = ending is not None and ending.side is Side.AGENT
    return "resolved" if events.achieved or finished else "abandoned"


def _booking_outcome(events: History) -> dict[str, object]:
    appointment, slot = events.appointments[-1]
    return {
        "status": "confirmed",
        "scheduledFor": slot.starts_at.isoformat(),
        "confirmationCode": appointment.confirmation_code,
        "reminderStatus": "not_configured",
        "approvalStatus": "not_required",
        "updatedAt": iso(appointment.created_at),
    }


def _handoff(events: History) -> dict[str, object]:
    handover = events.handovers[-1]
    return {
        "handoffId": handover.id,
        "reason": handover.reason,
        "fromPersonaId": events.session.persona_id,
        "fromChannel": _channel(events),
        "transferMode": "callback",
        "summary": f"A person of {handover.department} takes over.",
        "keyFacts": [f"{run.name}: {'done' if run.ok else 'failed'}" for _, run in events.tool_runs],
        "timestamp": iso(handover.created_at),
    }


def _tokens(summaries: Sequence[dict[str, Any]]) -> dict[str, int]:
    read = sum(int(summary.get("input_tokens", 0)) for summary in summaries)
    written = sum(int(summary.get("output_tokens", 0)) for summary in summaries)
    return {"inputTokens": read, "outputTokens": written, "totalTokens": read + written}


def _latency(summaries: Sequence[dict[str, Any]]) -> dict[str, int]:
    """`latency…`: the caller's last word to the first sound of the reply. `ttfw…`: the asking of the model to its
    first sound, a part of that. Milliseconds; left out when nothing was measured."""
    turns = [timing for summary in summaries for timing in summary.get("timings", ())]
    metrics = {
        "userInterruptions": sum(int(summary.get("interruptions", 0)) for summary in summaries),
    }
    for name, field in (("latency", "reply_ms"), ("ttfw", "model_ms")):
        values = sorted(timing[field] for timing in turns if timing.get(field) is not None)
        for percent in (50, 90, 99):
            if values:
                metrics[f"{name}P{percent}"] = values[math.ceil(len(values) * percent / 100) - 1]
    return metrics
