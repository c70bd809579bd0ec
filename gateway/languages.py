"""Which model may take which call, by the language that the call is held in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from personas.persona import Persona

__all__ = ["SpeaksSome", "refusal", "written"]


@runtime_checkable
class SpeaksSome(Protocol):
    """What a model has besides when it does not speak every language (`gateway.ports.Model`)."""

    def refuses(self, persona: Persona, *, written: bool) -> str | None:
        """Why it cannot hold this persona's calls, in a sentence for people; None: it can. `written`: in text alone, so
        that it needs neither ears nor a voice."""


def refusal(model: object, persona: Persona, *, written: bool) -> str | None:
    """The same of any model."""
    return model.refuses(persona, written=written) if isinstance(model, SpeaksSome) else None


def written(session: Mapping[str, Any] | None, *, plays: bool) -> bool:
    """Whether a call with this session is held in text alone. On a leg that plays the agent's voice (`plays`:
    WebRTC, a telephone) it never is: there the caller speaks, whatever the agent's answers are."""
    return not plays and session is not None and session.get("output_modalities") == ["text"]
