"""`POST /v1/realtime/calls/{call_id}/refer`: a server has a caller put through (OpenAI API reference: Calls)."""

from __future__ import annotations

from urllib.parse import unquote

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, field_validator

from api import auth, body
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.surfaces.realtime.callers import identify, server_only
from gateway.errors import ExchangeRefused
from personas.transfers import reachable

__all__ = ["refer_route"]

REFERRALS = Rate("referrals", per_minute=60, burst=60)


class _Ask(BaseModel):
    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True, strict=True)

    target_uri: str = Field(min_length=1, max_length=255)

    @field_validator("target_uri")
    @classmethod
    def _reachable(cls, value: str) -> str:
        """`tel:` with a number in E.164, or a SIP URI."""
        if value.lower().startswith("tel:"):
            value = unquote(value[4:])
        try:
            return reachable(value)
        except ValueError:
            # Not the one it was: a number belongs into no log and no answer.
            raise ValueError("tel:+15550100020 or sip:desk@example.com is what can be reached") from None


def refer_route(deps: Deps) -> web.RouteDef:
    async def refer(request: web.Request) -> web.Response:
        """Answers when the carrier has put the caller through. Raises ApiError 400, 403, 404, 409."""
        await auth.spend(request, deps.limiter, REFERRALS, deps.settings)
        server = server_only(identify(request, deps), "This")
        call = deps.supervisor.find(request.match_info["call_id"])
        if call is None or call.plan.tenant != server.tenant:
            raise ApiError(
                404, "There is no live call of this id.", code="call_id_not_found", param="call_id"
            )
        if call.plan.exchange is None:
            raise ApiError(
                404,
                "refer is for calls that came over a carrier or over SIP; hangup ends a call of any kind.",
                code="not_a_sip_call",
            )
        ask = await body.parsed(request, _Ask)
        try:
            await call.refer(ask.target_uri)
        except ExchangeRefused as refusal:
            raise ApiError(409, str(refusal), code="refer_failed") from None
        return web.Response()

    return web.post("/v1/realtime/calls/{call_id}/refer", refer)
