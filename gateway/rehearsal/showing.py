"""A composed session as its model has it, for people to read. Pure."""

from __future__ import annotations

import json
from typing import Any

from personas.composition.composing import Composed

__all__ = ["as_object", "as_text"]


def as_text(composed: Composed) -> str:
    """Facts, then the tools, then the instructions as they are sent."""
    persona, session = composed.persona, composed.session
    audio = session["audio"]
    rows = [
        ("persona", f"{persona.id}: {persona.display_name}, {persona.professional_role}"),
        ("greeting", persona.greeting or "none: the caller speaks first"),
        ("language", _language(composed)),
        ("tone", composed.tone or persona.default_tone),
        ("voice", f"{audio['output']['voice']}, of {', '.join(persona.allowed_voices)}"),
        ("temperature", f"{persona.temperature:g}"),
        ("answers", f"{persona.max_output_tokens} tokens at most"),
        ("turns", f"taken by the {persona.turns}; {_flat(audio['input']['turn_detection'])}"),
        ("ears", _flat(audio["input"]["transcription"])),
        ("clients", f"{persona.policy.value}: what they may change is in docs/personas.md"),
        ("limits", _flat(persona.limits.model_dump(mode="json"))),
    ]
    if composed.assignment is not None:
        assigned = composed.assignment
        rows.append(("experiment", f"{assigned.experiment_id}: variant {assigned.variant.id}"))
    rows += [
        (name, value) for name, value in composed.envelope["layers"].items() if name != "personaCoreSummary"
    ]
    width = max(len(name) for name, _ in rows) + 2
    facts = "\n".join(f"{name:<{width}}{value}" for name, value in rows)
    tools = "\n".join(_tool(tool) for tool in session["tools"]) or "  none"
    return f"{facts}\n\nTools\n{tools}\n\nInstructions\n\n{composed.instructions}"


def as_object(composed: Composed) -> dict[str, Any]:
    """The session object and what it was made of."""
    return {
        "persona": composed.persona.id,
        "greeting": composed.persona.greeting,
        "temperature": composed.persona.temperature,
        "tone": composed.tone,
        "session": composed.session,
        "contextEnvelope": composed.envelope,
        "experiment": None
        if composed.assignment is None
        else {"id": composed.assignment.experiment_id, "variant": composed.assignment.variant.id},
    }


def _language(composed: Composed) -> str:
    languages = composed.persona.languages
    others = [code for code in languages.supported if code != languages.primary]
    also = f", also {', '.join(others)}" if others else ""
    return f"{languages.primary}{also}; {'locked' if languages.locked else 'not locked'}"


def _tool(tool: dict[str, Any]) -> str:
    schema = tool.get("parameters") or {}
    needed = set(schema.get("required", ()))
    names = [name if name in needed else f"[{name}]" for name in schema.get("properties", {})]
    return (
        f"  {tool['name']}({', '.join(names)})\n      {' '.join(str(tool.get('description', '')).split())}"
    )


def _flat(fields: dict[str, Any] | None) -> str:
    if not fields:
        return "none"
    told = (
        (name, json.dumps(value) if isinstance(value, bool) else value) for name, value in fields.items()
    )
    return ", ".join(f"{name} {value}" for name, value in told if value is not None)
