"""Everything that agents are made of, as it was read at one moment. Frozen; no I/O.

A server reads it again when files change (`personas.catalog_files`); whoever holds a catalog keeps what it began with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from personas.experiment import Experiment
from personas.packs import Pack, Workflow
from personas.persona import Persona
from personas.scenario import Scenario

__all__ = ["Catalog"]


@dataclass(frozen=True)
class Catalog:
    """Personas by id, scenarios by slug, packs and experiments by id; each in the order in which they are shown."""

    personas: Mapping[str, Persona]
    scenarios: Mapping[str, Scenario] = field(default_factory=dict)
    packs: Mapping[str, Pack] = field(default_factory=dict)
    experiments: Mapping[str, Experiment] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """Twelve hexadecimal digits that change with any word of it."""
        digest = hashlib.sha256()
        for shelf in (self.personas, self.scenarios, self.packs, self.experiments):
            for entry in shelf.values():
                digest.update(entry.model_dump_json().encode())
            digest.update(b"\0")
        return digest.hexdigest()[:12]

    def players(self, slug: str) -> tuple[Persona, ...]:
        """Who may play a scenario: those whose own it is, then those it allows."""
        scenario = self.scenarios.get(slug)
        allowed = (scenario.allowed_personas if scenario else None) or ()
        own = [persona for persona in self.personas.values() if persona.scenario == slug]
        others = [self.personas[name] for name in allowed if name in self.personas]
        return tuple({persona.id: persona for persona in (*own, *others)}.values())

    def experiment_of(self, persona_id: str) -> Experiment | None:
        """The experiment that its sessions are part of; there is one at most."""
        for experiment in self.experiments.values():
            if experiment.active and persona_id in experiment.personas:
                return experiment
        return None

    def workflow(self, workflow_id: str) -> Workflow | None:
        """The workflow of that id, of whichever pack."""
        for pack in self.packs.values():
            for workflow in pack.workflows:
                if workflow.id == workflow_id:
                    return workflow
        return None
