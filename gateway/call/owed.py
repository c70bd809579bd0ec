"""The reply that a gateway-played call owes its caller, and the one that a client waits for. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.call.spending import Spending

__all__ = ["Owed"]

COMMIT_S = 0.6
"""How long after the caller's speech the model's commit of it is waited for."""

RESUMED_S = 2.0
"""How long a caller who speaks on holds back the answer to what the model has taken already."""


class Owed:
    def __init__(self, spending: Spending, reserved: Callable[[], bool], now: float) -> None:
        """`reserved`: there is no conversation now, so nothing is owed in it."""
        self._spending = spending
        self._reserved = reserved
        self._owed = False
        self._from = now
        self.held: tuple[dict[str, Any], str] | None = None
        """The reply that a client asked for while tools ran, and the id of its asking."""

    def __bool__(self) -> bool:
        """The caller is owed a reply that was not asked for yet."""
        return self._owed

    def owe(self, now: float, *, after_s: float = 0.0) -> None:
        """It is not to be asked for before `after_s` seconds are over."""
        if not self._spending.over and not self._reserved():
            self._owed = True
            self._from = now + after_s

    def settled(self) -> None:
        """It was asked for, or nobody wants it any more."""
        self._owed = False

    def spoke(self, now: float) -> None:
        """What the caller said just now is about to be committed too: one answer to both."""
        if self._owed:
            self._from = now + COMMIT_S

    def due(self, now: float) -> bool:
        return self._owed and now >= self._from

    def waits(self, now: float) -> bool:
        """Whether a caller who speaks on is waited for."""
        return now < self._from + RESUMED_S
