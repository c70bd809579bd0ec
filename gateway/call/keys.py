"""Keys of the caller's telephone, gathered into what the caller meant to enter. Pure."""

from __future__ import annotations

from typing import Any

from personas.keys import Entering, pressed

__all__ = ["Keys"]


class Keys:
    """`pressed` for each key, `due` now and then; both give the item of a complete entry."""

    def __init__(self, entering: Entering) -> None:
        self.entering = entering
        """How they are entered; another agent may want it otherwise."""
        self._pressed = ""
        self._last_at = 0.0
        self._full_at = float("-inf")
        """When an entry was complete by its length."""
        self._count = 0

    @property
    def gathering(self) -> bool:
        """The caller is in the midst of an entry."""
        return bool(self._pressed)

    def is_habit(self, digit: str, now: float) -> bool:
        """It ends an entry that was complete already by its length, as whoever is used to it does: it means nothing."""
        ends = digit == self.entering.terminator
        return ends and not self._pressed and now - self._full_at < self.entering.timeout_s

    def pressed(self, digit: str, now: float) -> dict[str, Any] | None:
        if self.is_habit(digit, now):
            self._full_at = float("-inf")
            return None
        ends = digit == self.entering.terminator
        self._pressed += digit
        self._last_at = now
        if ends:
            return self._entry()
        if len(self._pressed) < self.entering.most:
            return None
        if self.entering.length:
            self._full_at = now
        return self._entry()

    def due(self, now: float) -> dict[str, Any] | None:
        complete = self._pressed and now - self._last_at >= self.entering.timeout_s
        return self._entry() if complete else None

    def _entry(self) -> dict[str, Any]:
        """A user message of the conversation that says which keys were pressed, one by one."""
        text = pressed(self._pressed, self.entering.meaning)
        self._pressed = ""
        self._count += 1
        content = [{"type": "input_text", "text": text}]
        return {"id": f"item_keys_{self._count}", "type": "message", "role": "user", "content": content}
