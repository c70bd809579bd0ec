"""What a client can choose: personas and voices."""

from __future__ import annotations

import hashlib

from aiohttp import web

from api.deps import Deps
from personas.persona import Persona

__all__ = ["routes"]


def routes(deps: Deps) -> list[web.RouteDef]:
    """`/api/personas` and `/api/voices`; both are the same for the life of the process."""
    personas = [_persona(persona) for persona in deps.personas.values()]
    digest = hashlib.sha256("".join(p.model_dump_json() for p in deps.personas.values()).encode())
    catalogue = {"items": personas, "count": len(personas), "version": digest.hexdigest()[:12]}
    voices = [
        {"id": voice.id, "name": voice.name, "gender": voice.gender, "provider": "openai"}
        for voice in deps.voices
    ]

    async def get_personas(_request: web.Request) -> web.Response:
        return web.json_response(catalogue)

    async def get_voices(_request: web.Request) -> web.Response:
        return web.json_response({"items": voices, "count": len(voices)})

    return [web.get("/api/personas", get_personas), web.get("/api/voices", get_voices)]


def _persona(persona: Persona) -> dict[str, object]:
    return {
        "id": persona.id,
        "displayName": persona.display_name,
        "domain": persona.domain,
        "presentingGender": persona.presenting_gender,
        "avatarKey": persona.avatar_key,
        "description": persona.description,
        "defaultVoice": persona.default_voice,
        "allowedVoices": list(persona.allowed_voices),
        "language": persona.language,
        "locale": persona.locale,
        "accentLabel": persona.accent_label,
        "ageBand": persona.age_band,
        "professionalRole": persona.professional_role,
        "defaultTone": persona.default_tone,
    }
