"""What `parley persona check` finds in what agents are made of, beyond what keeps a server from starting."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from personas.files import meant
from personas.persona import Persona
from personas.prompt import Offered

__all__ = ["Finding", "remarks"]

Finding = str
"""`persona: what is doubtful; what to do`."""


class _Tools(Protocol):
    def get(self, key: str, /) -> Offered | None: ...


def remarks(personas: Mapping[str, Persona], tools: _Tools, scripts: Collection[str]) -> list[Finding]:
    """Everything, persona by persona. `scripts`: who has scripted callers."""
    found: list[Finding] = []
    for persona in personas.values():
        found += [f"{persona.id}: {told}" for told in _arguments(persona, tools)]
        if persona.dialogue is not None and persona.id not in scripts:
            found.append(f"{persona.id}: nobody calls it in a test; write tests/{persona.id}.yaml")
        if persona.default_voice not in persona.allowed_voices:
            found.append(
                f"{persona.id}: its default_voice {persona.default_voice} is not among its allowed_voices"
            )
    return found


def _arguments(persona: Persona, tools: _Tools) -> Iterator[str]:
    """Arguments that a dialogue gives and its tool does not take."""
    for task in persona.dialogue.tasks if persona.dialogue else ():
        for step in task.steps:
            if step.call is None:
                continue
            if step.call not in persona.tools:
                yield f"dialogue.tasks.{task.id}: calls {step.call}, which is not among its tools; list it"
                continue
            tool = tools.get(step.call)
            known = [] if tool is None else tool.definition()["parameters"].get("properties", {})
            for name in step.arguments:
                if tool is not None and name not in known:
                    told = meant(name, list(known))
                    yield f"dialogue.tasks.{task.id}: {step.call} takes no {name}; {told}"
