"""`POST /api/realtime/credentials`: a token for the calls of one session (createRealtimeCredentials)."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import SplitResult, urlsplit

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api import auth, body
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import selection, sessions
from api.records.selection import Selection
from api.surfaces.core.access import presented_key
from api.tokens import LIFETIME_S, SessionGrant
from gateway.stores.schema import DEFAULT_TENANT, Session
from personas.persona import Persona

__all__ = ["routes"]

MINT = Rate("credentials", per_minute=60, burst=60)
TRANSCRIPTION_MODEL = "gpt-4o-mini-transcribe"


class _Ask(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    persona_id: str | None = Field(None, alias="personaId", max_length=128)
    session_id: str | None = Field(None, alias="sessionId", max_length=64)
    requested_locale: str | None = Field(None, alias="requestedLocale", max_length=35)
    user_hint_language: str | None = Field(None, alias="userHintLanguage", max_length=35)
    scenario_id: str | None = Field(None, alias="scenarioId", max_length=128)


def routes(deps: Deps) -> list[web.RouteDef]:
    async def create(request: web.Request) -> web.Response:
        await _may_mint(request, deps)
        here = _here(request, deps)
        ask = await body.parsed(request, _Ask)
        now = deps.clock()
        session = await _stored(ask.session_id, deps, now)
        locale = ask.requested_locale or (session.requested_locale if session else None)
        scenario = session.scenario if session else ask.scenario_id
        chosen = selection.select(deps.personas, preferred=ask.persona_id, scenario=scenario, locale=locale)
        if chosen is None:
            raise ApiError(404, "There is no persona of that id; GET /api/personas lists them.")
        if session and ask.persona_id and not _answers(ask.persona_id, session, deps):
            raise ApiError(
                400,
                "The session's scenario decides its persona, and that persona has another scenario: "
                "leave out personaId, or leave out sessionId to get a new session.",
                param="personaId",
            )
        if session is None:
            session = await _opened(deps, chosen.persona, ask, now)
            tells_access = True
        else:
            key = presented_key(request)
            tells_access = key is not None and deps.access.opens(key, session.access_hash)
        expires_at = int(now) + LIFETIME_S
        grant = SessionGrant(session.id, session.tenant, chosen.persona.id, expires_at, tells_access)
        return web.json_response(_answer(here, deps, chosen, deps.tokens.mint(grant), expires_at))

    return [web.post("/api/realtime/credentials", create)]


async def _may_mint(request: web.Request, deps: Deps) -> None:
    """Raises ApiError 401 or 429."""
    key = deps.settings.api_key_for_realtime
    if key is not None:
        presented = request.headers.get("X-Api-Key") or auth.bearer(request, "ApiKey")
        if presented is None or not auth.is_one_of(presented, [key]):
            raise ApiError(401, "Send the API key as X-Api-Key, or as Authorization: ApiKey.")
        return
    if auth.foreign_origin(request, deps.settings):
        raise ApiError(
            401,
            "Pages of other origins need an API key. Is this one ours? Then set PARLEY_PUBLIC_URL to it.",
        )
    await auth.spend(request, deps.limiter, MINT, deps.settings)


async def _stored(session_id: str | None, deps: Deps, now: float) -> Session | None:
    if session_id is None:
        return None
    session = await sessions.find(deps.database, session_id, now)
    if session is None:
        raise ApiError(404, "There is no such session, or it has expired.")
    return session


async def _opened(deps: Deps, persona: Persona, ask: _Ask, now: float) -> Session:
    new = sessions.NewSession(
        tenant=DEFAULT_TENANT,
        scenario=persona.scenario,
        scenario_title=persona.scenario_title,
        persona_id=persona.id,
        requested_locale=ask.requested_locale,
    )
    session, _key = await sessions.create(deps.database, deps.access, new, now)
    return session


def _answers(persona_id: str, session: Session, deps: Deps) -> bool:
    """Whether the persona may take the session's calls: one of its scenario, or, when nobody has that scenario, of
    the scenario of the persona that stands in."""
    personas = deps.personas
    scenario = session.scenario
    if (
        all(persona.scenario != scenario for persona in personas.values())
        and session.persona_id in personas
    ):
        scenario = personas[session.persona_id].scenario
    return personas[persona_id].scenario == scenario


def _here(request: web.Request, deps: Deps) -> SplitResult:
    """Where clients find this server. Raises ApiError 400."""
    try:
        return urlsplit(deps.settings.public_url or f"{request.scheme}://{request.host}")
    except ValueError:
        raise ApiError(400, "The Host header is not an address.") from None


def _answer(
    here: SplitResult, deps: Deps, chosen: Selection, token: str, expires_at: int
) -> dict[str, object]:
    persona = chosen.persona
    base = f"{here.netloc}{here.path}"
    secure = here.scheme == "https"
    code = persona.locale.partition("-")[0].lower() or "en"
    return {
        "token": token,
        "expiresAt": datetime.fromtimestamp(expires_at, UTC).isoformat().replace("+00:00", "Z"),
        "webrtcUrl": f"{here.scheme}://{base}/v1/realtime/calls",
        "wsUrl": f"{'wss' if secure else 'ws'}://{base}/v1/realtime",
        "transcriptionModel": TRANSCRIPTION_MODEL,
        "realtimeDeployment": deps.model,
        "fallbackVoice": persona.default_voice,
        "selectedPersonaId": persona.id,
        "selectedPersonaLocale": persona.locale,
        "personaSelectionReason": chosen.reason,
        # A persona speaks one language: its policy is locked to it, whatever the client hints.
        "effectiveLanguage": code,
        "transcriptionLanguageCode": code,
        "languageLocked": True,
        "lockReason": f"{persona.display_name} speaks {persona.language} only.",
        "supportedLanguages": [code],
        "languageLabels": {code: persona.language},
        "languagePolicyInstructions": f"Speak {persona.language} only, whatever language the caller speaks.",
    }
