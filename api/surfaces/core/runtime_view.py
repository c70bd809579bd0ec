"""The answer of `GET /api/realtime/sessions/{sessionId}`: the session as the media saw it.

`metadata` carries what the contract has no field for: `timings` of every turn, `heardMs` by item, the items that
were `interrupted`, and the endings of the calls. Numeric times are Unix milliseconds.
"""

from __future__ import annotations

from typing import Any

from api.records.client_told import Told
from api.records.history import History, Utterance, ending_of, explained
from api.surfaces.core.recordings import recording_view
from api.surfaces.core.wire import millis
from gateway.stores.recordings import Recording
from gateway.stores.runtime import RuntimeUtterance
from gateway.stores.schema import Call
from personas.persona import Persona

__all__ = ["runtime_view"]

TRANSPORT = "BROWSER_REALTIME"
NOTHING = Told()

_TIMINGS = {
    "turn": "turn",
    "reply_ms": "replyMs",
    "endpointing_ms": "endpointingMs",
    "model_ms": "modelMs",
    "playout_ms": "playoutMs",
}


def runtime_view(
    events: History, persona: Persona | None, now: float, known: Told = NOTHING
) -> dict[str, object]:
    """As it stands at `now`. `persona` is None when its file was taken away since; `known` is what clients told of
    media that they run themselves: their figures stand in place of ours."""
    session, runtime = events.session, known.session
    locale = persona.locale if persona else session.requested_locale or "en-US"
    name = persona.display_name if persona else session.persona_id
    transport, told, updated = TRANSPORT, None, _last_activity(events)
    if runtime is not None:
        locale, name = runtime.locale or locale, runtime.persona_name or name
        transport, told, updated = runtime.transport, runtime.stats, max(updated, runtime.updated_at)
    stats = dict(told) if told else _stats(events, now)
    said = _transcript(events, known, locale)
    view: dict[str, object] = {
        "sessionId": session.id,
        "tenantId": session.tenant,
        "personaId": session.persona_id,
        "personaName": name,
        "locale": locale,
        "transportMode": transport,
        # What a client told, but nothing in the place of what we know.
        "metadata": (dict(runtime.told) if runtime is not None else {}) | _metadata(events),
        "createdAt": millis(session.created_at),
        "updatedAt": millis(updated),
        "state": _state(events, known),
        "utteranceCount": len(said),
        "interruptionCount": _interruptions(events),
        "toolCallCount": len(events.tool_runs),
    }
    if said:
        view["lastUtteranceId"] = said[-1]["id"]
    if runtime is not None and runtime.channel_id is not None:
        view["channelId"] = runtime.channel_id
    if stats is not None:
        view["mediaStats"] = stats
    return {
        "session": view,
        "transcript": said,
        "evidence": [],
        "stats": stats,
    }


def _transcript(events: History, known: Told, locale: str) -> list[dict[str, object]]:
    """What we heard, and what clients told, in the order in which speech began."""
    ours = events.session.id
    timed = [(millis(said.started_at), _utterance(said, ours, locale)) for said in events.utterances]
    timed += [(said.start_ms, _told(said, locale)) for said in known.utterances]
    timed.sort(key=lambda pair: pair[0])
    return [utterance for _, utterance in timed]


def _told(said: RuntimeUtterance, locale: str) -> dict[str, object]:
    return {
        "id": f"{said.session_id}:{said.number}",
        "sessionId": said.session_id,
        "speaker": said.speaker,
        "text": said.text,
        "startTime": said.start_ms,
        "endTime": said.end_ms,
        "confidence": said.confidence,
        "locale": said.locale or locale,
        "metadata": dict(said.told),
    }


def _state(events: History, known: Told) -> str:
    if not events.calls:
        return "active" if known.utterances else "initializing"
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
