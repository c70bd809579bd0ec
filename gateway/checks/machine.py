"""The machine: Python, cores, memory, files, clock."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from pathlib import Path

from gateway.checks.finding import Finding, fault, ok, warning
from gateway.config import Settings
from gateway.files import allowed
from media import native

__all__ = ["check_clock", "check_files", "check_memory", "check_native", "check_python"]

BASE_MB = 200
WORKER_MB = 150
"""Of one process that recognises or speaks, with its language models."""
CALL_MB = 4
FILES_PER_CALL = 8
CLOCK_TOLERANCE_S = 0.05


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    text = ".".join(map(str, version))
    if version < (3, 11):
        return fault("python", f"Python {text}", "Parley needs Python 3.11 or newer")
    return ok("python", f"Python {text}")


def check_native(missing: list[str] | None = None, stale: list[str] | None = None) -> Finding:
    """What was compiled. Without it everything works, at a higher cost."""
    missing = native.missing() if missing is None else missing
    if missing:
        seen = f"not compiled: {', '.join(missing)}; a call costs more of the processor"
        return warning("native code", seen, native.TO_MEND)
    stale = native.stale() if stale is None else stale
    if stale:
        seen = f"compiled before the last update, so not used: {', '.join(stale)}"
        return warning("native code", seen, native.TO_RENEW)
    return ok("native code", f"compiled: {', '.join(native.MODULES)}")


def check_memory(settings: Settings, meminfo: Path = Path("/proc/meminfo")) -> list[Finding]:
    """Cores, and free memory against what these settings need when full."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = [ok("cores", f"{cores} usable")]
    if cores < 2:
        found = [warning("cores", "only 1 usable", "speech recognition will delay audio; give it two")]
    processes = settings.worker_count
    if processes > max(1, cores):
        mend = "lower PARLEY_WORKERS, or set it to auto"
        found.append(warning("workers", f"{processes} on {cores} cores", mend))
    elif processes > 1:
        found.append(ok("workers", f"{processes} processes carry calls"))
    speech = max(processes, settings.ears_workers) + max(processes, settings.voice_workers)
    workers = speech if "embedded" in settings.provider_order else 0
    need_mb = BASE_MB * processes + WORKER_MB * workers + CALL_MB * settings.max_calls
    free_mb = _available_mb(meminfo)
    if free_mb is None:
        return found
    seen = f"{free_mb} MiB free, up to {need_mb} needed with {settings.max_calls} calls"
    if free_mb < need_mb:
        mend = "lower PARLEY_MAX_CALLS or PARLEY_EARS_WORKERS, or free memory"
        return [*found, warning("memory", seen, mend)]
    return [*found, ok("memory", seen)]


def _available_mb(meminfo: Path) -> int | None:
    """None where the system does not tell."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:")), None)


def check_files(settings: Settings, limit: int | None = None) -> Finding:
    """Sockets are files, and a process may have only so many."""
    limit = allowed(*resource.getrlimit(resource.RLIMIT_NOFILE)) if limit is None else limit
    need = 200 + FILES_PER_CALL * settings.max_calls
    if 0 <= limit < need:
        return warning(
            "open files", f"limit {limit}, up to {need} needed", f"raise it: ulimit -Hn {need * 2}"
        )
    return ok("open files", "no limit" if limit < 0 else f"limit {limit}")


async def check_clock() -> Finding:
    """Tokens carry wall-clock times: the wall clock must be plausible and run evenly."""
    if time.time() < 1_700_000_000:
        return fault("clock", "the system's date lies in the past", "set the clock, e.g. with NTP")
    wall, steady = time.time(), time.monotonic()
    await asyncio.sleep(0.2)
    drift = abs((time.time() - wall) - (time.monotonic() - steady))
    if drift > CLOCK_TOLERANCE_S:
        return warning(
            "clock", f"stepped by {drift:.2f} s while watched", "look at what sets the clock (NTP)"
        )
    return ok("clock", "runs evenly")
