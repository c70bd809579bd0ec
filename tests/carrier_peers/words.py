"""Lists of names, written as text."""

from __future__ import annotations

__all__ = ["words"]


def words(text: str) -> frozenset[str]:
    """What stands between the spaces."""
    return frozenset(text.split())
