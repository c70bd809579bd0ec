"""What a run came to, as a JSON object of a stable form (docs/load.md, "JSON"). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gateway.load.call import Call
from gateway.load.plan import Threshold

__all__ = ["SCHEMA", "Usage", "broken", "distribution", "in_vain", "kind_figures", "used", "value_of"]

SCHEMA = "parley-load/1"
LEAST = {50: 5, 95: 20, 99: 100}
"""Samples below which a percentile would tell of chance."""
LATE_MS = 10.0
"""When a twentieth of the tool's own frames is later than this, its latencies are not to be trusted."""
IGNORED_MS = 2500.0
"""An agent that speaks on for so long was not interrupted."""
SHORT_MS = 100.0
"""A reply that lacks more than this was not given in full; less are its first and last frames, that are hardly loud."""
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


def kind_figures(calls: Sequence[Call], *, tones: bool, reply_ms: float = 0.0) -> dict[str, Any]:
    """Of calls that were tried. `reply_ms`: how long each reply should sound, if that is known."""
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
    if reply_ms:
        lacking = [_lacking_ms(call, reply_ms) for call in calls]
        figures["short_replies"] = sum(len(ms) for ms in lacking)
        # What a gap took is in what the reply lacks: the larger of both was lost.
        lost = sum(max(call.lost_ms, sum(ms)) for call, ms in zip(calls, lacking, strict=True))
        figures["lost_ms"] = round(lost, 1)
    figures["trusted"] = (figures["late_ms"]["p95"] or 0.0) <= LATE_MS
    if tones:
        figures["cross_talk"] = sum(_mixed(call) for call in calls)
        pitches = [pitch for call in calls if (pitch := _pitch(call)) is not None]
        figures["distinct_tones"] = len({round(pitch / ALONE_HZ) for pitch in pitches})
    return figures


def _lacking_ms(call: Call, reply_ms: float) -> list[float]:
    """Of each reply that nobody interrupted and that was not given in full."""
    whole = [turn for turn in call.talk.turns if turn.reply_at is not None and not turn.cut_off]
    return [lack for turn in whole if (lack := reply_ms - turn.heard_s * 1000) > SHORT_MS]


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


def used(
    calls: Sequence[Call], samples: Sequence[tuple[float, float, float]], until: float
) -> Usage | None:
    """From when the last call stood to `until`; None where there was no such time. `samples`: when, seconds of CPU, and
    MiB. The CPU is shared by the calls that stood at the time: some may have ended meanwhile."""
    stood = [(call.connected, call.ended or until) for call in calls if call.connected is not None]
    if not stood:
        return None
    since = max(connected for connected, _ in stood)
    during = [sample for sample in samples if since <= sample[0] <= until]
    if len(during) < 2:
        return None
    (begin, cpu, _), (end, more, _) = during[0], during[-1]
    call_s = sum(max(0.0, min(ended, end) - begin) for _, ended in stood)
    if not call_s:
        return None
    most = max(memory for _, _, memory in during)
    return Usage(
        round((more - cpu) / call_s * 1000, 2),
        round((more - cpu) / (end - begin), 3),
        round(samples[0][2], 1),
        round(most, 1),
    )


def in_vain(report: Mapping[str, Any]) -> bool:
    """No call was held to the end."""
    whole = report["figures"]["all"]
    return bool(whole["failed"] + whole["refused"] == whole["calls"])


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
