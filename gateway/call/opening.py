"""The first words of a call that we place. Pure.

They are asked of the model at once, and held back for a moment: people say "hello?" as they pick up.
Who speaks is heard out, then the first words are the answer. Who speaks while only the beginning of them was heard has
missed it, and gets them from the beginning. So nobody waits for a model, and nobody is talked over.
"""

from __future__ import annotations

from gateway.call.inputs import ItemProgress

__all__ = ["BEGINNING_MS", "Opening"]

BEGINNING_MS = 1000
"""So much of the first words is said anew (`media.playout` keeps as much)."""
LONGEST_S = 8.0
"""Who speaks for longer is spoken to all the same: it is noise, or a machine."""
DOUBT_S = 0.25
"""Somebody who spoke like a machine has so long to beep."""


class Opening:
    def __init__(self) -> None:
        self.on = False
        """The first words are still to be heard."""
        self.heard = False
        """They were."""
        self._until = 0.0
        self._over_at: float | None = None
        self._turns: set[str] = set()

    def asked(self, until: float) -> None:
        """The first words were asked for; they are held back until then at least."""
        self.on = True
        self._until = until

    def close(self) -> None:
        """Something else is said now, or the conversation has begun without them."""
        self.on = False
        self._turns.clear()

    def spoke(self, now: float) -> None:
        """Somebody begins to speak."""
        if self.on and self._over_at is None:
            self._over_at = now + LONGEST_S

    def fell_silent(self, now: float, *, doubtful: bool) -> None:
        """They have spoken."""
        self._until = max(self._until, now + (DOUBT_S if doubtful else 0.0))

    def turn_began(self, item_id: str) -> None:
        """The model hears a turn of theirs begin: the first words are the answer to it."""
        if self.on:
            self._turns.add(item_id)

    def answers(self, item_id: str) -> bool:
        return self.on or item_id in self._turns

    def holds(self, now: float, *, speaking: bool) -> bool:
        """Whether the first words are not to be heard yet."""
        if self._over_at is not None and now >= self._over_at:
            self.close()
        return self.on and (speaking or now < self._until)

    def played(self, items: tuple[ItemProgress, ...]) -> None:
        if self.on and any(
            item.heard_ms >= BEGINNING_MS or (item.drained and item.heard_ms) for item in items
        ):
            self.on, self.heard = False, True
