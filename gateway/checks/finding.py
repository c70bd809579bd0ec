"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Level", "fault", "ok", "warning"]


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report. Holds no secret."""

    level: Level
    about: str
    """What was looked at: `database`, `voice`."""
    seen: str
    """What is so."""
    mend: str = ""
    """What to do about it; empty when all is well."""


def ok(about: str, seen: str) -> Finding:
    return Finding(Level.OK, about, seen)


def warning(about: str, seen: str, mend: str) -> Finding:
    """Parley runs, but not as well as it could, or not for everybody."""
    return Finding(Level.WARNING, about, seen, mend)


def fault(about: str, seen: str, mend: str) -> Finding:
    """Parley does not start, or calls fail."""
    return Finding(Level.FAULT, about, seen, mend)
