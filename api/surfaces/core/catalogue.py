"""What a client can choose: personas and voices (getPersonas, getVoices)."""

from __future__ import annotations

from aiohttp import web

from api.deps import Deps
from api.surfaces.core.per_catalog import PerCatalog
from personas.catalog import Catalog
from personas.persona import Persona

__all__ = ["routes"]


def routes(deps: Deps) -> list[web.RouteDef]:
    """`/api/personas`, as the catalog in force has them, which of them no provider speaks for, and `/api/voices`, the
    same for the life of the process."""
    personas = PerCatalog(deps.catalogs, _personas)
    unspoken = PerCatalog(deps.catalogs, lambda catalog: _unspoken(catalog, deps))
    voices = [
        {"id": voice.id, "name": voice.name, "gender": voice.gender, "provider": voice.provider}
        for voice in deps.voices
    ]

    async def get_personas(_request: web.Request) -> web.Response:
        return web.json_response(personas())

    async def get_voices(_request: web.Request) -> web.Response:
        return web.json_response({"items": voices, "count": len(voices)})

    async def get_unspoken(_request: web.Request) -> web.Response:
        return web.json_response(unspoken())

    return [
        web.get("/api/personas", get_personas),
        web.get("/api/personas/unspoken", get_unspoken),
        web.get("/api/voices", get_voices),
    ]


def _personas(catalog: Catalog) -> dict[str, object]:
    items = [_persona(persona) for persona in catalog.personas.values()]
    return {"items": items, "count": len(items), "version": catalog.version}


def _unspoken(catalog: Catalog, deps: Deps) -> dict[str, object]:
    """Who cannot be talked to here by voice, for who offers agents to callers: no provider speaks their language."""
    items = [one.id for one in catalog.personas.values() if deps.unspoken(one, False) is not None]
    return {"items": items, "count": len(items)}


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
        "humanVoiceReviewStatus": persona.review_status,
        "assetStatus": persona.asset_status,
    }
