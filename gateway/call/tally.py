"""The figures of one call, for its canonical log line and its session."""

from __future__ import annotations

import logging
from collections import Counter

from gateway.call.effects import Charge, Note, Time
from gateway.errors import Ending
from gateway.ports import CallSummary, Event, TurnTiming

__all__ = ["KEPT_TIMINGS", "Tally", "log_ended", "log_remark"]

logger = logging.getLogger(__name__)

KEPT_TIMINGS = 500
"""Turns (and interruptions) whose timing is kept; a call that has more keeps its first."""


class Tally:
    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._timings: list[TurnTiming] = []
        self._bargein_ms: list[int] = []
        self.answered_by: str | None = None
        """See `CallSummary.answered_by`."""
        self._usd: dict[tuple[str, str], float | None] = {}
        """What each model cost so far."""

    def note(self, note: Note) -> None:
        if note.what == "bargein_ms":
            if len(self._bargein_ms) < KEPT_TIMINGS:
                self._bargein_ms.append(note.value)
        else:
            self._counts[note.what] += note.value

    def remark(self, remark: Event) -> None:
        if remark["type"] == "AnsweredBy":
            self.answered_by = remark["answeredBy"]

    def charge(self, charge: Charge) -> None:
        self._usd[charge.entry.provider, charge.entry.model] = charge.entry.usd

    def time(self, time: Time) -> None:
        if len(self._timings) < KEPT_TIMINGS:
            self._timings.append(time.timing)

    def summary(
        self, duration_ms: int, dropped_audio_ms: int, provider: str, leg: dict[str, float]
    ) -> CallSummary:
        return CallSummary(
            duration_ms=duration_ms,
            turns=self._counts["turns"],
            interruptions=self._counts["interruptions"],
            tool_calls=self._counts["tool_calls"],
            dropped_audio_ms=dropped_audio_ms,
            timings=tuple(self._timings),
            bargein_ms=tuple(self._bargein_ms),
            input_tokens=self._counts["input_tokens"],
            output_tokens=self._counts["output_tokens"],
            provider=provider,
            leg=leg,
            answered_by=self.answered_by,
            cost_usd=self._cost(),
        )

    def _cost(self) -> float | None:
        known = [usd for usd in self._usd.values() if usd is not None]
        return sum(known) if len(known) == len(self._usd) else None


def log_ended(call_id: str, persona_id: str, leg: str, ending: Ending, summary: CallSummary) -> None:
    """The one line that sums a call up. No speech, no numbers of people, no arguments."""
    replies = sorted(t.reply_ms for t in summary.timings)
    logger.info(
        "call ended call=%s persona=%s leg=%s provider=%s ending=%s duration_ms=%d turns=%d interruptions=%d "
        "tools=%d reply_p50_ms=%s dropped_audio_ms=%d tokens=%d/%d cost_usd=%s %s",
        call_id, persona_id, leg, summary.provider or "none", ending, summary.duration_ms, summary.turns,
        summary.interruptions, summary.tool_calls, replies[len(replies) // 2] if replies else "-",
        summary.dropped_audio_ms,
        summary.input_tokens, summary.output_tokens,
        "unknown" if summary.cost_usd is None else f"{summary.cost_usd:.6f}",
        " ".join(f"{k}={v:.3g}" for k, v in summary.leg.items()),
    )  # fmt: skip


def log_remark(remark: Event) -> None:
    """Say what an operator should know at once."""
    match remark:
        case {"type": "CostUnknown", "provider": provider, "model": model}:
            logger.warning(
                "no price is known for what %s of %s used: the call costs an unknown sum", model, provider
            )
        case {"type": "BudgetNearlySpent", "usd": usd, "budget_usd": budget}:
            logger.warning("the call has cost %.4f of the %.4f US dollars that it may", usd, budget)
        case {"type": "BudgetSpent", "usd": usd, "budget_usd": budget}:
            logger.warning(
                "the call has cost %.4f of the %.4f US dollars that it may, and ends", usd, budget
            )
        case _:
            pass
