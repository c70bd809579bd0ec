"""`python -m scripts.soak`: a thousand callers of every kind, well- and ill-behaved, at a Parley of its own.

Exit code 1 where anything is left behind, a call has no ending or two, or the memory grows with the callers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from scripts.soak.run import Report, soak

SLOPE_KB = 1.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--since", type=int, default=200, help="the memory counts from so many callers on")
    parser.add_argument("--json", type=Path, help="write the report there too")
    parser.add_argument("--folder", type=Path, help="where the server's log and database are kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(
            soak(
                options.folder or Path(folder),
                calls=options.calls,
                seed=options.seed,
                at_once=options.at_once,
                say=print,
            )
        )
    if options.json:
        # `asdict` makes nonsense of a Counter.
        fields = {
            name: dict(value) if isinstance(value, Counter) else value
            for name, value in vars(report).items()
        }
        options.json.write_text(json.dumps(fields, indent=1), encoding="utf-8")
    return told(report, options.since)


def told(report: Report, since: int) -> int:
    slope = report.slope_kb(since)
    print(f"{report.callers} callers in {report.seconds:.0f} s, seed {report.seed}: {dict(report.kinds)}")
    print(f"endings: {dict(report.endings)}; without exactly one: {report.wrong_endings}")
    print(f"memory: {slope:.2f} KB a caller since the {since}th")
    print(f"left behind: {'; '.join(report.left) or 'nothing'}")
    print(
        f"faults met by callers: {dict(report.faults) or 'none'}; tracebacks in the log: {report.tracebacks}"
    )
    bad = report.left or report.wrong_endings or report.faults or report.tracebacks or slope > SLOPE_KB
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
