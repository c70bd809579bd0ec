"""What has happened in this process since it began. No I/O; holds nothing of any one call.

Label values come from short lists (kinds of leg, endings, providers, tools, queues) and never from a caller; should a
list grow past `MOST_SERIES` all the same, the rest is counted under `other`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock

from gateway.metrics.families import FAMILIES, MOST_SERIES, OTHER
from gateway.metrics.snapshot import Histogram, Labels, Snapshot

__all__ = ["Counts", "Reader", "let_go"]

Reader = Callable[[], Iterable[tuple[Labels, float]]]
"""Tells a figure that somebody else keeps: label values → value. Asked at every snapshot; returns at once."""

_dropped: dict[str, int] = {}
_lock = Lock()


def let_go(queue: str, pieces: int = 1) -> None:
    """A full queue has dropped something. The queues are everywhere and know nobody, some in threads: so this is the
    one figure that belongs to the process and not to a `Counts`."""
    with _lock:
        _dropped[queue] = _dropped.get(queue, 0) + pieces


class Counts:
    """One for all calls."""

    def __init__(self) -> None:
        self._plain: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, Histogram]] = {}
        self._readers: dict[str, list[Reader]] = {}

    # ── what happens ──

    def call_started(self, leg: str) -> None:
        self.add("parley_calls_started", 1, leg)
        self.add("parley_calls_running", 1, leg)

    def call_ended(self, leg: str, ending: str) -> None:
        """`ending`: `side/reason`."""
        side, _, reason = ending.partition("/")
        self.add("parley_calls_running", -1, leg)
        self.add("parley_calls_ended", 1, leg, side, reason)

    def refused(self, reason: str) -> None:
        """A call was not taken."""
        self.add("parley_calls_refused", 1, reason)

    def failed_over(self, before: str, after: str) -> None:
        """A live call went on with another provider."""
        self.add("parley_failovers", 1, before, after)

    # ── how it is kept ──

    def add(self, name: str, amount: float, *labels: str) -> None:
        """To a counter, or to a gauge that goes up and down. Raises KeyError for a figure that does not exist."""
        series = self._plain.get(name)
        if series is None:
            series = self._plain[name] = {}
        if labels not in series:
            labels = _bounded(name, len(series), labels)
        series[labels] = series.get(labels, 0.0) + amount

    def observe(self, name: str, value: float, *labels: str) -> None:
        """A value of a histogram. Raises KeyError for a figure that does not exist."""
        series = self._histograms.get(name)
        if series is None:
            series = self._histograms[name] = {}
        histogram = series.get(labels)
        if histogram is None:
            labels = _bounded(name, len(series), labels)
            histogram = series.setdefault(labels, Histogram(FAMILIES[name].buckets))
        histogram.observe(value)

    def read(self, name: str, reader: Reader) -> None:
        """From now on this figure is what the reader tells, besides what is added here. Raises KeyError."""
        self._readers.setdefault(FAMILIES[name].name, []).append(reader)

    def snapshot(self) -> Snapshot:
        """What they are now."""
        taken = Snapshot(
            {name: dict(series) for name, series in self._plain.items()},
            {
                name: {labels: kept.copy() for labels, kept in series.items()}
                for name, series in self._histograms.items()
            },
        )
        with _lock:
            for queue, pieces in _dropped.items():
                taken.set("parley_dropped", pieces, queue)
        for name, readers in self._readers.items():
            for reader in readers:
                for labels, value in reader():
                    taken.set(name, taken.value(name, *labels) + value, *labels)
        return taken


def _bounded(name: str, known: int, labels: Labels) -> Labels:
    """The label values of a series that is new: as they are, unless there are too many already."""
    assert len(FAMILIES[name].labels) == len(labels)
    return labels if known < MOST_SERIES else (OTHER,) * len(labels)
