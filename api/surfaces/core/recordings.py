"""Recordings over REST: listen, delete, pause. Not of the contract, which knows none."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from api import auth, cors
from api.deps import Deps, LiveCall
from api.errors import ApiError
from api.limits import Rate
from api.records import recordings
from api.surfaces.core.access import held_session, served_session
from gateway.errors import StoreError
from gateway.stores.recordings import Recording
from gateway.stores.schema import Session

__all__ = ["recording_view", "routes"]

logger = logging.getLogger(__name__)

READ = Rate("recordings", per_minute=600, burst=600)
PIECE = 256 * 1024
NOT_YET = "There is no recording of this, or not yet: it is there a moment after the call."


@dataclass(frozen=True, slots=True)
class _Span:
    """What is asked of an object, both ends included."""

    first: int
    last: int
    partial: bool

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def recording_view(recording: Recording) -> dict[str, object]:
    """What a session tells of it."""
    return {
        "encoding": recording.encoding,
        "rate": recording.rate,
        "durationMs": recording.duration_ms,
        "bytes": recording.size,
        "complete": recording.complete,
    }


def routes(deps: Deps) -> list[web.RouteDef]:
    async def listen(request: web.Request) -> web.StreamResponse:
        await auth.spend(request, deps.limiter, READ, deps.settings)
        recording = await _wanted(request, deps, await _allowed(request, deps))
        return await _sent(request, deps, recording)

    async def delete(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, READ, deps.settings)
        recording = await _wanted(request, deps, await _allowed(request, deps))
        try:
            await deps.recordings.delete(recording)
        except StoreError as error:
            raise _unreachable(error) from None
        return web.Response(status=204)

    async def pause(request: web.Request) -> web.Response:
        return await _paused(request, True)

    async def resume(request: web.Request) -> web.Response:
        return await _paused(request, False)

    async def _paused(request: web.Request, paused: bool) -> web.Response:
        await auth.spend(request, deps.limiter, READ, deps.settings)
        session = await _allowed(request, deps)
        call = await _live(deps, session)
        if call is None:
            raise ApiError(409, "This session has no live call.", code="no_live_call")
        call.pause_recording(paused=paused)
        state: Literal["off", "on", "paused"] = call.recording
        return web.json_response({"sessionId": session.id, "recording": state})

    return [
        web.get("/api/sessions/{id}/recording", listen),
        web.delete("/api/sessions/{id}/recording", delete),
        web.post("/api/sessions/{id}/recording/pause", pause),
        web.post("/api/sessions/{id}/recording/resume", resume),
    ]


async def _allowed(request: web.Request, deps: Deps) -> Session:
    """The session of the path, for who holds its key while it lives, or a server key of its tenant, also afterwards.
    Raises ApiError 404, 401, 403."""
    if auth.bearer(request) is not None:
        served = await served_session(request, deps)
        if served is None:
            raise ApiError(401, "The key is not valid for this session.")
        return served
    return await held_session(request, deps)


async def _live(deps: Deps, session: Session) -> LiveCall | None:
    call_id = await recordings.live_call(deps.database, session)
    return None if call_id is None else deps.supervisor.find(call_id)


async def _wanted(request: web.Request, deps: Deps, session: Session) -> Recording:
    """That of `?callId=`, or else of the latest call that has one. Raises ApiError 404, 409."""
    call_id = request.query.get("callId")
    found = [
        recording
        for recording in await recordings.of_session(deps.database, session)
        if call_id in (None, recording.call_id)
    ]
    if found:
        return found[-1]
    live = await _live(deps, session)
    if live is not None and live.recording != "off":
        raise ApiError(409, "The call is still being recorded.", code="recording_not_ready")
    raise ApiError(404, NOT_YET)


async def _sent(request: web.Request, deps: Deps, recording: Recording) -> web.StreamResponse:
    """Piece by piece, as fast as it is taken: no more of it is held."""
    tag = f'"{recording.call_id}-{recording.size}"'
    span = _span(request, recording.size, tag)
    if span is None:
        raise ApiError(
            416, f"The recording has {recording.size} bytes.", code="range_not_satisfiable",
            headers={"Content-Range": f"bytes */{recording.size}"},
        )  # fmt: skip
    response = web.StreamResponse(
        status=206 if span.partial else 200,
        headers={
            "Content-Type": "audio/wav",
            "Content-Length": str(span.length),
            "Content-Disposition": f'inline; filename="{recording.call_id}.wav"',
            "Accept-Ranges": "bytes",
            "ETag": tag,
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        },
    )
    if span.partial:
        response.headers["Content-Range"] = f"bytes {span.first}-{span.last}/{recording.size}"
    cors.allow(request, response.headers, deps.settings)
    # Before the answer begins: what is not there is told as such.
    piece = await _piece(deps, recording, span.first, span)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    at = span.first
    while piece:
        await response.write(piece)
        at += len(piece)
        piece = await _piece(deps, recording, at, span) if at <= span.last else b""
    await response.write_eof()
    return response


async def _piece(deps: Deps, recording: Recording, at: int, span: _Span) -> bytes:
    try:
        return await deps.recordings.read(recording, at, min(PIECE, span.last - at + 1))
    except FileNotFoundError:
        raise ApiError(404, "The recording was deleted where it was kept.") from None
    except StoreError as error:
        raise _unreachable(error) from None


def _span(request: web.Request, size: int, tag: str) -> _Span | None:
    """RFC 9110, 14.2: one range is served; what is no range of bytes, or several, or of another version, is the whole.
    None when it lies behind the end."""
    whole = _Span(0, size - 1, partial=False)
    if request.headers.get("If-Range", tag) != tag:
        return whole
    try:
        asked = request.http_range
    except ValueError:
        return whole
    if asked.start is None:
        return whole
    first, last, _ = asked.indices(size)
    return None if first >= last else _Span(first, last - 1, partial=True)


def _unreachable(error: StoreError) -> ApiError:
    logger.warning("%s", error)
    return ApiError(503, "Recordings cannot be reached now; try again.", headers={"Retry-After": "5"})
