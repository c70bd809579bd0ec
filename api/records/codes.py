"""Codes that people read to each other on the telephone."""

from __future__ import annotations

import secrets

__all__ = ["spoken_code"]

_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_DIGITS = "23456789"


def spoken_code() -> str:
    """Two letters and four digits, e.g. `KR4728`: 2.1 million of them, without O, I, S, 0 and 1."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(2))
    return letters + "".join(secrets.choice(_DIGITS) for _ in range(4))
