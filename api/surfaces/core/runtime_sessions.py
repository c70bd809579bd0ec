"""`/api/realtime/sessions`: sessions whose media a client runs itself, or somebody else's server; and what it tells of
them (createRealtimeRuntimeSession, getRealtimeRuntimeSession, recordRealtimeRuntimeUtterance,
recordRealtimeRuntimeStats). Public by contract: whoever knows the id, which cannot be guessed, may read and add."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api import auth, body
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import client_told, history, sessions
from api.surfaces.core.access import found_session
from api.surfaces.core.runtime_view import runtime_view
from api.surfaces.core.sessions import OPEN, READ
from api.surfaces.core.wire import millis
from gateway.stores.schema import Session

__all__ = ["routes"]

TELL = Rate("session-tellings", per_minute=600, burst=600)
METADATA = 16 * 1024
"""Bytes of the JSON that a client may attach to a session or an utterance."""
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999; times are Unix milliseconds."""

Transport = Literal["BROWSER_REALTIME", "TELEPHONY_LIVEKIT", "FALLBACK_CASCADE"]
Name = Annotated[str, Field(min_length=1, max_length=256)]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
Moment = Annotated[float, Field(ge=0, le=LATEST_MS, allow_inf_nan=False)]


def _small(value: dict[str, Any]) -> dict[str, Any]:
    size = len(orjson.dumps(value))
    if size > METADATA:
        raise ValueError(f"has {size} bytes as JSON, and may have {METADATA}")
    return value


Metadata = Annotated[dict[str, Any], AfterValidator(_small)]


class _Model(BaseModel):
    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True, strict=True)


class _New(_Model):
    tenant: str | None = Field(
        None, alias="tenantId", max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
    )
    persona_id: Name = Field(alias="personaId")
    persona_name: Name = Field(alias="personaName")
    locale: str = Field(min_length=2, max_length=32)
    transport: Transport = Field(alias="transportMode")
    channel_id: Name | None = Field(None, alias="channelId")
    metadata: Metadata = Field(default_factory=dict)


class _Utterance(_Model):
    speaker: str = Field(min_length=1, max_length=64)
    text: str = Field(min_length=1, max_length=20_000)
    start: Moment | None = Field(None, alias="startTime")
    end: Moment | None = Field(None, alias="endTime")
    confidence: float | None = Field(None, ge=0, le=1)
    locale: str | None = Field(None, min_length=2, max_length=32)
    metadata: Metadata = Field(default_factory=dict)

    @model_validator(mode="after")
    def _forwards(self) -> _Utterance:
        if self.end is not None and self.start is not None and self.end < self.start:
            raise ValueError("endTime must not be before startTime")
        return self


class _Stats(_Model):
    session_id: Name = Field(alias="sessionId")
    transport: Transport = Field(alias="transportMode")
    uptime: Amount
    utterance_count: Count = Field(alias="utteranceCount")
    last_activity: Amount = Field(alias="lastActivity")
    participant_id: str | None = Field(None, alias="participantId", max_length=256)
    interruption_count: Count | None = Field(None, alias="interruptionCount")
    average_latency_ms: Amount | None = Field(None, alias="averageLatencyMs")
    audio_quality: Literal["excellent", "good", "fair", "poor"] | None = Field(None, alias="audioQuality")
    jitter_ms: Amount | None = Field(None, alias="jitterMs")
    packet_loss: Amount | None = Field(None, alias="packetLoss")
    bitrate: Amount | None = None
    cpu_usage: Amount | None = Field(None, alias="cpuUsage")


def routes(deps: Deps) -> list[web.RouteDef]:
    async def told(session: Session) -> web.Response:
        events = await history.load(deps.database, session)
        known = await client_told.load(deps.database, session)
        persona = deps.personas.get(session.persona_id)
        return web.json_response(runtime_view(events, persona, deps.clock(), known))

    async def create(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, OPEN, deps.settings)
        ask = await body.parsed(request, _New)
        persona = deps.personas.get(ask.persona_id)
        if persona is None:
            raise ApiError(
                400, "There is no persona of that id; GET /api/personas lists them.", param="personaId"
            )
        new = sessions.NewSession(
            tenant=auth.tenant_of_session(request, ask.tenant, deps.settings),
            scenario=persona.scenario,
            scenario_title=persona.scenario_title,
            persona_id=persona.id,
            requested_locale=ask.locale,
        )
        session = await client_told.open_session(
            deps.database,
            deps.access,
            new,
            transport=ask.transport,
            persona_name=ask.persona_name,
            locale=ask.locale,
            channel_id=ask.channel_id,
            told=ask.metadata,
            now=deps.clock(),
        )
        return await told(session)

    async def read(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, READ, deps.settings)
        return await told(await found_session(request, deps))

    async def utterance(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, TELL, deps.settings)
        ask = await body.parsed(request, _Utterance)
        session = await found_session(request, deps)
        now = deps.clock()
        start = ask.start if ask.start is not None else min(ask.end or LATEST_MS, millis(now))
        said = client_told.Said(
            ask.speaker,
            ask.text,
            round(start),
            round(ask.end if ask.end is not None else start),
            1.0 if ask.confidence is None else ask.confidence,
            ask.locale,
            ask.metadata,
        )
        try:
            await client_told.add(deps.database, session, said, now)
        except client_told.TooMany:
            raise ApiError(
                400,
                f"A session may have {client_told.UTTERANCES_AT_MOST} utterances, and {client_told.CHARACTERS_AT_MOST} "
                "characters of them; this one has.",
            ) from None
        return await told(session)

    async def stats(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, TELL, deps.settings)
        ask = await body.parsed(request, _Stats)
        session = await found_session(request, deps)
        if ask.session_id != session.id:
            raise ApiError(400, "sessionId in the body must be the session of the path.", param="sessionId")
        figures = ask.model_dump(by_alias=True, exclude_none=True)
        await client_told.replace_stats(deps.database, session, ask.transport, figures, deps.clock())
        return await told(session)

    return [
        web.post("/api/realtime/sessions", create),
        web.get("/api/realtime/sessions/{id}", read),
        web.post("/api/realtime/sessions/{id}/utterances", utterance),
        web.post("/api/realtime/sessions/{id}/stats", stats),
    ]
