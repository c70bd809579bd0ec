"""What `parley persona check` finds in what agents are made of, beyond what keeps a server from starting."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Protocol

from personas.files import meant
from personas.persona import Persona
from personas.prompt import Offered

__all__ = ["Finding", "remarks"]

_FIELD = re.compile(r"\{[A-Za-z_][\w.|]*\}")

Finding = str
"""`file:line: what is doubtful; what to do`."""
Path = tuple[int | str, ...]
Tell = Callable[[str, Path, str], Finding]
"""Of a persona's id, what it is about, and what is wrong with that."""


class _Tools(Protocol):
    def get(self, key: str, /) -> Offered | None: ...


def remarks(
    personas: Mapping[str, Persona], tools: _Tools, scripts: Collection[str], tell: Tell
) -> list[Finding]:
    """Everything, persona by persona. `scripts`: who has scripted callers."""
    found: list[Finding] = []
    for persona in personas.values():
        found += [tell(persona.id, path, told) for path, told in _arguments(persona, tools)]
        found += [tell(persona.id, path, told) for path, told in _unfilled(persona)]
        if persona.dialogue is not None and persona.id not in scripts:
            told = f"nobody calls it in a test; write tests/{persona.id}.yaml"
            found.append(tell(persona.id, ("dialogue",), told))
        if persona.default_voice not in persona.allowed_voices:
            told = f"{persona.default_voice} is not among `allowed_voices`; add it there"
            found.append(tell(persona.id, ("default_voice",), told))
    return found


def _unfilled(persona: Persona) -> Iterator[tuple[Path, str]]:
    """Fields in texts that are said as they stand."""
    for name in ("greeting", "taking_over", "still_there", "farewell", "putting_through", "bridging"):
        if field := _FIELD.search(getattr(persona, name) or ""):
            yield (name,), f"{field[0]} is said as it stands, for only `voicemail` has fields; write it out"


def _arguments(persona: Persona, tools: _Tools) -> Iterator[tuple[Path, str]]:
    """Arguments that a dialogue gives and its tool does not take."""
    for at, task in enumerate(persona.dialogue.tasks if persona.dialogue else ()):
        for nth, step in enumerate(task.steps):
            path = ("dialogue", "tasks", at, "steps", nth)
            if step.call is None:
                continue
            if step.call not in persona.tools:
                yield (*path, "call"), f"{step.call} is not among the persona's `tools`; list it there"
                continue
            tool = tools.get(step.call)
            known = [] if tool is None else tool.definition()["parameters"].get("properties", {})
            for name in step.arguments:
                if tool is not None and name not in known:
                    told = meant(name, list(known))
                    yield (*path, "arguments", name), f"{step.call} takes no {name}; {told}"
