"""From who asks to the session and the persona of the call that is to be opened."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from api.composing import Sitting, agent_of, colleagues_of, sitting_of
from api.deps import Deps
from api.errors import ApiError
from api.records import configurations, handoffs, selection, sessions
from api.spoken import check_spoken
from api.surfaces.realtime.callers import STALE, Caller, Server, unauthorized
from api.surfaces.realtime.configuration import configured
from api.tokens import SecretGrant, SessionGrant
from gateway.call.plan import nobody
from gateway.crew import crew, stay
from gateway.errors import Busy, SessionBusy
from gateway.supervisor import CallRequest
from personas.persona import Persona

__all__ = ["Opening", "asked_persona", "busy", "opening", "reserved"]

logger = logging.getLogger(__name__)

_RETRY_S = 5


@dataclass(frozen=True, slots=True)
class Opening:
    """A call that may be opened."""

    session_id: str
    tenant: str
    persona: Persona
    session: dict[str, Any] | None
    """What the client wants otherwise than the persona has it."""
    access_key: str | None
    """The session's access key, when the answer may carry it."""
    new: sessions.NewSession | None
    """The session, when it is not stored yet."""
    colleague: Callable[[str], Persona | None] = nobody
    """See `gateway.call.plan.CallPlan.colleague`."""

    @property
    def request(self) -> CallRequest:
        return CallRequest(
            self.session_id, self.tenant, self.persona, self.session, colleague=self.colleague
        )


def asked_persona(request: web.Request, deps: Deps) -> Persona:
    """Who answers a server key: `?persona=`, else the assistant. Raises ApiError 404, 503."""
    name = request.query.get("persona")
    if name is None:
        chosen = selection.select(deps.personas, preferred=None, scenario=None, locale=None)
        if chosen is None:
            raise ApiError(503, "The server has no personas.")
        return chosen.persona
    if name not in deps.personas:
        raise ApiError(
            404, "There is no persona of that id; GET /api/personas lists them.", param="persona"
        )
    return deps.personas[name]


async def opening(
    request: web.Request, deps: Deps, caller: Caller, *, plays: bool, session: object | None = None
) -> Opening:
    """What this caller opens on a leg that `plays` (`gateway.ports.Leg`), with the `session` object that came with
    the request.
    Raises ApiError 400, 401, 403, 404, 503, Elsewhere."""
    asked = () if session is None else (session,)
    if not isinstance(caller, Server) and "persona" in request.query:
        raise ApiError(
            403,
            "A token has its persona already: leave out ?persona=.",
            code="server_key_needed",
            param="persona",
        )
    found = await _found(request, deps, caller, asked, plays)
    check_spoken(deps, found.persona, found.session, plays=plays)
    return found


async def _found(
    request: web.Request, deps: Deps, caller: Caller, asked: tuple[object, ...], plays: bool
) -> Opening:
    match caller:
        case Server(tenant):
            return _new(deps, tenant, asked_persona(request, deps), asked, plays)
        case SecretGrant(configuration_id, tenant):
            stored = await configurations.find(deps.database, tenant, configuration_id, deps.clock())
            persona = deps.personas.get(stored.persona_id) if stored else None
            if stored is None or persona is None:
                raise _stale()
            return _new(deps, tenant, persona, (stored.session, *asked), plays, configuration_id)
        case SessionGrant():
            return await _stored(deps, caller, asked, plays)


def _new(
    deps: Deps,
    tenant: str,
    persona: Persona,
    asked: tuple[object, ...],
    plays: bool,
    configuration_id: str | None = None,
) -> Opening:
    new = sessions.NewSession(
        tenant,
        persona.scenario,
        persona.scenario_title,
        persona.id,
        configuration_id=configuration_id,
    )
    sitting = Sitting(new.id, new.scenario, tenant=new.tenant)
    persona = agent_of(deps, persona, sitting)
    update = configured(deps, persona, new.id, *asked).update(plays=plays)
    key, colleague = deps.access.key_of(new.id), colleagues_of(deps, sitting)
    return Opening(new.id, tenant, persona, update, key, new, colleague)


async def _stored(deps: Deps, grant: SessionGrant, asked: tuple[object, ...], plays: bool) -> Opening:
    # Where it was made it is known whether a call of it is live.
    stay(crew().home(grant.session_id))
    found = await sessions.find(deps.database, grant.session_id, deps.clock())
    if found is None or found.tenant != grant.tenant:
        raise _stale()
    sitting = sitting_of(found)
    persona = deps.personas.get(await handoffs.successor(deps.database, found, grant.persona_id))
    if persona is None:
        raise _stale()
    persona = agent_of(deps, persona, sitting)
    key = deps.access.key_of(found.id)
    tells = grant.tells_access and deps.access.opens(key, found.access_hash)
    update = configured(deps, persona, found.id, *asked).update(plays=plays)
    colleague = colleagues_of(deps, sitting)
    return Opening(found.id, found.tenant, persona, update, key if tells else None, None, colleague)


@contextlib.asynccontextmanager
async def reserved(deps: Deps, call: Opening) -> AsyncIterator[str]:
    """Room for one call, its session stored; given back when the block raises before the call was begun.
    Raises ApiError 409 or 503, SQLAlchemyError."""
    try:
        call_id = deps.supervisor.reserve(call.session_id)
    except SessionBusy:
        raise ApiError(
            409, "This session already has a live call; hang it up first.", code="session_busy"
        ) from None
    except Busy as error:
        raise busy(error) from None
    try:
        if call.new is not None:
            await sessions.create(deps.database, deps.access, call.new, deps.clock())
        yield call_id
    except BaseException:
        deps.supervisor.release(call_id)
        raise


def busy(error: Busy) -> ApiError:
    return ApiError(503, str(error), code="server_busy", headers={"Retry-After": str(_RETRY_S)})


def _stale() -> ApiError:
    logger.warning("refused: token of a session or a configuration that is over")
    return unauthorized(STALE)
