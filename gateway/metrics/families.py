"""Every figure of `/metrics`: its name, its labels, what it tells, and how those of several processes make one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FAMILIES", "LAG_BUCKETS", "MOST_SERIES", "OTHER", "SECONDS", "Family", "Kind", "Merge"]

Kind = Literal["counter", "gauge", "histogram"]
Merge = Literal["sum", "max", "min"]

SECONDS = (
    0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0,
)  # fmt: skip
"""Upper bounds of what a caller waits for: fine where a reply is quick, as a conversation needs it."""
LAG_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

MOST_SERIES = 500
"""Combinations of labels that one figure keeps apart; what comes beyond them is counted under `other`."""
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Family:
    """One figure. A counter's name has no `_total`: the exposition adds it."""

    name: str
    kind: Kind
    told: str
    labels: tuple[str, ...] = ()
    merge: Merge = "sum"
    """Of a gauge, over the workers of one server; counters and histograms are added up."""
    buckets: tuple[float, ...] = ()

    @property
    def help(self) -> str:
        if self.kind != "gauge":
            return self.told
        how = {"sum": "the sum", "max": "the highest", "min": "the lowest"}[self.merge]
        return f"{self.told} Of several workers: {how}."


def _counter(name: str, told: str, *labels: str) -> Family:
    return Family(name, "counter", told, labels)


def _gauge(name: str, told: str, *labels: str, merge: Merge = "sum") -> Family:
    return Family(name, "gauge", told, labels, merge)


def _histogram(name: str, told: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Family:
    return Family(name, "histogram", told, labels, buckets=buckets)


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        _gauge("parley_calls_live", "Calls that are, or are about to be."),
        _gauge("parley_calls_max", "Calls that may be at once, of all workers.", merge="max"),
        _counter(
            "parley_requests_handed_over",
            "Requests that came to one worker and went on to the one whose call they meant.",
        ),
        _gauge("parley_calls_running", "Calls that have begun, by kind of leg.", "leg"),
        _counter("parley_calls_started", "Calls that began, by kind of leg.", "leg"),
        _counter(
            "parley_calls_ended", "Calls that are over, by how they ended.", "leg", "side", "reason"
        ),
        _counter(
            "parley_calls_refused",
            "Calls that were not taken: full, draining, lagging, session-busy.",
            "reason",
        ),
        _counter(
            "parley_requests_refused", "HTTP requests that were answered with an error, by its status.", "status"
        ),
        _gauge(
            "parley_draining", "1 while the server takes no more calls before it stops.", merge="max"
        ),
        _counter(
            "parley_failovers", "Times a live call went on with another provider.", "before", "after"
        ),
        _gauge(
            "parley_provider_up",
            "1 while nothing has failed since it last did its work.",
            "provider",
            merge="min",
        ),
        _gauge(
            "parley_provider_failures", "Failures in a row; 0 while it is up.", "provider", merge="max"
        ),
        _gauge(
            "parley_provider_next_try_seconds",
            "How long it is left alone; 0 when a call may try it.",
            "provider",
            merge="max",
        ),
        _histogram(
            "parley_turn_seconds",
            "Where the time of a reply went. reply: the caller's last word (local voice detector; on a client-played "
            "leg the model's) to the first frame handed to the leg. Of that: endpointing, until the model committed "
            "the turn; model, from response.create to its first audio; playout, from that to the first frame. After "
            "it: downlink, until the caller hears that frame (WebRTC: half the round trip and the jitter buffer, as "
            "the leg reckons them; phone: as the carrier's marks tell).",
            "part", "leg", "provider",
        ),
        _histogram(
            "parley_bargein_seconds", "The caller's first sound over a reply to the pause of it.", "leg"
        ),
        _counter("parley_turns", "Turns that callers took.", "leg"),
        _counter("parley_interruptions", "Replies that callers broke off.", "leg"),
        _counter("parley_tokens", "Tokens that models told they used.", "provider", "direction"),
        _histogram(
            "parley_tool_seconds",
            "How long tools took, by what came of it: ok, refused (it told the model why), timed-out, failed, blocked.",
            "tool", "outcome",
        ),
        _counter(
            "parley_tool_executions",
            "Requests to run a tool, by who asked (model, rest, mcp) and what came of it: a reason, or replayed: the "
            "key was used before, and nothing ran.",
            "tool", "caller", "outcome",
        ),
        _gauge(
            "parley_approvals_waiting",
            "Runs of tools in the database that wait for a person's decision; looked at every five seconds.",
            merge="max",
        ),
        _gauge(
            "parley_tool_breakers",
            "1 in the state that the circuit breaker of a tool is in: closed, open (it is left alone), half-open (the "
            "next run tries it).",
            "tool", "state",
        ),
        _counter(
            "parley_dropped",
            "What full queues let go. unopened-model: 20 ms of the caller's audio, no model being open; model: the "
            "same, the model not reading; journal: rows; recording: chunks of about a second; spans: of traces.",
            "queue",
        ),
        _gauge("parley_journal_waiting_rows", "Rows of the journal that are not written yet."),
        _gauge("parley_recordings_waiting", "Finished recordings that are not where they are kept yet."),
        _histogram(
            "parley_loop_lag_seconds",
            "How much later than asked the event loop woke a sleeper, ten times a second: what every frame waits at "
            "worst. Timers themselves are a millisecond coarse.",
            buckets=LAG_BUCKETS,
        ),
        _gauge("parley_loop_lag_recent_seconds", "The longest such lag of the last two seconds.", merge="max"),
        _counter("process_cpu_seconds", "Processor time of this process, its own and the kernel's for it."),
        _gauge("process_resident_memory_bytes", "Memory that this process holds."),
        _gauge("process_open_fds", "Files and sockets that this process has open."),
    )
}  # fmt: skip
