"""CPU and memory of a process and its children, from Linux's /proc (proc_pid_stat(5), proc_pid_status(5))."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["NoProcess", "usage"]

PROC = Path("/proc")
PARENT, USER, SYSTEM, RESIDENT = 1, 11, 12, 21
"""Fields of `stat`, counted from the state that follows the name."""


class NoProcess(Exception):
    """There is none of that number, or no /proc to look it up in."""


def usage(pid: int) -> tuple[float, float]:
    """(seconds of CPU, MiB resident) of `pid` and all that it started. Raises NoProcess."""
    stats: dict[int, list[str]] = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text()
        except OSError:
            continue  # it ended meanwhile
        stats[int(folder.name)] = text.rpartition(")")[2].split()
    if pid not in stats:
        raise NoProcess(f"--pid {pid}: there is no such process")
    family = {pid}
    while more := {one for one, stat in stats.items() if int(stat[PARENT]) in family} - family:
        family |= more
    ticks = sum(int(stats[one][USER]) + int(stats[one][SYSTEM]) for one in family)
    pages = sum(int(stats[one][RESIDENT]) for one in family)
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20
