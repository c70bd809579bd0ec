"""A report for people: a table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["shown", "table"]

TIMES = (
    ("connect_ms", "connect"),
    ("greeting_ms", "greeting, from connected"),
    ("first_audio_ms", "last word to first audio"),
    ("barge_in_ms", "barge-in to silence"),
)
COUNTS = (
    ("turns", "turns of the callers"),
    ("missed_replies", "replies that never came"),
    ("early_replies", "replies into the caller's words"),
    ("ignored_barge_ins", "barge-ins that stopped nobody"),
    ("underruns", "underruns"),
    ("gaps", "gaps"),
    ("clicks", "clicks"),
    ("lost_ms", "reply audio lost, ms"),
    ("short_replies", "replies not given in full"),
    ("cross_talk", "calls that heard another's tone"),
    ("distinct_tones", "tones that were heard"),
)


def shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def table(report: Mapping[str, Any]) -> str:
    """Every figure; `–` where there are too few samples."""
    figures = report["figures"]
    kinds = [kind for kind in figures if kind != "all"]
    blocks = [
        _block("all kinds" if kind == "all" else kind, figures[kind])
        for kind in (kinds if len(kinds) == 1 else ["all", *kinds])
    ]
    ends = []
    whole = figures["all"]
    for reason, count in whole["reasons"].items():
        ends.append(f"  {count:>4} × {reason}")
    for rule, count in whole["rules_broken"].items():
        ends.append(f"  {count:>4} × broken rule: {rule}")
    if report["not_tried"]:
        ends.append(f"  {report['not_tried']:>4} calls were not tried")
    if ends:
        blocks.append("\n".join(["what went wrong", *ends]))
    if server := report["server"]:
        blocks.append(
            f"server      {server['cpu_ms_per_call_s']:g} ms of CPU a call and second ({server['cores']:g} cores); "
            f"{server['memory_before_mb']:g} MiB before, {server['memory_most_mb']:g} at most"
        )
    late = whole["late_ms"]
    own = f"this tool   its frames left {shown(late['p50'])} ms late, p95 {shown(late['p95'])}"
    own += f", at most {shown(late['max'])}"
    if not whole["trusted"]:
        own += "\n            DISTRUST the times and underruns above: this machine was too busy to measure"
    blocks.append(own)
    return "\n\n".join(blocks)


def _block(title: str, figures: Mapping[str, Any]) -> str:
    counted = f"{figures['connected']} of {figures['calls']} calls stood"
    if figures["failed"] or figures["refused"]:
        counted += f"; {figures['failed']} failed, {figures['refused']} refused"
    lines = [f"{title}: {counted}"]
    lines.append(f"  {'ms':<34}{'n':>7}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}")
    for name, label in TIMES:
        values = figures[name]
        if not values["n"] and name == "greeting_ms":
            continue
        cells = "".join(f"{shown(values[one]):>9}" for one in ("p50", "p95", "p99", "max"))
        lines.append(f"  {label:<34}{values['n']:>7}{cells}")
    lines += [
        f"  {label:<34}{figures[name]:>7g}" for name, label in COUNTS if figures.get(name) is not None
    ]
    return "\n".join(lines)
