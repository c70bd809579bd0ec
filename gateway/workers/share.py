"""Who may accept: one above its share lets the others, and so does one that takes no calls. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SILENT_S", "SLACK", "Load", "Report", "Word", "words"]

SLACK = 1
"""Calls that one may have more than the one with the fewest, and still accept."""
SILENT_S = 1.0
"""A worker that told nothing for so long does not count: its loop stands, so the others accept what it does not."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a worker tells of itself."""

    live: int
    """Calls."""
    promised: int = 0
    """Lines that are kept for calls that ring."""
    busy: bool = False
    """It takes no call now: its loop is late, or it drains."""


@dataclass(frozen=True, slots=True)
class Report:
    load: Load
    at: float
    """When it came, in seconds of the parent's clock."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a worker is told."""

    others: int
    """Calls of the others."""
    promised: int
    """Lines that the others keep."""
    accept: bool


def words(reports: Mapping[int, Report], now: float) -> dict[int, Word]:
    """By worker. Of those whose report is fresh and that take calls one at least accepts; where all are busy it goes by
    their calls alone, and where no report is fresh all accept."""
    fresh = [report.load for report in reports.values() if now - report.at <= SILENT_S]
    idle = [load for load in fresh if not load.busy]
    fewest = min((load.live for load in idle or fresh), default=0)
    live = sum(report.load.live for report in reports.values())
    promised = sum(report.load.promised for report in reports.values())

    def accepts(load: Load) -> bool:
        return not fresh or (load.live <= fewest + SLACK and not (load.busy and idle))

    return {
        number: Word(live - load.live, promised - load.promised, accepts(load))
        for number, load in ((number, report.load) for number, report in reports.items())
    }
