"""Digits and codes as they are read back, with the words of any language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["grouped", "spelled"]


def grouped(digits: str, names: Sequence[str], groups: Mapping[int, Sequence[int]], comma: str) -> str:
    """Digits one by one in groups. `names`: of the ten digits; `groups`: by how many digits there are, else fours."""
    said = [names[int(sign)] for sign in digits if sign.isascii() and sign.isdigit()]
    parts: list[str] = []
    for size in groups.get(len(said)) or (4,) * (len(said) // 4 + 1):
        parts.append(" ".join(said[:size]))
        said = said[size:]
    return comma.join(filter(None, parts))


def spelled(code: str, names: Sequence[str], comma: str) -> str:
    """A code sign by sign."""
    signs = [sign for sign in code if sign.isalnum()]
    return comma.join(
        names[int(sign)] if sign.isascii() and sign.isdigit() else sign.upper() for sign in signs
    )
