"""What a runtime was made of, in layers, with a fingerprint of what the agent may do (contract: contextEnvelope v2).

Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from personas.persona import Persona
from personas.prompt import MANNERS

__all__ = ["envelope", "fingerprint"]


def envelope(
    persona: Persona, *, tools: Sequence[str], withheld: Sequence[str], about: str = ""
) -> dict[str, Any]:
    """`tools`: what the model is offered; `withheld`: what the persona lists and a policy takes away; `about`: whose
    data was told, in a sentence."""
    contract = hashlib.sha256(MANNERS.encode()).hexdigest()[:12]
    layers = {
        "globalVoiceContract": f"parley-voice-{contract}",
        "personaId": persona.id,
        "personaCoreSummary": " ".join(persona.description.split()),
        "integrationHints": f"tools: {', '.join(tools) or 'none'}",
        "connectorSurfaceSummary": _surface(persona, withheld),
        "policyFingerprint": fingerprint(persona, tools),
    }
    if about:
        layers["tenantRuntimeHints"] = about
    return {"schemaVersion": "v2", "layers": layers}


def fingerprint(persona: Persona, tools: Sequence[str]) -> str:
    """64 hexadecimal digits that change with anything that bounds the agent: what clients may change, in which
    languages it speaks, which tools, voices, people and agents it may reach, what a call may last and cost."""
    bounds = {
        "persona": persona.id,
        "policy": persona.policy.value,
        "languages": persona.languages.model_dump(mode="json", include={"primary", "supported", "locked"}),
        "tools": sorted(tools),
        "voices": sorted(persona.allowed_voices),
        "transfers": {
            name: [target.to, target.mode, target.hours] for name, target in persona.transfers.items()
        },
        "agents": sorted(persona.hand_over_to),
        "limits": persona.limits.model_dump(mode="json"),
        "recording": persona.recording.mode,
        "workflow": persona.workflow_profile,
        "manners": MANNERS,
    }
    canonical = json.dumps(bounds, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _surface(persona: Persona, withheld: Sequence[str]) -> str:
    parts = [f"put through to: {', '.join(persona.transfers) or 'nobody'}"]
    if persona.hand_over_to:
        parts.append(f"passed on to: {', '.join(persona.hand_over_to)}")
    if withheld:
        parts.append(f"withheld: {', '.join(withheld)}")
    return "; ".join(parts)
