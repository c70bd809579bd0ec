"""`make bench`: Parley beside a bare gateway, same machine, same minute, same callers, same mock model.

    python -m scripts.bench [--calls 1,4] [--cycles 2] [--clients 20] [--phones 10] [--json FILE]

Absolute figures are this machine's; the ratios travel better. docs/operate.md says how to read them.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from scripts.bench.passing import measure_passing, passing_table
from scripts.bench.phones import measure_phones, phones_table
from scripts.bench.run import Result, Server, measure
from scripts.bench.script import load

BASELINE = Server("baseline", (sys.executable, "-m", "scripts.bench.baseline", "--port", "{port}"))
PARLEY = Server("parley", (sys.executable, "-m", "gateway", "serve"))

ROWS: tuple[tuple[str, str], ...] = (
    ("cpu_ms_per_call_s", "CPU, ms per call and second"),
    ("first_audio_p50_ms", "first audio overhead, median ms"),
    ("first_audio_p95_ms", "first audio overhead, p95 ms"),
    ("bargein_p50_ms", "barge-in to silence, median ms"),
    ("bargein_p95_ms", "barge-in to silence, p95 ms"),
    ("memory_per_call_mb", "memory per call, MiB"),
    ("memory_idle_mb", "memory without calls, MiB"),
    ("connected_p50_ms", "offer to connected, median ms"),
    ("lost_ms_per_reply", "reply audio lost, median ms"),
    ("missed_replies", "replies that never came"),
    ("alive", "calls alive at the end"),
    ("loader_late_ms", "latest packet of the callers, ms"),
)


def table(baseline: Result, parley: Result) -> str:
    """One block of lines for one number of calls."""
    lines = [f"{parley.calls} call(s)".ljust(36) + f"{'baseline':>10}{'parley':>10}{'ratio':>8}"]
    before, after = asdict(baseline), asdict(parley)
    for key, label in ROWS:
        ours, theirs = after[key], before[key]
        ratio = f"{ours / theirs:.2f}" if ours is not None and theirs and theirs > 0 else "–"
        lines.append(f"  {label:<34}{_cell(theirs):>10}{_cell(ours):>10}{ratio:>8}")
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure Parley beside a bare aiortc gateway.")
    parser.add_argument("--calls", default="1,4", help="how many at once, e.g. 1,4")
    parser.add_argument("--cycles", type=int, default=2, help="cycles of 17 s that are counted")
    parser.add_argument(
        "--clients", type=int, default=20, help="WebSocket clients at once; 0 leaves them out"
    )
    parser.add_argument("--phones", type=int, default=10, help="phone calls at once; 0 leaves them out")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long their events are timed")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    script, results = load(), []
    if arguments.clients:
        ways = measure_passing(PARLEY, arguments.clients, arguments.seconds)
        print(passing_table(*ways), end="\n\n", flush=True)
        results += [asdict(way) for way in ways]
    if arguments.phones:
        sides = measure_phones(arguments.phones, arguments.cycles)
        print(phones_table(*sides), end="\n\n", flush=True)
        results += [asdict(side) for side in sides]
    for calls in (int(number) for number in arguments.calls.split(",") if number):
        pair = [measure(server, calls, arguments.cycles, script) for server in (BASELINE, PARLEY)]
        print(table(*pair), end="\n\n", flush=True)
        results += [asdict(result) for result in pair]
    text = json.dumps(results, indent=1)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
