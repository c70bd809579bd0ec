"""What every connector can be asked."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Connector"]


class Connector(Protocol):
    @property
    def about(self) -> str:
        """`calendar main`, `mail`."""

    async def probe(self) -> str:
        """Ask whether it is well, changing nothing: why it is not, or nothing. Raises nothing."""
