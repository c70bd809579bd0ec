"""A call's session, as its client sees it and as the model gets it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from gateway.pricing.tariff import NO_PRICES, Tariff
from gateway.realtime.session import FORMATS, default_session, merge_session
from media.audio import PCM24, AudioFormat
from personas.persona import Persona
from personas.prompt import Offered, language_notes, session_for

__all__ = [
    "TRANSCRIBER",
    "CoreSettings",
    "Described",
    "in_language",
    "succeeded_session",
    "transcriber",
    "upstream_session",
    "visible_session",
]

SERVER_COPY = ("id", "object", "expires_at")
"""Fields of a session object that only a server sends."""


TRANSCRIBER = "gpt-4o-mini-transcribe"
"""What transcribes the caller when the client wants no transcription."""


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """What a core is made with."""

    call_id: str
    persona: Persona
    session: dict[str, Any]
    """The complete GA session object as the client sees it: id, model, and only the client's own tools."""
    server_tools: tuple[dict[str, Any], ...] = ()
    wanted: dict[str, Any] | None = None
    """What the client wants changed of it from the start (`gateway.call.plan.CallPlan.session`)."""
    recalls: bool = False
    """Whether the leg can take back audio that was sent (a carrier's `clear`). A browser cannot: what was sent
    will be heard."""
    outbound: bool = False
    """We placed the call (`gateway.call.plan.CallPlan.outbound`)."""
    tariff: Tariff = NO_PRICES
    budget_usd: float | None = None
    """What the call may cost, in US dollars."""
    notes: str = ""
    """What the model is told of the caller besides the instructions that clients see."""
    announce: str = ""
    """What the caller has to be told before anything else; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Described:
    """A tool of which only the definition is known (`personas.prompt.Offered`)."""

    told: dict[str, Any]

    def definition(self) -> dict[str, Any]:
        return self.told


def visible_session(
    persona: Persona, session_id: str, model: str, tools: Sequence[Offered], expires_at: int | None = None
) -> dict[str, Any]:
    """The complete session object that the client of this persona sees: as if the model took the turns, and with
    the client's own tools only (so far those that the persona says it has). `expires_at` is Unix seconds."""
    wanted = session_for(persona, tools) | {"tools": [tool.definition() for tool in persona.client_tools]}
    wanted["audio"]["input"]["turn_detection"] |= {"create_response": True, "interrupt_response": True}
    fresh = default_session(model=model, session_id=session_id, expires_at=expires_at)
    return merge_session(fresh, wanted).session


def succeeded_session(
    session: dict[str, Any], persona: Persona, server_tools: Sequence[dict[str, Any]], *, plays: bool
) -> dict[str, Any]:
    """The session as the client sees it once another agent has taken over: its words, its voice. What the client has
    of its own stays: tools, formats, what it hears and is told; and, where it plays the audio itself, the turns."""
    fresh = session_for(persona, tuple(Described(tool) for tool in server_tools))
    changed = deepcopy(session) | {
        key: fresh[key] for key in ("instructions", "max_output_tokens", "reasoning") if key in fresh
    }
    if "reasoning" not in fresh:
        changed.pop("reasoning", None)
    heard, before = changed["audio"]["input"], session["audio"]["input"]
    if before.get("transcription") is not None:
        heard["transcription"] = {
            **before["transcription"],
            **{k: v for k, v in fresh["audio"]["input"]["transcription"].items() if k != "model"},
        }
    if plays and before.get("turn_detection") is not None:
        flags = {
            k: v
            for k, v in before["turn_detection"].items()
            if k in ("create_response", "interrupt_response")
        }
        heard["turn_detection"] = fresh["audio"]["input"]["turn_detection"] | flags
    changed["audio"]["output"]["voice"] = fresh["audio"]["output"]["voice"]
    has = {tool.get("name") for tool in changed["tools"]}
    changed["tools"] += [tool.definition() for tool in persona.client_tools if tool.name not in has]
    return changed


def in_language(persona: Persona, instructions: str) -> str:
    """Instructions of whoever wrote them, as a model gets them: a locked persona's language has the last word."""
    notes = language_notes(persona)
    if not persona.languages.locked or notes in instructions:
        return instructions
    return f"{instructions}\n\n# Language\n{notes}".strip()


def upstream_session(
    session: dict[str, Any],
    server_tools: tuple[dict[str, Any], ...],
    persona: Persona,
    *,
    gateway_turns: bool,
    form: AudioFormat = PCM24,
    notes: str = "",
) -> dict[str, Any]:
    """The session that the model gets for the one the client sees: our tools beside the client's, a locked persona's
    language behind whatever a client told it, transcription always on (the record needs it), the call's audio format
    whatever the client's wire carries, and with the gateway taking the turns no replies and no interruptions of the
    model's own accord."""
    sent = {k: deepcopy(v) for k, v in session.items() if k not in (*SERVER_COPY, "model")}
    told = "\n\n".join(filter(None, (sent.get("instructions"), notes)))
    sent["instructions"] = in_language(persona, told)
    own = sent.get("tools", [])
    taken = {tool.get("name") for tool in own}
    sent["tools"] = [*(tool for tool in server_tools if tool["name"] not in taken), *own]
    heard = sent["audio"]["input"]
    heard["format"], sent["audio"]["output"]["format"] = dict(FORMATS[form]), dict(FORMATS[form])
    if heard.get("transcription") is None:
        heard["transcription"] = {"model": TRANSCRIBER}
        if persona.languages.locked:
            heard["transcription"]["language"] = persona.languages.primary
    if heard.get("turn_detection") is not None and gateway_turns:
        heard["turn_detection"] |= {"create_response": False, "interrupt_response": False}
    return sent


def transcriber(session: dict[str, Any]) -> str:
    """The model that the model's session of this client's session names for transcribing the caller."""
    wanted = session["audio"]["input"].get("transcription") or {}
    return wanted.get("model") or TRANSCRIBER
