"""Who may accept: one above its share lets the others. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SILENT_S", "SLACK", "Report", "Word", "words"]

SLACK = 1
"""Calls that one may have more than the one with the fewest, and still accept."""
SILENT_S = 1.0
"""A worker that told nothing for so long does not count: its loop stands, so the others accept what it does not."""


@dataclass(frozen=True, slots=True)
class Report:
    live: int
    at: float
    """When it came, in seconds of the parent's clock."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a worker is told."""

    others: int
    accept: bool


def words(reports: Mapping[int, Report], now: float) -> dict[int, Word]:
    """By worker. Of those whose report is fresh one at least accepts; where none is, all do."""
    fresh = [report.live for report in reports.values() if now - report.at <= SILENT_S]
    fewest = min(fresh, default=0)
    total = sum(report.live for report in reports.values())
    return {
        number: Word(total - report.live, not fresh or report.live <= fewest + SLACK)
        for number, report in reports.items()
    }
