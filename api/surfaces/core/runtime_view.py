"""The answer of `GET /api/realtime/sessions/{sessionId}`: the session as the media saw it.

`metadata` carries what the contract has no field for: `timings` of every turn, `heardMs` by item, the items that
were `interrupted`, and the endings of the calls. Numeric times are Unix milliseconds.
"""

from __future__ import annotations

from typing import Any

from api.records.history import History, Utterance, ending_of, explained
from api.surfaces.core.recordings import recording_view
from api.surfaces.core.wire import millis
from gateway.stores.recordings import Recording
from gateway.stores.schema import Call
from personas.persona import Persona

__all__ = ["runtime_view"]

TRANSPORT = "BROWSER_REALTIME"

_TIMINGS = {
    "turn": "turn",
    "reply_ms": "replyMs",
    "endpointing_ms": "endpointingMs",
    "model_ms": "modelMs",
    "playout_ms": "playoutMs",
}


def runtime_view(events: History, persona: Persona | None, now: float) -> dict[str, object]:
    """As it stands at `now`. `persona` is None when its file was taken away since."""
    session = events.session
    locale = persona.locale if persona else session.requested_locale or "en-US"
    stats = _stats(events, now)
    view: dict[str, object] = {
        "sessionId": session.id,
        "tenantId": session.tenant,
        "personaId": session.persona_id,
        "personaName": persona.display_name if persona else session.persona_id,
        "locale": locale,
        "transportMode": TRANSPORT,
        "metadata": _metadata(events),
        "createdAt": millis(session.created_at),
        "updatedAt": millis(_last_activity(events)),
        "state": _state(events),
        "utteranceCount": len(events.utterances),
        "interruptionCount": _interruptions(events),
        "toolCallCount": len(events.tool_runs),
    }
    if events.utterances:
        view["lastUtteranceId"] = events.utterances[-1].entry.item_id
    if stats is not None:
        view["mediaStats"] = stats
    return {
        "session": view,
        "transcript": [_utterance(said, session.id, locale) for said in events.utterances],
        "evidence": [],
        "stats": stats,
    }


def _state(events: History) -> str:
    if not events.calls:
        return "initializing"
    if not events.live:
        return "closed"
    return "active" if events.utterances else "connected"


def _interruptions(events: History) -> int:
    return sum(said.entry.interrupted for said in events.utterances)


def _last_activity(events: History) -> float:
    moments = [
        events.session.created_at,
        *(call.started_at if call.ended_at is None else call.ended_at for call in events.calls),
        *(said.ended_at for said in events.utterances),
        *(call.started_at + (run.started_ms + run.duration_ms) / 1000 for call, run in events.tool_runs),
    ]
    return max(moments)


def _metadata(events: History) -> dict[str, object]:
    summaries = [call.summary for call in events.calls if call.summary]
    agent = [said.entry for said in events.utterances if said.entry.role == "assistant"]
    recorded = {recording.call_id: recording for recording in events.recordings}
    return {
        "timings": [_timing(timing) for summary in summaries for timing in summary.get("timings", ())],
        "bargeinMs": [ms for summary in summaries for ms in summary.get("bargein_ms", ())],
        "heardMs": {entry.item_id: entry.heard_ms for entry in agent if entry.heard_ms is not None},
        "interrupted": [entry.item_id for entry in agent if entry.interrupted],
        "calls": [_call(call, recorded.get(call.id)) for call in events.calls],
    }


def _timing(timing: dict[str, Any]) -> dict[str, object]:
    return {ours: timing[field] for field, ours in _TIMINGS.items() if timing.get(field) is not None}


def _call(call: Call, recording: Recording | None) -> dict[str, object]:
    view: dict[str, object] = {
        "callId": call.id,
        "provider": call.provider,
        "leg": call.leg,
        "startedAt": millis(call.started_at),
    }
    ending = ending_of(call)
    if ending is not None and call.ended_at is not None:
        view["endedAt"] = millis(call.ended_at)
        view["ending"] = {
            "side": ending.side.value,
            "reason": ending.reason,
            "description": explained(ending),
        }
    if recording is not None:
        view["recording"] = recording_view(recording)
    if call.summary:
        view["turns"] = call.summary.get("turns", 0)
        view["durationMs"] = call.summary.get("duration_ms", 0)
        if call.summary.get("answered_by"):
            view["answeredBy"] = call.summary["answered_by"]
        view["droppedAudioMs"] = call.summary.get("dropped_audio_ms", 0)
    return view


def _utterance(said: Utterance, session_id: str, locale: str) -> dict[str, object]:
    entry = said.entry
    metadata: dict[str, object] = {
        "callId": entry.call_id,
        "revision": entry.revision,
        "final": entry.final,
        "interrupted": entry.interrupted,
        "startMs": entry.start_ms,
    }
    if entry.end_ms is not None:
        metadata["endMs"] = entry.end_ms
    if entry.heard_ms is not None:
        metadata["heardMs"] = entry.heard_ms
        metadata["heardEstimated"] = entry.estimated
    if entry.unheard:
        metadata["unheard"] = entry.unheard
    return {
        "id": entry.item_id,
        "sessionId": session_id,
        "speaker": entry.role,
        "text": entry.text,
        "startTime": millis(said.started_at),
        "endTime": millis(said.ended_at),
        # Of how sure the ears were nothing is kept; this says whether the text may still change.
        "confidence": 1 if entry.final else 0,
        "locale": locale,
        "metadata": metadata,
    }


def _stats(events: History, now: float) -> dict[str, object] | None:
    """The media's figures: None before the first call. `uptime` in seconds."""
    if not events.calls:
        return None
    stats: dict[str, object] = {
        "sessionId": events.session.id,
        "transportMode": TRANSPORT,
        "uptime": round(max(0.0, events.talked_s(now)), 3),
        "utteranceCount": len(events.utterances),
        "lastActivity": millis(_last_activity(events)),
        "interruptionCount": _interruptions(events),
    }
    summary = events.calls[-1].summary or {}
    replies = [timing["reply_ms"] for timing in summary.get("timings", ())]
    if replies:
        stats["averageLatencyMs"] = round(sum(replies) / len(replies), 1)
    leg = summary.get("leg", {})
    for field, ours in (("jitter_ms", "jitterMs"), ("packet_loss", "packetLoss")):
        if leg.get(field) is not None:
            stats[ours] = max(0.0, leg[field])
    return stats
