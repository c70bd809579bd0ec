"""A report as one HTML page that needs nothing else: plots are SVG, light or dark as the reader's machine is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from gateway.load.report import COUNTS, TIMES, shown

__all__ = ["page"]

WIDTH, HEIGHT = 480, 230
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 22, 40
STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --dim: #5b6575; --line: #d9dee6; --paper: #fff; --bad: #b3261e;
  --webrtc: #2463c5; --phone: #b4540a; --ws: #23804a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #9aa5b5; --line: #343c49; --paper: #14181f;
  --bad: #ff8a80; --webrtc: #7fb0ff; --phone: #ffb066; --ws: #6fd49a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .3rem 0; } .dim { color: var(--dim); } .bad { color: var(--bad); font-weight: 600; }
.plots { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); }
figure { margin: 0; min-width: 0; } figcaption { font-weight: 600; margin-bottom: .3rem; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--dim); font-size: 15px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; padding-left: 0; }
th { color: var(--dim); font-weight: 500; }
.key { display: inline-flex; align-items: center; gap: .4rem; margin-right: 1rem; }
.key i { width: .8rem; height: .8rem; border-radius: 50%; }
"""


def page(report: Mapping[str, Any]) -> str:
    plan, figures = report["plan"], report["figures"]
    kinds = [kind for kind in figures if kind != "all"]
    whole = figures["all"]
    head = f"{whole['connected']} of {plan['calls']} calls to {plan['url']}"
    parts = [f"<h1>{escape(head)}</h1>", f'<p class="dim">{escape(_subtitle(report))}</p>']
    parts += [f'<p class="bad">{escape(one)}</p>' for one in report.get("failed_thresholds", ())]
    if not whole["trusted"]:
        parts.append(
            '<p class="bad">Distrust these times: the machine of the callers was too busy to measure.</p>'
        )
    if len(kinds) > 1:
        keys = "".join(
            f'<span class="key"><i style="background:var(--{k})"></i>{escape(k)}</span>' for k in kinds
        )
        parts.append(f"<p>{keys}</p>")
    parts.append('<div class="plots">')
    for name, title in (
        ("first_audio_ms", "Last word to first audio, over the run"),
        ("barge_in_ms", "Barge-in to silence, over the run"),
    ):
        points = {kind: _points(report, kind, name) for kind in kinds}
        parts.append(_figure(title, _scatter(points, report["seconds"])))
    waits = {kind: [ms for _, ms in _points(report, kind, "first_audio_ms")] for kind in kinds}
    parts.append(_figure("Last word to first audio: share of the replies within", _shares(waits)))
    parts.append(_figure("Calls up", _up(report)))
    parts.append("</div>")
    for kind in kinds if len(kinds) == 1 else ["all", *kinds]:
        parts.append(_tables("All kinds" if kind == "all" else kind, figures[kind]))
    if wrong := {**whole["reasons"], **{f"broken rule: {k}": n for k, n in whole["rules_broken"].items()}}:
        rows = "".join(
            f"<tr><td>{escape(str(why))}</td><td>{count}</td></tr>" for why, count in wrong.items()
        )
        parts.append(f"<h2>What went wrong</h2><table>{rows}</table>")
    late = whole["late_ms"]
    parts.append(
        f"<h2>This tool</h2><p>Its own frames left {shown(late['p50'])} ms late in the median, p95 "
        f"{shown(late['p95'])} ms, at most {shown(late['max'])} ms.</p>"
    )
    if server := report["server"]:
        parts.append(
            f"<h2>The server</h2><p>{server['cpu_ms_per_call_s']:g} ms of CPU a call and second ({server['cores']:g} "
            f"cores); {server['memory_before_mb']:g} MiB before, {server['memory_most_mb']:g} MiB at most.</p>"
        )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width,initial-scale=1"><title>{escape(head)}</title><style>{STYLE}</style>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _subtitle(report: Mapping[str, Any]) -> str:
    plan = report["plan"]
    told = f"{', '.join(plan['kinds'])} · {report['seconds']:g} s, ramp {plan['ramp_s']:g} s"
    if plan["loss_percent"]:
        told += f" · {plan['loss_percent']:g} % loss"
    if plan["jitter_ms"]:
        told += f" · jitter up to {plan['jitter_ms']:g} ms"
    if report["interrupted"]:
        told += " · interrupted"
    return f"{told} · parley {report['tool']['parley']}, {report['tool']['machine']}"


def _points(report: Mapping[str, Any], kind: str, name: str) -> list[tuple[float, float]]:
    return [
        (turn["at_s"], turn[name])
        for call in report["calls"]
        if call["kind"] == kind
        for turn in call["turns"]
        if turn[name] is not None
    ]


def _tables(title: str, figures: Mapping[str, Any]) -> str:
    rows = ""
    for name, label in TIMES:
        cells = "".join(f"<td>{shown(figures[name][one])}</td>" for one in ("p50", "p95", "p99", "max"))
        rows += f"<tr><td>{escape(label)}</td><td>{figures[name]['n']}</td>{cells}</tr>"
    counts = "".join(
        f"<tr><td>{escape(label)}</td><td>{figures[name]:g}</td></tr>"
        for name, label in COUNTS
        if figures.get(name) is not None
    )
    return (
        f"<h2>{escape(title)}: {figures['connected']} of {figures['calls']} calls stood, {figures['failed']} failed, "
        f'{figures["refused"]} refused</h2><div class="scroll"><table><tr><th>ms</th><th>n</th><th>p50</th><th>p95</th>'
        f"<th>p99</th><th>max</th></tr>{rows}</table></div><table>{counts}</table>"
    )


# ── plots ─────────────────────────────────────────────────────────────────────────────────────────────────


def _figure(title: str, inner: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption>{inner}</figure>"


def _frame(most_x: float, most_y: float, unit_x: str, unit_y: str, inner: str, what: str) -> str:
    lines = ""
    for tick in _ticks(most_y):
        y = _y(tick, most_y)
        lines += f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--line)"/>'
        lines += f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
    for tick in _ticks(most_x):
        x = _x(tick, most_x)
        lines += f'<text x="{x:.1f}" y="{HEIGHT - 22}" text-anchor="middle">{tick:g}</text>'
    lines += f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end">{unit_x}</text>'
    lines += f'<text x="2" y="13">{unit_y}</text>'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(what)}">{lines}{inner}</svg>'
    )


def _x(value: float, most: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value / most


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / most


def _ticks(most: float) -> list[float]:
    rough = most / 4
    power = float(10 ** np.floor(np.log10(rough)))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough)
    if most >= 1:
        step = max(1.0, step)
    return [round(step * count, 6) for count in range(int(most / step) + 1)]


def _empty(what: str) -> str:
    return f'<p class="dim">{escape(what)}</p>'


def _scatter(points: Mapping[str, Sequence[tuple[float, float]]], seconds: float) -> str:
    values = [ms for one in points.values() for _, ms in one]
    if not values:
        return _empty("none")
    most = max(values) * 1.08 or 1.0
    dots = "".join(
        f'<circle cx="{_x(at, seconds):.1f}" cy="{_y(ms, most):.1f}" r="3.5" fill="var(--{kind})" fill-opacity=".6"/>'
        for kind, one in points.items()
        for at, ms in one
    )
    return _frame(seconds, most, "s", "ms", dots, f"{len(values)} points, at most {max(values):.0f} ms")


def _shares(waits: Mapping[str, Sequence[float]]) -> str:
    values = [ms for one in waits.values() for ms in one]
    if not values:
        return _empty("none")
    most = max(values) * 1.05 or 1.0
    inner = ""
    for kind, one in waits.items():
        if one:
            steps = [(0.0, 0.0)]
            for count, ms in enumerate(sorted(one), 1):
                steps += [(ms, steps[-1][1]), (ms, 100 * count / len(one))]
            steps.append((most, 100.0))
            path = " ".join(f"{_x(x, most):.1f},{_y(y, 100):.1f}" for x, y in steps)
            inner += f'<polyline points="{path}" fill="none" stroke="var(--{kind})" stroke-width="2"/>'
    return _frame(most, 100, "ms", "%", inner, "the share of replies that began within a time")


def _up(report: Mapping[str, Any]) -> str:
    """Stacked nowhere: one line for all kinds."""
    changes = sorted(
        change
        for call in report["calls"]
        if call["connected_s"] is not None
        for change in (
            (call["connected_s"], 1),
            (min(call["ended_s"] or report["seconds"], report["seconds"]), -1),
        )
    )
    if not changes:
        return _empty("no call ever stood")
    up, most, steps = 0, 1, [(0.0, 0)]
    for at, more in changes:
        steps.append((at, up))
        up += more
        most = max(most, up)
        steps.append((at, up))
    path = " ".join(f"{_x(at, report['seconds']):.1f},{_y(count, most):.1f}" for at, count in steps)
    line = f'<polyline points="{path}" fill="none" stroke="var(--ink)" stroke-width="2"/>'
    return _frame(report["seconds"], most, "s", "calls", line, f"at most {most} calls at once")
