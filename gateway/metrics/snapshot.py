"""What the figures are at one moment: plain values that travel as JSON and can be added up. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.metrics.families import FAMILIES, Family

__all__ = ["Histogram", "Labels", "Snapshot", "merged"]

Labels = tuple[str, ...]
"""Label values, in the order of the family's labels."""


class Histogram:
    """How many values fell up to each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Per bucket, not cumulative; the last is beyond every bound."""
        self.total = 0.0

    def observe(self, value: float) -> None:
        # Few buckets, and most values are in the lower half: a loop is as quick as bisecting.
        place = 0
        for bound in self.bounds:
            if value <= bound:
                break
            place += 1
        self.counts[place] += 1
        self.total += value

    def copy(self) -> Histogram:
        twin = Histogram(self.bounds)
        twin.counts, twin.total = self.counts.copy(), self.total
        return twin

    def add(self, other: Histogram) -> None:
        self.counts = [one + more for one, more in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


@dataclass(slots=True)
class Snapshot:
    """Family name → label values → figure. What happened never is absent."""

    plain: dict[str, dict[Labels, float]] = field(default_factory=dict)
    """Counters and gauges."""
    histograms: dict[str, dict[Labels, Histogram]] = field(default_factory=dict)

    def set(self, name: str, value: float, *labels: str) -> None:
        """Raises KeyError for a figure that does not exist."""
        assert len(FAMILIES[name].labels) == len(labels)
        self.plain.setdefault(name, {})[labels] = float(value)

    def value(self, name: str, *labels: str) -> float:
        """A counter or a gauge; 0 where there is none."""
        return self.plain.get(name, {}).get(labels, 0.0)

    def to_json(self) -> dict[str, Any]:
        return {
            "plain": {
                name: [[list(labels), value] for labels, value in series.items()]
                for name, series in self.plain.items()
            },
            "histograms": {
                name: [[list(labels), kept.counts, kept.total] for labels, kept in series.items()]
                for name, series in self.histograms.items()
            },
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Snapshot:
        """Raises KeyError, TypeError or ValueError for what `to_json` did not make."""
        made = cls()
        for name, series in told["plain"].items():
            for labels, value in series:
                made.set(name, value, *labels)
        for name, kept in told["histograms"].items():
            for labels, counts, total in kept:
                histogram = Histogram(FAMILIES[name].buckets)
                if len(counts) != len(histogram.counts):
                    raise ValueError(f"{name} has other buckets")
                histogram.counts, histogram.total = list(counts), float(total)
                made.histograms.setdefault(name, {})[tuple(labels)] = histogram
        return made


def merged(snapshots: Iterable[Snapshot]) -> Snapshot:
    """One for all: counters and histograms added up, gauges as their family says."""
    whole = Snapshot()
    for one in snapshots:
        for name, series in one.plain.items():
            into = whole.plain.setdefault(name, {})
            for labels, value in series.items():
                into[labels] = _joined(FAMILIES[name], into.get(labels), value)
        for name, kept in one.histograms.items():
            mine = whole.histograms.setdefault(name, {})
            for labels, histogram in kept.items():
                if labels in mine:
                    mine[labels].add(histogram)
                else:
                    mine[labels] = histogram.copy()
    return whole


def _joined(family: Family, before: float | None, value: float) -> float:
    if before is None:
        return value
    match family.merge:
        case "max":
            return max(before, value)
        case "min":
            return min(before, value)
        case _:
            return before + value
