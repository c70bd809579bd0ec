"""How far a run is: a bar on a terminal, a line every five seconds elsewhere."""

from __future__ import annotations

import shutil
from typing import TextIO

from gateway.load.run import Run

__all__ = ["Progress"]

LINE_S = 5.0
BAR = 24


class Progress:
    """`out`: where; told twice a second."""

    def __init__(self, out: TextIO, *, quiet: bool) -> None:
        self._out = out
        self._quiet = quiet
        self._bar = out.isatty()
        self._last = float("-inf")
        self._drawn = False

    def show(self, run: Run) -> None:
        if self._quiet:
            return
        seconds = run.now - run.began
        turns = [turn for call in run.calls for turn in call.talk.turns]
        waits = sorted(ms for turn in turns if (ms := turn.first_audio_ms) is not None)
        told = f"{run.up}/{run.plan.calls} calls up"
        if run.failed:
            told += f", {run.failed} failed"
        told += f", {len(waits)} replies"
        if waits:
            told += f", median {waits[len(waits) // 2]:.0f} ms"
        if run.told:
            told += f"; {run.told}"
        if self._bar:
            done = min(1.0, seconds / run.plan.duration_s)
            bar = "█" * round(BAR * done) + "░" * (BAR - round(BAR * done))
            width = shutil.get_terminal_size().columns - 1
            self._out.write(f"\r\x1b[K{f'{bar} {seconds:4.0f} s  {told}'[:width]}")
            self._drawn = True
        elif seconds - self._last >= LINE_S:
            self._last = seconds
            self._out.write(f"{seconds:5.0f} s  {told}\n")
        self._out.flush()

    def close(self) -> None:
        """The report begins on a line of its own."""
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._out.flush()
