"""`POST /v1/realtime/calls`: an SDP offer in, a call and its SDP answer out (the OpenAI Realtime WebRTC shape)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from api import auth, body
from api.deps import AnsweringLeg, Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import selection, sessions
from api.tokens import PREFIX, TokenError
from gateway.errors import NEVER_CONNECTED, Busy, LegError, LegProtocolError, SessionBusy
from gateway.stores.schema import DEFAULT_TENANT, Session
from gateway.supervisor import CallRequest
from personas.persona import Persona

__all__ = ["routes"]

logger = logging.getLogger(__name__)

OFFER_LIMIT = 64 * 1024
CALLS = Rate("calls", per_minute=60, burst=60)
_RETRY_S = 5


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who may call, in which session, and whether the answer may carry the session's access key."""

    session: Session
    persona: Persona
    tells_access: bool


def routes(deps: Deps) -> list[web.RouteDef]:
    async def create(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, CALLS, deps.settings)
        credential = auth.bearer(request)
        if credential is None:
            raise _unauthorized("Send a token (ek_…) or a server key as Authorization: Bearer.")
        if not credential.startswith(PREFIX) and not auth.is_one_of(credential, deps.settings.api_keys):
            raise _unauthorized("The key is not valid.")
        offer = await _offer(request)
        caller = await _caller(request, credential, deps)
        async with _reserved(deps, caller.session.id) as call_id:
            leg = deps.make_leg(call_id)
            answer = await _answered(leg, offer)
            deps.supervisor.begin(
                call_id, leg, CallRequest(caller.session.id, caller.session.tenant, caller.persona)
            )
        headers = {"Location": f"/v1/realtime/calls/{call_id}", "X-Session-Id": caller.session.id}
        key = deps.access.key_of(caller.session.id)
        if caller.tells_access and deps.access.opens(key, caller.session.access_hash):
            headers["X-Session-Access"] = key
        return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)

    return [web.post("/v1/realtime/calls", create)]


async def _offer(request: web.Request) -> str:
    """Raises ApiError 415, 413 or 400."""
    if request.content_type.startswith("multipart/"):
        raise ApiError(
            415, "Multipart bodies are not taken yet: send the raw SDP offer as application/sdp."
        )
    if request.content_type != "application/sdp":
        raise ApiError(415, "Send the SDP offer as application/sdp.")
    raw = await body.read(request, OFFER_LIMIT)
    try:
        offer = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _invalid_offer("The offer is not text.") from None
    if not offer.lstrip().startswith("v=0"):
        raise _invalid_offer("The offer is not SDP: it must begin with v=0.")
    return offer


async def _caller(request: web.Request, credential: str, deps: Deps) -> _Caller:
    """Raises ApiError 401."""
    now = deps.clock()
    if not credential.startswith(PREFIX):
        chosen = selection.select(deps.personas, preferred=None, scenario=None, locale=None)
        if chosen is None:
            raise ApiError(503, "The server has no personas.")
        persona = chosen.persona
        new = sessions.NewSession(DEFAULT_TENANT, persona.scenario, persona.scenario_title, persona.id)
        session, _key = await sessions.create(deps.database, deps.access, new, now)
        return _Caller(session, persona, tells_access=True)
    try:
        grant = deps.tokens.read(credential, now=now, session_id=request.headers.get("X-Session-Id"))
    except TokenError as error:
        logger.warning("call refused: token %s", error.kind)
        raise _unauthorized("The token is not valid, or not any more; ask for a new one.") from None
    found = await sessions.find(deps.database, grant.session_id, now)
    persona_of = deps.personas.get(grant.persona_id)
    if found is None or found.tenant != grant.tenant or persona_of is None:
        logger.warning("call refused: token of a session that is over")
        raise _unauthorized("The token is not valid, or not any more; ask for a new one.")
    return _Caller(found, persona_of, grant.tells_access)


@contextlib.asynccontextmanager
async def _reserved(deps: Deps, session_id: str) -> AsyncIterator[str]:
    """Room for one call, given back when the block raises. Raises ApiError 409 or 503."""
    try:
        call_id = deps.supervisor.reserve(session_id)
    except SessionBusy:
        raise ApiError(
            409, "This session already has a live call; hang it up first.", code="session_busy"
        ) from None
    except Busy as error:
        raise ApiError(
            503, str(error), code="server_busy", headers={"Retry-After": str(_RETRY_S)}
        ) from None
    try:
        yield call_id
    except BaseException:
        deps.supervisor.release(call_id)
        raise


async def _answered(leg: AnsweringLeg, offer: str) -> str:
    """The answer; a leg that gives none is closed. Raises ApiError 400, or 503 when the
    server has nothing to offer."""
    try:
        return await leg.answer(offer)
    except LegProtocolError as error:
        await leg.close(NEVER_CONNECTED)
        raise _invalid_offer(str(error)) from None
    except LegError as error:
        await leg.close(NEVER_CONNECTED)
        logger.error("call refused: %s", error)
        raise ApiError(503, str(error)) from None
    except BaseException:
        await leg.close(NEVER_CONNECTED)
        raise


def _invalid_offer(message: str) -> ApiError:
    return ApiError(400, message, code="invalid_offer", param="sdp")


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})
