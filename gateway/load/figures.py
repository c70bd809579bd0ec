"""What a run came to, as a JSON object of a stable form (docs/load.md, "JSON"). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gateway.load.call import Call
from gateway.load.plan import Threshold

__all__ = ["SCHEMA", "Usage", "broken", "distribution", "kind_figures", "value_of"]

SCHEMA = "parley-load/1"
LEAST = {50: 5, 95: 20, 99: 100}
"""Samples below which a percentile would tell of chance."""
LATE_MS = 10.0
"""When a twentieth of the tool's own frames is later than this, its latencies are not to be trusted."""
IGNORED_MS = 2500.0
"""An agent that speaks on for so long was not interrupted."""
ALONE_HZ = 5.0
"""Tones of one call that are further apart are those of two."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of the server, while all calls were up."""

    cpu_ms_per_call_s: float
    cores: float
    memory_before_mb: float
    memory_most_mb: float


def distribution(values: Sequence[float]) -> dict[str, float | int | None]:
    """Percentiles in the values' unit; None where there are too few samples for one."""
    told: dict[str, float | int | None] = {"n": len(values)}
    for percent, least in LEAST.items():
        enough = len(values) >= least
        told[f"p{percent}"] = round(float(np.percentile(values, percent)), 2) if enough else None
    told["max"] = round(float(max(values)), 2) if len(values) else None
    return told


def kind_figures(calls: Sequence[Call], *, tones: bool) -> dict[str, Any]:
    """Of calls that were tried."""
    turns = [turn for call in calls for turn in call.talk.turns]
    barge_ins = [ms for turn in turns if (ms := turn.barge_in_ms) is not None]
    minutes = sum(turn.heard_s for turn in turns) / 60
    glitches = sum(call.underruns + call.gaps + call.talk.clicks for call in calls)
    figures: dict[str, Any] = {
        "calls": len(calls),
        "connected": sum(call.connected is not None for call in calls),
        "failed": sum(bool(call.failed) and not call.refused for call in calls),
        "refused": sum(call.refused for call in calls),
        "reasons": dict(Counter(call.failed for call in calls if call.failed).most_common()),
        "rules_broken": dict(Counter(rule for call in calls for rule in call.rules).most_common(10)),
        "connect_ms": distribution(
            [(c.connected - c.began) * 1000 for c in calls if c.connected is not None]
        ),
        "greeting_ms": distribution([ms for c in calls if (ms := _greeting_ms(c)) is not None]),
        "first_audio_ms": distribution([ms for turn in turns if (ms := turn.first_audio_ms) is not None]),
        "barge_in_ms": distribution(barge_ins),
        "turns": sum(turn.ended is not None for turn in turns),
        "missed_replies": sum(call.talk.missed for call in calls),
        "early_replies": sum(turn.early for turn in turns),
        "ignored_barge_ins": sum(ms > IGNORED_MS for ms in barge_ins),
        "underruns": sum(call.underruns for call in calls),
        "gaps": sum(call.gaps for call in calls),
        "clicks": sum(call.talk.clicks for call in calls),
        "glitches": glitches,
        "glitches_per_minute": round(glitches / minutes, 3) if minutes else None,
        "lost_ms": round(sum(call.lost_ms for call in calls), 1),
        "heard_s": round(minutes * 60, 1),
        "late_ms": distribution([ms for call in calls for ms in call.pace.late]),
    }
    figures["trusted"] = (figures["late_ms"]["p95"] or 0.0) <= LATE_MS
    if tones:
        figures["cross_talk"] = sum(_mixed(call) for call in calls)
        pitches = [pitch for call in calls if (pitch := _pitch(call)) is not None]
        figures["distinct_tones"] = len({round(pitch / ALONE_HZ) for pitch in pitches})
    return figures


def _greeting_ms(call: Call) -> float | None:
    """Connected → first sound, if the agent spoke first."""
    first, turns = call.talk.first_loud, call.talk.turns
    if call.connected is None or first is None or (turns and first >= turns[0].began):
        return None
    return (first - call.connected) * 1000


def _pitches(call: Call) -> list[float]:
    return [turn.pitch for turn in call.talk.turns if turn.pitch is not None]


def _pitch(call: Call) -> float | None:
    heard = _pitches(call)
    return sorted(heard)[len(heard) // 2] if heard else None


def _mixed(call: Call) -> bool:
    heard = _pitches(call)
    return bool(heard) and max(heard) - min(heard) > ALONE_HZ


def value_of(report: Mapping[str, Any], figure: str) -> float | None:
    """`first_audio_p95`, `failed`, `cpu_ms_per_call_s` … of all calls. Raises KeyError for what is none."""
    whole = report["figures"]["all"]
    if report.get("server") and figure in report["server"]:
        return float(report["server"][figure])
    if figure in whole and isinstance(whole[figure], int | float):
        return float(whole[figure])
    if figure in ("glitches_per_minute",):
        return None
    name, _, statistic = figure.rpartition("_")
    value = whole[f"{name}_ms"][statistic]
    return None if value is None else float(value)


def broken(report: Mapping[str, Any], thresholds: Sequence[Threshold]) -> list[str]:
    """What does not hold, as sentences. A figure that could not be had holds nothing."""
    told = []
    for threshold in thresholds:
        value = value_of(report, threshold.figure)
        if value is None:
            told.append(f"{threshold.text}: too few samples to tell")
        elif threshold.broken(value):
            told.append(f"{threshold.text}: it is {value:g}")
    return told
