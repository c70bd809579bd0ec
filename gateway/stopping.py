"""What SIGINT and SIGTERM ask for: the first, to stop when the calls are over; any other, to stop now."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

__all__ = ["Stopping"]


class Stopping:
    """Counts from the beginning, so that what is asked while something else is done (imports, say) is not lost."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        """To stop."""
        self._hurried = False
        self._now: Callable[[], None] | None = None

    @classmethod
    def by_signals(cls) -> Stopping:
        """What this process is sent from now on."""
        one, loop = cls(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, one.ask)
        return one

    def ask(self) -> None:
        """Once more."""
        if self.asked.is_set():
            self.hurry()
        self.asked.set()

    def hurry(self) -> None:
        """To stop now, asked before or not."""
        self._hurried = True
        self.asked.set()
        if self._now is not None:
            self._now()

    def at_once(self, act: Callable[[], None]) -> None:
        """`act` is how to stop now: called when that is asked for, at once if it was."""
        self._now = act
        if self._hurried:
            act()
