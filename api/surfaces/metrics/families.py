"""A snapshot as metric families of the Prometheus client. Imported when the first scraper asks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.metrics.families import FAMILIES, Family
from gateway.metrics.snapshot import Histogram, Snapshot

__all__ = ["Told"]


class Told(Collector):
    """What one snapshot tells."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        for family in FAMILIES.values():
            yield self._histogram(family) if family.kind == "histogram" else self._plain(family)

    def _plain(self, family: Family) -> Metric:
        made = (CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily)(
            family.name, family.help, labels=family.labels
        )
        for labels, value in self._snapshot.plain.get(family.name, {}).items():
            made.add_metric(labels, value)
        return made

    def _histogram(self, family: Family) -> Metric:
        made = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, kept in self._snapshot.histograms.get(family.name, {}).items():
            made.add_metric(labels, _cumulative(kept), kept.total)
        return made


def _cumulative(kept: Histogram) -> list[tuple[str, float]]:
    buckets: list[tuple[str, float]] = []
    so_far = 0
    for bound, count in zip((*map(str, kept.bounds), "+Inf"), kept.counts, strict=True):
        so_far += count
        buckets.append((bound, so_far))
    return buckets
