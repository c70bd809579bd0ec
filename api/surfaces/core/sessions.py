"""Sessions over REST: open one, read one (createSession, getSession)."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api import auth, body
from api.composing import catalog_of
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import history, selection, sessions
from api.surfaces.core.access import held_session, set_cookie
from api.surfaces.core.session_view import session_view
from api.surfaces.core.wire import iso

__all__ = ["OPEN", "READ", "routes"]

OPEN = Rate("sessions", per_minute=60, burst=60)
READ = Rate("session-reads", per_minute=600, burst=600)
LOCALE_HINT = "X-Tellgence-Locale-Hint"

Locale = Annotated[str, Field(max_length=35)]


class _New(BaseModel):
    model_config = ConfigDict(
        defer_build=True, hide_input_in_errors=True, strict=True, str_strip_whitespace=True
    )

    scenario: str = Field(alias="scenarioId", min_length=1, max_length=128)
    scenario_title: str | None = Field(None, alias="scenarioTitle", max_length=200)
    company_name: str | None = Field(None, alias="companyName", max_length=200)
    requested_locale: Locale | None = Field(None, alias="requestedLocale")
    navigator_language: Locale | None = Field(None, alias="navigatorLanguage")
    tenant: str | None = Field(
        None, alias="tenantId", max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
    )


def routes(deps: Deps) -> list[web.RouteDef]:
    async def create(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, OPEN, deps.settings)
        ask = await body.parsed(request, _New)
        hint = request.headers.get(LOCALE_HINT, "").strip()[:35]
        locale = ask.requested_locale or hint or ask.navigator_language or None
        catalog = catalog_of(deps)
        chosen = selection.choose(catalog, preferred=None, scenario=ask.scenario, locale=locale)
        if chosen is None:
            raise ApiError(503, "The server has no personas.")
        persona = chosen.persona
        title = persona.scenario_title if persona.scenario == ask.scenario else ask.scenario
        scenario = catalog.scenarios.get(ask.scenario)
        if scenario is not None:
            title = scenario.title[:200]
        new = sessions.NewSession(
            tenant=auth.tenant_of_session(request, ask.tenant, deps.settings),
            scenario=ask.scenario,
            scenario_title=ask.scenario_title or title,
            persona_id=persona.id,
            company_name=ask.company_name,
            requested_locale=locale,
        )
        session, key = await sessions.create(deps.database, deps.access, new, deps.clock())
        answer: dict[str, object] = {
            "success": True,
            "sessionId": session.id,
            "accessKey": key,
            "createdAt": iso(session.created_at),
            "expiresAt": iso(session.expires_at),
        }
        if locale is not None:
            answer["requestedLocale"] = locale
        response = web.json_response(answer, status=201)
        set_cookie(response, key, sessions.LIFETIME_S, deps.settings)
        return response

    async def read(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, READ, deps.settings)
        session = await held_session(request, deps)
        events = await history.load(deps.database, session)
        return web.json_response(session_view(events, deps.clock()))

    return [
        web.post("/api/sessions", create),
        web.get("/api/sessions/{id}", read),
    ]
