"""Calls that we place, from the order until a stream begins or none ever will. Of this process only."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.consultation import Consultation
from personas.persona import Persona

__all__ = ["GIVE_UP_S", "RING_S", "Placing", "Ringing"]

RING_S = 60
"""How long carriers are asked to let it ring."""
GIVE_UP_S = RING_S + 30.0
"""After so long without a stream and without a word of the end a call is hung up: the carrier cannot reach us."""


@dataclass(slots=True)
class Placing:
    """One call that is being placed, or rings."""

    session_id: str
    tenant: str
    persona: Persona
    """As briefed for this call."""
    carrier: str
    due: float
    """When it is given up, in seconds of the loop's clock."""
    consultation: Consultation | None = None
    """The person is called for a caller who waits."""
    wanted: bool = True
    """False when whoever asked for it was told that it failed: should it ring all the same, it is hung up."""


class Ringing:
    """By session. Each holds a line, since whoever picks up is to be spoken to."""

    def __init__(self) -> None:
        self._placings: dict[str, Placing] = {}

    def __len__(self) -> int:
        return len(self._placings)

    def add(self, placing: Placing) -> None:
        self._placings[placing.session_id] = placing

    def find(self, session_id: str) -> Placing | None:
        return self._placings.get(session_id)

    def drop(self, session_id: str) -> Placing | None:
        """It rings no more, whatever became of it."""
        return self._placings.pop(session_id, None)

    def overdue(self, now: float) -> list[Placing]:
        return [placing for placing in self._placings.values() if placing.due <= now]

    def all(self) -> list[Placing]:
        return list(self._placings.values())
