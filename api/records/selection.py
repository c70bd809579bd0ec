"""Which persona answers: by scenario, locale and wish (core API: createRealtimeCredentials)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from personas.catalog import Catalog
from personas.persona import Persona

__all__ = ["DEFAULT_PERSONA", "Selection", "choose", "select"]

DEFAULT_PERSONA = "assistant"
"""Who answers when nobody was asked for."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The persona, and the step that found it."""

    persona: Persona
    reason: str
    scenario: str | None = None
    """The one that was asked for."""


def select(
    personas: Mapping[str, Persona],
    *,
    preferred: str | None,
    scenario: str | None,
    locale: str | None,
    players: Sequence[Persona] = (),
) -> Selection | None:
    """The first step that finds one, in the contract's order. A wish narrows the choice to its own scenario, so
    that a locale never puts the bank's agent in place of the dentist's; among equals the wish wins.
    `players`: who may play the scenario, where that is known otherwise than by its personas. None when `preferred`
    names nobody."""
    wish = personas.get(preferred) if preferred is not None else None
    if preferred is not None and wish is None:
        return None
    asked = scenario
    scenario = scenario or (wish.scenario if wish else None)
    candidates = list(players) or [persona for persona in personas.values() if persona.scenario == scenario]
    if wish is not None and wish not in candidates:
        candidates.insert(0, wish)
    candidates = candidates or _default_first(personas)
    candidates.sort(key=lambda persona: persona is not wish)

    wanted = (locale or "").lower()
    steps: list[tuple[str, Callable[[Persona], bool]]] = []
    if wanted:
        steps.append(("exact-locale", lambda persona: persona.locale.lower() == wanted))
        steps.append(("language-only", lambda persona: _language(persona.locale) == _language(wanted)))
    if wish is not None:
        steps.append(("preferred-persona", lambda persona: persona is wish))
    steps.append(("en-us-fallback", lambda persona: persona.locale.lower() == "en-us"))
    steps.append(("untagged-fallback", lambda persona: not persona.locale))
    steps.append(("catalog-fallback", lambda persona: True))
    for reason, fits in steps:
        for persona in candidates:
            if fits(persona):
                return Selection(persona, reason, asked)
    return None


def choose(
    catalog: Catalog, *, preferred: str | None, scenario: str | None, locale: str | None
) -> Selection | None:
    """The same of a catalog: whoever a scenario allows may play it too."""
    players = catalog.players(scenario) if scenario is not None else ()
    return select(catalog.personas, preferred=preferred, scenario=scenario, locale=locale, players=players)


def _default_first(personas: Mapping[str, Persona]) -> list[Persona]:
    return sorted(personas.values(), key=lambda persona: (persona.id != DEFAULT_PERSONA, persona.id))


def _language(locale: str) -> str:
    return locale.lower().partition("-")[0]
