"""The figures of one call, for its canonical log line and its session."""

from __future__ import annotations

from collections import Counter

from gateway.call.effects import Note, Time
from gateway.ports import CallSummary, TurnTiming

__all__ = ["KEPT_TIMINGS", "Tally"]

KEPT_TIMINGS = 500
"""Turns (and interruptions) whose timing is kept; a call that has more keeps its first."""


class Tally:
    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._timings: list[TurnTiming] = []
        self._bargein_ms: list[int] = []
        self.dropped_audio_ms = 0

    def note(self, note: Note) -> None:
        if note.what == "bargein_ms":
            if len(self._bargein_ms) < KEPT_TIMINGS:
                self._bargein_ms.append(note.value)
        else:
            self._counts[note.what] += note.value

    def time(self, time: Time) -> None:
        if len(self._timings) < KEPT_TIMINGS:
            self._timings.append(time.timing)

    def summary(self, duration_ms: int, provider: str, leg: dict[str, float]) -> CallSummary:
        return CallSummary(
            duration_ms=duration_ms,
            turns=self._counts["turns"],
            interruptions=self._counts["interruptions"],
            tool_calls=self._counts["tool_calls"],
            dropped_audio_ms=self.dropped_audio_ms,
            timings=tuple(self._timings),
            bargein_ms=tuple(self._bargein_ms),
            input_tokens=self._counts["input_tokens"],
            output_tokens=self._counts["output_tokens"],
            provider=provider,
            leg=leg,
        )
