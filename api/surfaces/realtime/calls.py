"""`/v1/realtime/calls`: an SDP offer in, a call and its SDP answer out; and its end (OpenAI API reference: Calls)."""

from __future__ import annotations

import logging

from aiohttp import web

from api import auth
from api.deps import AnsweringLeg, Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import sessions
from api.surfaces.realtime.callers import Caller, Server, identify, server_only
from api.surfaces.realtime.offer import invalid_offer, read_offer
from api.surfaces.realtime.opening import opening, reserved
from api.surfaces.realtime.refer import refer_route
from api.tokens import SecretGrant, SessionGrant
from gateway.call.plan import CallPlan
from gateway.errors import NEVER_CONNECTED, LegError, LegProtocolError

__all__ = ["CALLS", "location", "no_such_call", "routes"]

logger = logging.getLogger(__name__)

CALLS = Rate("calls", per_minute=60, burst=60)
HANGUPS = Rate("hangups", per_minute=600, burst=600)


def routes(deps: Deps) -> list[web.RouteDef]:
    async def create(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, CALLS, deps.settings)
        caller = identify(request, deps)
        offer = await read_offer(request)
        call = await opening(request, deps, caller, plays=True, session=offer.session)
        async with reserved(deps, call) as call_id:
            leg = deps.make_leg(call_id)
            answer = await _answered(leg, offer.sdp)
            deps.supervisor.begin(call_id, leg, call.request)
        headers = {"Location": location(call_id), "X-Session-Id": call.session_id}
        if call.access_key is not None:
            headers["X-Session-Access"] = call.access_key
        return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)

    async def hang_up(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, HANGUPS, deps.settings)
        caller = identify(request, deps)
        call_id = request.match_info["call_id"]
        call = deps.supervisor.find(call_id)
        if (
            call is None
            or not await _may_end(caller, call.plan, deps)
            or not deps.supervisor.hang_up(call_id)
        ):
            raise no_such_call()
        return web.Response()

    async def hold(request: web.Request) -> web.Response:
        return await _held(request, True)

    async def unhold(request: web.Request) -> web.Response:
        return await _held(request, False)

    async def _held(request: web.Request, on: bool) -> web.Response:
        """Raises ApiError 403, 404, 409."""
        await auth.spend(request, deps.limiter, HANGUPS, deps.settings)
        server = server_only(identify(request, deps), "Hold")
        call = deps.supervisor.find(request.match_info["call_id"])
        if call is None or call.plan.tenant != server.tenant:
            raise no_such_call()
        if not call.hold(on):
            raise ApiError(
                409,
                "This call cannot be put on hold or brought back now: its client plays the audio itself, or the "
                "caller is being put through to somebody.",
                code="hold_not_possible",
            )
        return web.Response()

    async def sip(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, HANGUPS, deps.settings)
        server_only(identify(request, deps), "This")
        raise ApiError(
            404,
            "accept and reject are for calls that come in over SIP, which this server takes or declines itself "
            "as they come; hangup ends a call of any kind, refer puts a telephone's caller through.",
            code="not_a_sip_call",
        )

    return [
        web.post("/v1/realtime/calls", create),
        web.post("/v1/realtime/calls/{call_id}/hangup", hang_up),
        web.post("/v1/realtime/calls/{call_id}/hold", hold),
        web.post("/v1/realtime/calls/{call_id}/unhold", unhold),
        web.post("/v1/realtime/calls/{call_id}/accept", sip),
        web.post("/v1/realtime/calls/{call_id}/reject", sip),
        refer_route(deps),
    ]


def location(call_id: str) -> str:
    """Where a call is: how a client learns its id."""
    return f"/v1/realtime/calls/{call_id}"


def no_such_call() -> ApiError:
    """The same answer for a call that is over, that never was, and that is somebody else's."""
    return ApiError(404, "There is no live call of this id.", code="call_id_not_found", param="call_id")


async def _may_end(caller: Caller, call: CallPlan, deps: Deps) -> bool:
    """A server may end its tenant's calls, a token those that it could have opened."""
    if caller.tenant != call.tenant:
        return False
    match caller:
        case Server():
            return True
        case SessionGrant(session_id):
            return session_id == call.session_id
        case SecretGrant(configuration_id):
            session = await sessions.find(deps.database, call.session_id, deps.clock())
            return session is not None and session.configuration_id == configuration_id


async def _answered(leg: AnsweringLeg, offer: str) -> str:
    """The answer; a leg that gives none is closed. Raises ApiError 400, or 503 when the
    server has nothing to offer."""
    try:
        return await leg.answer(offer)
    except LegProtocolError as error:
        await leg.close(NEVER_CONNECTED)
        raise invalid_offer(str(error)) from None
    except LegError as error:
        await leg.close(NEVER_CONNECTED)
        logger.error("call refused: %s", error)
        raise ApiError(503, str(error)) from None
    except BaseException:
        await leg.close(NEVER_CONNECTED)
        raise
