"""`POST /api/realtime/credentials`: a token for the calls of one session (createRealtimeCredentials)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api import auth, body
from api.composing import catalog_of, composed_of, sitting_of
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import handoffs, profiles, selection, sessions
from api.records.selection import Selection
from api.spoken import check_spoken
from api.surfaces.core.access import presented_key
from api.surfaces.core.runtime import languages_of, pipeline_of
from api.tokens import LIFETIME_S, SessionGrant
from gateway.call.sessions import TRANSCRIBER
from gateway.stores.schema import DEFAULT_TENANT, Session
from personas.composition.composing import Composed
from personas.composition.speaking import in_language, is_tag, named, speaking
from personas.manner import ToneName
from personas.persona import Persona
from personas.prompt import language_notes

__all__ = ["routes"]

MINT = Rate("credentials", per_minute=60, burst=60)
UPSTREAM = frozenset({"refused", "lost", "stalled"})
"""Failures of a provider that was reached."""


def _tag(text: str) -> str:
    if not is_tag(text):
        raise ValueError("must be a language tag, such as en, es-MX or ur-PK")
    return text


class _Ask(BaseModel):
    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True, strict=True)

    persona_id: str | None = Field(None, alias="personaId", max_length=128)
    session_id: str | None = Field(None, alias="sessionId", max_length=64)
    requested_locale: Annotated[str, AfterValidator(_tag)] | None = Field(None, alias="requestedLocale")
    user_hint_language: Annotated[str, AfterValidator(_tag)] | None = Field(None, alias="userHintLanguage")
    scenario_id: str | None = Field(None, alias="scenarioId", max_length=128)
    tone: ToneName | None = None
    profile_id: str | None = Field(None, alias="onboardingProfileId", max_length=64)


def routes(deps: Deps) -> list[web.RouteDef]:
    async def create(request: web.Request) -> web.Response:
        await _may_mint(request, deps)
        _answered_by_somebody(deps)
        here = _here(request, deps)
        ask = await body.parsed(request, _Ask)
        now = deps.clock()
        session = await _stored(ask.session_id, deps, now)
        tenant, profile = await _profile(request, ask.profile_id, session, deps)
        locale = ask.requested_locale or (session.requested_locale if session else None)
        scenario = session.scenario if session else ask.scenario_id
        chosen = selection.choose(
            catalog_of(deps), preferred=ask.persona_id, scenario=scenario, locale=locale
        )
        if chosen is None:
            raise ApiError(404, "There is no persona of that id; GET /api/personas lists them.")
        if session and ask.persona_id and not _answers(ask.persona_id, session, deps):
            raise ApiError(
                400,
                "The session's scenario decides its persona, and that persona has another scenario: "
                "leave out personaId, or leave out sessionId to get a new session.",
                param="personaId",
            )
        if session is not None:
            chosen = await _by_now(deps, session, chosen)
        persona = chosen.persona
        spoken = speaking(persona.languages, ask.user_hint_language, locale)
        check_spoken(deps, in_language(persona, spoken))
        if session is None:
            manner = sessions.Manner(spoken.code, ask.tone, profile)
            session = await _opened(deps, chosen, ask, manner, tenant, now)
            tells_access = True
        else:
            key = presented_key(request)
            tells_access = key is not None and deps.access.opens(key, session.access_hash)
            manner = sessions.Manner(spoken.code, ask.tone or session.tone, profile or session.profile)
            if manner != sessions.Manner.of(session):
                await sessions.settle(deps.database, session, manner)
                session.language, session.tone, session.profile = (
                    manner.language,
                    manner.tone,
                    manner.profile,
                )
        sitting = replace(sitting_of(session), locale=locale)
        composed = composed_of(deps, persona, sitting)
        expires_at = int(now) + LIFETIME_S
        grant = SessionGrant(session.id, session.tenant, persona.id, expires_at, tells_access)
        token = deps.tokens.mint(grant)
        return web.json_response(_answer(here, deps, chosen, composed, token, expires_at))

    return [web.post("/api/realtime/credentials", create)]


async def _may_mint(request: web.Request, deps: Deps) -> None:
    """Raises ApiError 401 or 429."""
    key = deps.settings.api_key_for_realtime
    if key is not None:
        presented = request.headers.get("X-Api-Key") or auth.bearer(request, "ApiKey")
        if presented is None or not auth.is_one_of(presented, [key]):
            # Whoever has the key mints for many; whoever has not may not guess for ever.
            await auth.spend(request, deps.limiter, MINT, deps.settings)
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


async def _profile(
    request: web.Request, profile_id: str | None, session: Session | None, deps: Deps
) -> tuple[str, dict[str, Any] | None]:
    """The tenant of a new session, and the profile that is asked for, as a session keeps it. Profiles are for servers
    of their tenant. Raises ApiError 401, 404."""
    if profile_id is None:
        return DEFAULT_TENANT, None
    tenant = auth.operator_tenant(request, deps.settings)
    row = await profiles.find(deps.database, tenant, profile_id)
    if row is None or (session is not None and session.tenant != tenant):
        raise ApiError(404, "There is no onboarding profile of that id.", param="onboardingProfileId")
    return tenant, profiles.told(row).to_json()


async def _opened(
    deps: Deps, chosen: Selection, ask: _Ask, manner: sessions.Manner, tenant: str, now: float
) -> Session:
    persona = chosen.persona
    scenario = catalog_of(deps).scenarios.get(chosen.scenario or "")
    new = sessions.NewSession(
        tenant=tenant,
        scenario=persona.scenario if scenario is None else scenario.slug,
        scenario_title=persona.scenario_title if scenario is None else scenario.title[:200],
        persona_id=persona.id,
        requested_locale=ask.requested_locale,
        manner=manner,
    )
    session, _key = await sessions.create(deps.database, deps.access, new, now)
    return session


async def _by_now(deps: Deps, session: Session, chosen: Selection) -> Selection:
    """Whom the session's caller was passed to takes its calls. Raises SQLAlchemyError."""
    name = await handoffs.successor(deps.database, session, chosen.persona.id)
    successor = catalog_of(deps).personas.get(name)
    return chosen if successor is None else replace(chosen, persona=successor)


def _answers(persona_id: str, session: Session, deps: Deps) -> bool:
    """Whether the persona may take the session's calls: one of its scenario, or, when nobody has that scenario, of
    the scenario of the persona that stands in."""
    catalog = catalog_of(deps)
    scenario = session.scenario
    if persona_id == session.persona_id:
        return True
    if not catalog.players(scenario) and session.persona_id in catalog.personas:
        scenario = catalog.personas[session.persona_id].scenario
    return any(persona.id == persona_id for persona in catalog.players(scenario))


def _here(request: web.Request, deps: Deps) -> SplitResult:
    """Where clients find this server. Raises ApiError 400."""
    try:
        return urlsplit(deps.settings.public_url or f"{request.scheme}://{request.host}")
    except ValueError:
        raise ApiError(400, "The Host header is not an address.") from None


def _answer(
    here: SplitResult, deps: Deps, chosen: Selection, composed: Composed, token: str, expires_at: int
) -> dict[str, object]:
    persona = composed.persona
    languages = languages_of(composed)
    base = f"{here.netloc}{here.path}"
    secure = here.scheme == "https"
    told: dict[str, object] = {
        "token": token,
        "expiresAt": datetime.fromtimestamp(expires_at, UTC).isoformat().replace("+00:00", "Z"),
        "webrtcUrl": f"{here.scheme}://{base}/v1/realtime/calls",
        "wsUrl": f"{'wss' if secure else 'ws'}://{base}/v1/realtime",
        "transcriptionModel": TRANSCRIBER,
        "realtimeDeployment": deps.model,
        "sessionTier": _tier(deps, chosen.persona, chosen.scenario),
        "fallbackInstructions": composed.instructions,
        "fallbackVoice": persona.default_voice,
        "selectedPersonaId": persona.id,
        "selectedPersonaLocale": chosen.persona.locale,
        "personaSelectionReason": chosen.reason,
        "effectiveLanguage": composed.language.code,
        "transcriptionLanguageCode": composed.language.code,
        "languageLocked": languages["locked"],
        "supportedLanguages": languages["supported"],
        "languageLabels": {code: named(persona.languages, code) for code in persona.languages.supported},
        "languagePolicyInstructions": language_notes(persona),
        "voicePipeline": pipeline_of(deps),
    }
    if persona.reasoning_effort is not None:
        told["effectiveReasoningEffort"] = persona.reasoning_effort
    if languages["locked"]:
        told["lockReason"] = languages["lockReason"]
    if told["voicePipeline"] == "azure-voice-live":
        told["voiceLiveSessionConfig"] = dict(composed.session)
    return told


def _tier(deps: Deps, persona: Persona, slug: str | None) -> str:
    """The scenario's, where it has one."""
    scenario = catalog_of(deps).scenarios.get(slug or "")
    return persona.session_tier if scenario is None else scenario.session_tier or persona.session_tier


def _answered_by_somebody(deps: Deps) -> None:
    """Raises ApiError 503 where there is no provider to answer, or none can be reached, and 502 where they refuse us.
    One that is to be tried again by now may be well."""
    if not deps.settings.provider_order:
        raise ApiError(503, "No provider of a realtime model is configured: docs/run.md, Providers.")
    states = deps.providers()
    if not states or any(one.up or one.next_try_in_s <= 0 for one in states):
        return
    after_s = str(int(min(one.next_try_in_s for one in states)) + 1)
    refused = [one.name for one in states if one.last_failure in UPSTREAM]
    if refused:
        told = f"The provider of the realtime model answers with an error ({', '.join(refused)}); try again later."
        raise ApiError(502, told, headers={"Retry-After": after_s})
    raise ApiError(
        503, "No provider of a realtime model can be reached now.", headers={"Retry-After": after_s}
    )
