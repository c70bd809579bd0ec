"""`POST /v1/realtime/client_secrets`: a token that opens sessions with a stored configuration."""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api import auth, body
from api.composing import Sitting, agent_of
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import configurations
from api.spoken import check_spoken
from api.surfaces.realtime.callers import identify, server_only
from api.surfaces.realtime.configuration import configured, refusal
from api.surfaces.realtime.offer import SESSION_LIMIT
from api.surfaces.realtime.opening import asked_persona
from api.tokens import LIFETIME_S, SecretGrant
from gateway.realtime.fault import fault_of

__all__ = ["routes"]

MINT = Rate("client-secrets", per_minute=60, burst=60)


class _Shape(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid", strict=True, hide_input_in_errors=True)


class _Expiry(_Shape):
    anchor: Literal["created_at"] = "created_at"
    seconds: int = Field(LIFETIME_S, ge=10, le=7200)


class _Ask(_Shape):
    """OpenAI API reference: "Create client secret"."""

    expires_after: _Expiry | None = None
    session: dict[str, Any] | None = None


def routes(deps: Deps) -> list[web.RouteDef]:
    async def create(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, MINT, deps.settings)
        server = server_only(identify(request, deps), "Minting a client secret")
        ask = await _asked(request)
        persona = asked_persona(request, deps)
        configuration_id = configurations.new_id()
        asked = () if ask.session is None else (ask.session,)
        persona = agent_of(deps, persona, Sitting(None))
        made = configured(deps, persona, configuration_id, *asked)
        check_spoken(deps, persona, made.effective, plays=False)
        now = deps.clock()
        expires_at = int(now) + (ask.expires_after or _Expiry()).seconds
        new = configurations.NewConfiguration(
            configuration_id, server.tenant, persona.id, made.update(plays=False) or {"type": "realtime"}
        )
        await configurations.store(deps.database, new, now, expires_at)
        token = deps.tokens.mint(SecretGrant(configuration_id, server.tenant, expires_at))
        return web.json_response(
            {"value": token, "expires_at": expires_at, "session": _as_created(made.effective)}
        )

    return [web.post("/v1/realtime/client_secrets", create)]


async def _asked(request: web.Request) -> _Ask:
    """Raises ApiError 400, 408, 413, 415."""
    if not request.can_read_body:
        return _Ask()
    document = await body.json_object(request, SESSION_LIMIT)
    if not isinstance(document.get("session", {}), dict):
        raise ApiError(
            400, "Invalid type for 'session': an object is wanted.", code="invalid_type", param="session"
        )
    try:
        return _Ask.model_validate(document)
    except ValidationError as error:
        raise refusal(fault_of(error, document)) from None


def _as_created(session: dict[str, Any]) -> dict[str, Any]:
    """The session in the shape of this answer (openai types: RealtimeSessionCreateResponse), which has no
    `parallel_tool_calls`, and of a custom voice its id only."""
    shown = {key: value for key, value in session.items() if key != "parallel_tool_calls"}
    output = session["audio"]["output"]
    if isinstance(output["voice"], dict):
        shown["audio"] = {**session["audio"], "output": {**output, "voice": output["voice"]["id"]}}
    return shown
