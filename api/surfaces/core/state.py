"""Where the call of a session is, and steering it (getSessionState, patchSessionState)."""

from __future__ import annotations

import hashlib
import uuid
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api import auth, body
from api.composing import catalog_of
from api.deps import Deps, LiveCall
from api.errors import ApiError
from api.limits import Rate
from api.records import handoffs, handovers, steering
from api.records.phases import Phase
from api.records.steering import Change, NotAllowed
from api.surfaces.core.access import held_session
from api.surfaces.core.state_view import Facts, gathered, view
from gateway.crew import crew, stay
from gateway.stores.schema import Session
from personas.persona import Persona
from personas.succession import Handoff, excerpt
from tools.contract import ToolError

__all__ = ["routes"]

READ = Rate("session-states", per_minute=600, burst=600)
STEER = Rate("session-steering", per_minute=120, burst=120)
DEPARTMENT = "front desk"
"""Who is asked for where the persona names no department."""
SUMMARY = "The caller was passed on by the business's own system."

Step = Annotated[str, Field(min_length=1, max_length=128)]
PersonaId = Annotated[str, Field(min_length=1, max_length=64)]


class _Ask(BaseModel):
    model_config = ConfigDict(
        defer_build=True, hide_input_in_errors=True, strict=True, str_strip_whitespace=True
    )

    phase: Phase | None = Field(None, alias="currentPhase")
    persona_id: PersonaId | None = Field(None, alias="currentPersonaId")
    completed_step: Step | None = Field(None, alias="completedStep")
    pending_steps: list[Step] | None = Field(None, alias="pendingSteps", max_length=steering.STEPS)
    next_persona_id: PersonaId | None = Field(None, alias="nextPersonaId")
    escalation_reason: str | None = Field(None, alias="escalationReason", min_length=1, max_length=1000)


def routes(deps: Deps) -> list[web.RouteDef]:
    async def read(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, READ, deps.settings)
        session = await held_session(request, deps)
        return web.json_response(view(deps, await gathered(deps, session)))

    async def steer(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, STEER, deps.settings)
        session = await held_session(request, deps)
        # Where its call is, if one is live.
        stay(crew().home(session.id))
        ask = await body.parsed(request, _Ask)
        facts = await gathered(deps, session)
        successor = None
        if ask.persona_id is not None:
            server = _is_server(request, deps, session)
            successor = _successor(deps, facts, ask.persona_id, server=server)
        if ask.next_persona_id is not None and ask.next_persona_id not in catalog_of(deps).personas:
            raise _nobody("nextPersonaId")
        wanted = Change(
            ask.phase,
            ask.completed_step,
            None if ask.pending_steps is None else tuple(ask.pending_steps),
            ask.next_persona_id,
            ask.escalation_reason,
        )
        try:
            steering.check(facts.steered, wanted, facts.derived)
            if successor is not None:
                # Before anything is written: a live call may refuse.
                await _pass_on(deps, facts, successor)
            await steering.change(deps.database, session, wanted, facts.derived, deps.clock())
        except NotAllowed as fault:
            raise ApiError(400, str(fault)) from None
        if ask.escalation_reason is not None:
            await _escalate(deps, facts, ask.escalation_reason)
        return web.json_response(view(deps, await gathered(deps, session)))

    return [web.get("/api/sessions/{id}/state", read), web.patch("/api/sessions/{id}/state", steer)]


def _is_server(request: web.Request, deps: Deps, session: Session) -> bool:
    key = auth.bearer(request)
    return key is not None and auth.tenant_of_key(key, deps.settings) == session.tenant


def _successor(deps: Deps, facts: Facts, persona_id: str, *, server: bool) -> Persona | None:
    """Who is to speak from now on; None when that is who speaks anyway. Whoever holds the session may choose among
    those whom its persona may pass callers to and those who play its scenario; a server may choose any.
    Raises ApiError 400."""
    catalog = catalog_of(deps)
    current = facts.session.persona_id
    persona = catalog.personas.get(persona_id)
    if persona is None:
        raise _nobody("currentPersonaId")
    if persona_id == current:
        return None
    if facts.phase == "closure":
        raise ApiError(400, "The call is over: no other agent can take it.", param="currentPersonaId")
    before = catalog.personas.get(current)
    open_to = {who.id for who in catalog.players(facts.session.scenario)}
    if before is not None:
        open_to |= set(before.hand_over_to)
    if not server and persona_id not in open_to:
        raise ApiError(
            400,
            f"{current} does not pass callers to {persona_id}; a server key may.",
            param="currentPersonaId",
        )
    return persona


def _nobody(param: str) -> ApiError:
    return ApiError(400, "There is no persona of that id; GET /api/personas lists them.", param=param)


def _live(deps: Deps, facts: Facts) -> LiveCall | None:
    live = next((call for call in reversed(facts.events.calls) if call.ended_at is None), None)
    return None if live is None else deps.supervisor.find(live.id)


async def _pass_on(deps: Deps, facts: Facts, persona: Persona) -> None:
    """To a live call at once, and for the calls that come. Raises ApiError 400, SQLAlchemyError."""
    session, call = facts.session, _live(deps, facts)
    before = deps.personas.get(session.persona_id)
    done = tuple(f"done: {step}" for step in (facts.steered.completed_steps if facts.steered else ()))
    said: tuple[str, ...] = ()
    if call is not None:
        said = excerpt(call.said())
        name = session.persona_id if before is None else before.display_name
        try:
            call.pass_on(persona.id, Handoff(name, SUMMARY, done, said))
        except ToolError as fault:
            raise ApiError(400, str(fault), param="currentPersonaId") from None
    await handoffs.pass_on(
        deps.database,
        session.tenant,
        key=f"{session.id}:{uuid.uuid4().hex}",
        session_id=session.id,
        from_agent=session.persona_id,
        to_agent=persona.id,
        summary=SUMMARY,
        facts=done,
        said=said,
    )


async def _escalate(deps: Deps, facts: Facts, reason: str) -> None:
    """Somebody is to take over. The same reason again asks nobody twice. Raises SQLAlchemyError."""
    session = facts.session
    persona = deps.personas.get(session.persona_id)
    dialogue = None if persona is None else persona.dialogue
    digest = hashlib.sha256(reason.encode("utf-8", "replace")).hexdigest()[:16]
    await handovers.request(
        deps.database,
        session.tenant,
        key=f"{session.id}:escalation:{digest}",
        department=DEPARTMENT if dialogue is None else dialogue.hand_over.department,
        reason=reason,
        session_id=session.id,
    )
    call = _live(deps, facts)
    if call is not None:
        call.escalate(reason)
