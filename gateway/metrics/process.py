"""What this process takes of the machine (`proc(5)`, Linux). Reads the disk's `/proc`, so never on the loop."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

from gateway.metrics.snapshot import Snapshot

__all__ = ["process_figures"]


def process_figures() -> Snapshot:
    """Processor time, memory, open files; where there is no `/proc`, the first alone."""
    taken = Snapshot()
    used = resource.getrusage(resource.RUSAGE_SELF)
    taken.set("process_cpu_seconds", used.ru_utime + used.ru_stime)
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        taken.set("process_resident_memory_bytes", pages * os.sysconf("SC_PAGE_SIZE"))
        taken.set("process_open_fds", len(os.listdir("/proc/self/fd")))
    return taken
