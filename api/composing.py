"""The agents of sessions, composed: for the live call, for the telephone, and for what REST tells of them alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from api.deps import Deps
from gateway.stores.schema import DEFAULT_TENANT, Session
from personas.catalog import Catalog
from personas.composition.composing import Composed, Ingredients, Profile, compose
from personas.manner import TONES, ToneName
from personas.persona import Persona

__all__ = ["Sitting", "agent_of", "catalog_of", "colleagues_of", "composed_of", "sitting_of"]


@dataclass(frozen=True, slots=True)
class Sitting:
    """What of a session bears on its agent."""

    session_id: str | None
    scenario: str | None = None
    """Slug; one that there is not changes nothing."""
    locale: str | None = None
    language: str | None = None
    tone: ToneName | None = None
    profile: Profile | None = None
    tenant: str = DEFAULT_TENANT
    """Whose policy decides which tools there are."""
    telephone: bool = False
    """Its calls come over a carrier, so callers can be put through."""


def sitting_of(session: Session) -> Sitting:
    return Sitting(
        session.id,
        session.scenario,
        session.requested_locale,
        session.language,
        next((tone for tone in TONES if tone == session.tone), None),
        None if session.profile is None else Profile.from_json(session.profile),
        session.tenant,
    )


def catalog_of(deps: Deps) -> Catalog:
    """The one in force now."""
    return deps.catalogs.current


def composed_of(deps: Deps, persona: Persona, sitting: Sitting) -> Composed:
    """`persona` (of the catalog) in that session."""
    catalog = catalog_of(deps)
    if not sitting.telephone and persona.transfers:
        persona = persona.model_copy(update={"transfers": {}})
    return compose(
        Ingredients(
            persona=persona,
            tools=deps.tools,
            withheld=deps.runtime.known(sitting.tenant).withheld(deps.tools.values()),
            session_id=sitting.session_id,
            scenario=catalog.scenarios.get(sitting.scenario or ""),
            tone=sitting.tone,
            profile=sitting.profile,
            experiment=catalog.experiment_of(persona.id),
            hint=sitting.language,
            locale=sitting.locale,
            workflow=catalog.workflow(persona.workflow_profile) if persona.workflow_profile else None,
            colleagues=catalog.personas,
        )
    )


def agent_of(deps: Deps, persona: Persona, sitting: Sitting) -> Persona:
    """The same as a persona, for a call."""
    return composed_of(deps, persona, sitting).persona


def colleagues_of(
    deps: Deps, sitting: Sitting, also: Callable[[Persona], Persona] = lambda persona: persona
) -> Callable[[str], Persona | None]:
    """Whom the caller of that session may be passed to, by id, composed. They keep to the session's language where
    they speak it. `also`: what the call makes of them besides."""

    def colleague(agent: str) -> Persona | None:
        persona = catalog_of(deps).personas.get(agent)
        return None if persona is None else also(agent_of(deps, persona, sitting))

    return colleague
