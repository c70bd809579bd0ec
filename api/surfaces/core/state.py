"""Where the call of a session is (getSessionState). The answer is a closed object; changing it is not served yet."""

from __future__ import annotations

from aiohttp import web

from api import auth
from api.deps import Deps
from api.limits import Rate
from api.records import call_state, channel, history
from api.records.call_state import Telephony
from api.records.channel_words import TERMINAL
from api.records.history import History, ending_of
from api.surfaces.core.access import held_session
from api.surfaces.core.wire import iso

__all__ = ["routes"]

READ = Rate("session-states", per_minute=600, burst=600)
WHOLE = {"callDurationSec": "callDurationSec", "machineDetectionDurationMs": "machineDetectionDurationMs"}
"""Whole numbers of a carrier's events that the contract has a field for."""
SAFE = 2**53 - 1


def routes(deps: Deps) -> list[web.RouteDef]:
    async def read(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, READ, deps.settings)
        session = await held_session(request, deps)
        events = await history.load(deps.database, session)
        told = await channel.of_session(deps.database, session)
        calls = await call_state.phone_calls(deps.database, session)
        line = call_state.telephony(events, calls, told)
        transferred = line is not None and line.mode == "live_transfer" and line.status == "completed"
        put_through = transferred and any(event.status == "transferred" for event in told)
        steps = call_state.progress(events, deps.personas.get(session.persona_id))
        moments = [session.created_at, *(event.at for event in told), *_moments(events)]
        view: dict[str, object] = {
            "sessionId": session.id,
            "workflowId": session.scenario,
            "currentPhase": call_state.phase(events, put_through),
            "currentPersonaId": session.persona_id,
            "completedSteps": list(steps.completed),
            "pendingSteps": list(steps.pending),
            "metrics": _metrics(events, steps.share),
            "createdAt": iso(session.created_at),
            "updatedAt": iso(max(moments)),
        }
        if events.handovers:
            view["escalationReason"] = events.handovers[-1].reason
            view["escalationTimestamp"] = iso(events.handovers[-1].created_at)
        if line is not None:
            view["telephony"] = _telephony(line, events, _answered_by(deps, events))
        return web.json_response(view)

    return [web.get("/api/sessions/{id}/state", read)]


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
    live = deps.supervisor.find(latest.id)
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
