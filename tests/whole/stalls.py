"""How long the machine itself kept everybody waiting: what a measurement of time has to allow for."""

from __future__ import annotations

import threading
import time
from types import TracebackType

__all__ = ["Stalls"]

STEP_S = 0.005


class Stalls:
    """A thread that sleeps and looks how late it wakes up. Where it is late the others of its process are, and, on a
    machine with few cores, those of other processes."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        """The latest that it was, in seconds."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stalls", daemon=True)

    def __enter__(self) -> Stalls:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        due = time.monotonic() + STEP_S
        while not self._over.wait(STEP_S):
            now = time.monotonic()
            self.worst_s = max(self.worst_s, now - due)
            due = now + STEP_S
