"""What an agent is in a session: `GET /api/personas/{id}/runtime` (getPersonaRuntime).

The answer is a closed object, and what a live call of the same session has: both are composed of the same.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from api import auth
from api.composing import Sitting, catalog_of, composed_of, sitting_of
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import profiles, sessions
from gateway.call.sessions import visible_session
from gateway.stores.schema import DEFAULT_TENANT, Session
from personas.composition.composing import Composed, Profile
from personas.manner import TONES

__all__ = ["languages_of", "pipeline_of", "routes", "view"]

READ = Rate("persona-runtimes", per_minute=600, burst=600)
AUDIO = "pcm16"
"""PCM at 24 kHz, by its name in the contract."""


def routes(deps: Deps) -> list[web.RouteDef]:
    async def read(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, READ, deps.settings)
        persona = catalog_of(deps).personas.get(request.match_info["id"])
        if persona is None:
            raise ApiError(404, "There is no persona of that id; GET /api/personas lists them.")
        tenant = _internal(request, deps)
        profile = await _profile(request.query.get("onboardingProfileId"), tenant, deps)
        session_id = request.query.get("sessionId")
        session = (
            None if session_id is None else await sessions.find(deps.database, session_id, deps.clock())
        )
        sitting = _sitting(request, deps, session, profile, tenant)
        composed = composed_of(deps, persona, sitting)
        assigned_at = deps.clock() if session is None else session.created_at
        return web.json_response(view(deps, composed, assigned_at))

    return [web.get("/api/personas/{id}/runtime", read)]


def _sitting(
    request: web.Request, deps: Deps, session: Session | None, profile: Profile | None, internal: str | None
) -> Sitting:
    """`internal`: the tenant whose server asks, if one does. Raises ApiError 400, 404."""
    query, tenant = request.query, internal or DEFAULT_TENANT
    tone = next((one for one in TONES if one == query.get("tone")), None)
    if tone is None and "tone" in query:
        raise ApiError(400, f"tone must be one of {', '.join(TONES)}.", param="tone")
    known = Sitting(query.get("sessionId"), tenant=tenant) if session is None else sitting_of(session)
    slug = query.get("scenarioId")
    if slug is not None:
        scenario = catalog_of(deps).scenarios.get(slug)
        if scenario is None or not (internal is not None or scenario.public):
            raise ApiError(
                404, "There is no scenario of that id; GET /api/scenarios lists them.", param="scenarioId"
            )
    return replace(
        known,
        scenario=slug or known.scenario,
        tone=tone or known.tone,
        profile=profile or known.profile,
    )


def _internal(request: web.Request, deps: Deps) -> str | None:
    """The tenant whose server asks; None for the public."""
    try:
        return auth.operator_tenant(request, deps.settings)
    except ApiError:
        return None


async def _profile(profile_id: str | None, tenant: str | None, deps: Deps) -> Profile | None:
    """Raises ApiError 401, 404."""
    if profile_id is None:
        return None
    if tenant is None:
        raise ApiError(
            401,
            "onboardingProfileId is for servers: send a server key as Authorization: Bearer.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    row = await profiles.find(deps.database, tenant, profile_id)
    if row is None:
        raise ApiError(404, "There is no onboarding profile of that id.", param="onboardingProfileId")
    return profiles.told(row)


def view(deps: Deps, composed: Composed, assigned_at: float) -> dict[str, Any]:
    """`assigned_at`: since when the session has its variant, Unix seconds."""
    persona = composed.persona
    tools = tuple(deps.tools[name] for name in persona.tools if name in deps.tools)
    heard = visible_session(persona, "", deps.model, tools)["audio"]["input"]
    told: dict[str, Any] = {
        "instructions": composed.instructions,
        "temperature": persona.temperature,
        "maxOutputTokens": persona.max_output_tokens,
        "defaultVoice": persona.default_voice,
        "behaviorProfile": {"pacing": persona.behavior.pacing, "empathy": persona.behavior.empathy},
        "turnDetection": persona.turn_detection.type,
        "turnDetectionConfig": _turn_detection(heard["turn_detection"]),
        "modalities": ["text", "audio"],
        "inputAudioFormat": AUDIO,
        "outputAudioFormat": AUDIO,
        "inputAudioTranscription": {
            "model": heard["transcription"]["model"], "language": persona.languages.primary
        },
        "tools": [tool.definition() for tool in tools],
        "capabilities": list(persona.capabilities),
        "contextEnvelope": composed.envelope,
        "languagePolicy": languages_of(composed),
        "recommendedLanguages": [] if persona.languages.locked else list(persona.languages.recommended),
        "voicePipeline": pipeline_of(deps),
    }  # fmt: skip
    optional = {
        "workflowProfileId": persona.workflow_profile,
        "greetingInstruction": composed.greeting_instruction,
        "transcriptionPrompt": persona.transcription_prompt,
        "brandLiteral": persona.brand[0] if len(persona.brand) == 1 else list(persona.brand) or None,
    }
    told |= {name: value for name, value in optional.items() if value is not None}
    if pipeline_of(deps) == "azure-voice-live":
        told["voiceLiveConfig"] = dict(composed.session)
    if composed.assignment is not None:
        told["promptProfileExperiment"] = {
            "experimentId": composed.assignment.experiment_id,
            "variantId": composed.assignment.variant.id,
            "assignmentHash": composed.assignment.hash,
            "assignedAt": datetime.fromtimestamp(assigned_at, UTC).isoformat().replace("+00:00", "Z"),
        }
    return told


def languages_of(composed: Composed) -> dict[str, Any]:
    """The contract's languagePolicy."""
    languages = composed.persona.languages
    policy: dict[str, Any] = {
        "primary": languages.primary,
        "supported": list(languages.supported),
        "locked": languages.locked,
        "labels": dict(languages.labels),
    }
    if languages.locked:
        policy["lockReason"] = languages.lock_reason or lock_reason(composed)
    return policy


def lock_reason(composed: Composed) -> str:
    """For people."""
    languages = composed.persona.languages
    names = [languages.label(code) for code in languages.supported]
    return f"{composed.persona.display_name} speaks {' and '.join(names)} only."


def pipeline_of(deps: Deps) -> str:
    """By whose protocol the session is configured: Azure's Voice Live where that provider answers first."""
    return (
        "azure-voice-live"
        if deps.settings.provider_order[:1] == ("voicelive",)
        else "azure-openai-realtime"
    )


def _turn_detection(vad: dict[str, Any]) -> dict[str, Any]:
    keys = (
        (
            "type",
            "threshold",
            "prefix_padding_ms",
            "silence_duration_ms",
            "create_response",
            "interrupt_response",
        )
        if vad["type"] == "server_vad"
        else ("type", "eagerness", "create_response", "interrupt_response")
    )
    return {key: vad[key] for key in keys if vad.get(key) is not None}
