"""The command `parley replay`."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.config import from_env
from gateway.replay.driving import Difference, Step, difference, drive, heard_otherwise
from gateway.replay.fixture import as_test
from gateway.replay.recording import Recording, Unreplayable, read_file, read_store, written
from gateway.replay.timeline import clock, timeline
from gateway.stores.urls import database_url

__all__ = ["run"]

AROUND = 4
"""Rows told before a difference."""


def run(options: argparse.Namespace) -> int:
    """The exit code: 0 the same effects, 1 others, 2 nothing to replay. Raises ConfigError, StoreError."""
    try:
        recording = _read(options.journal)
        if options.export:
            options.export.write_text(written(recording), encoding="utf-8")
        return _replayed(recording, options, print)
    except (Unreplayable, OSError) as fault:
        print(f"parley: {fault}", file=sys.stderr)
        return 2


def _read(journal: str) -> Recording:
    path = Path(journal)
    if path.is_file():
        return read_file(path)
    return asyncio.run(read_store(database_url(from_env()), journal))


def _replayed(recording: Recording, options: argparse.Namespace, say: Callable[[str], None]) -> int:
    steps = drive(recording)
    if not options.quiet:
        for line in timeline(steps):
            say(line)
        say("")
    found = difference(steps)
    otherwise = [] if found else heard_otherwise(recording, steps)
    if found is not None:
        for line in _context(steps, found):
            say(line)
    for line in otherwise:
        say(line)
    if options.as_test:
        name = re.sub(r"\W+", "_", options.as_test.stem.removeprefix("test_")) or "recorded_call"
        options.as_test.write_text(as_test(recording, name), encoding="utf-8")
        say(f"a test is in {options.as_test}")
    if found is None and not otherwise:
        told = sum(step.effects is not None for step in steps)
        say(
            f"the same: {told} inputs in {recording.rows[-1].at_ms / 1000:.1f} s had the effects that they had then"
        )
        return 0
    return 1


def _context(steps: list[Step], found: Difference) -> list[str]:
    around = steps[max(0, found.index - AROUND) : found.index + 1]
    lines = [
        "the core does something else than it did then:",
        *(
            f"  {clock(s.row.at_ms)}  row {s.row.seq}: {s.row.source} {s.row.event.get('type')}"
            for s in around
        ),
    ]
    extra = [f"    then and not now: {one}" for one in found.then if one not in found.now]
    extra += [f"    now and not then: {one}" for one in found.now if one not in found.then]
    order = [f"    in another order; then: {', '.join(found.then)}", f"    now: {', '.join(found.now)}"]
    return [*lines, *(extra or order)]
