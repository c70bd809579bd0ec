"""Keys of the caller's telephone, gathered into what the caller meant to enter. Pure."""

from __future__ import annotations

from typing import Any

__all__ = ["PRESSED", "Keys"]

PRESSED = "The caller pressed"
"""How the item of an entry begins."""
TERMINATOR = "#"
PAUSE_S = 2.0
"""After so long without another key the entry is complete."""
MOST = 32
"""Keys of one entry; the next one begins another."""


class Keys:
    """`pressed` for each key, `due` now and then; both give the item of a complete entry."""

    def __init__(self) -> None:
        self._pressed = ""
        self._last_at = 0.0
        self._count = 0

    @property
    def gathering(self) -> bool:
        """The caller is in the midst of an entry."""
        return bool(self._pressed)

    def pressed(self, digit: str, now: float) -> dict[str, Any] | None:
        self._pressed += digit
        self._last_at = now
        return self._entry() if digit == TERMINATOR or len(self._pressed) >= MOST else None

    def due(self, now: float) -> dict[str, Any] | None:
        return self._entry() if self._pressed and now - self._last_at >= PAUSE_S else None

    def _entry(self) -> dict[str, Any]:
        """A user message of the conversation that says which keys were pressed, one by one."""
        text = f"{PRESSED} {' '.join(self._pressed)}"
        self._pressed = ""
        self._count += 1
        content = [{"type": "input_text", "text": text}]
        return {"id": f"item_keys_{self._count}", "type": "message", "role": "user", "content": content}
