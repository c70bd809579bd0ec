"""Keys that nobody may read later: what the caller pressed while the recording was paused is not stored.

The model gets them, for it has to do something with them; so they come back in its events, in the arguments of
tools and perhaps in what it says. Whatever is written down of the call goes through here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from gateway.errors import Ending
from gateway.ports import (
    CallRecord,
    CallSummary,
    JournalEntry,
    Store,
    ToolExecution,
    TranscriptEntry,
    UsageEntry,
)
from personas.keys import PRESSED, typed

__all__ = ["HIDDEN", "Veil"]

HIDDEN = "x"
"""Stands for a digit."""
RUN = re.compile(r"\d(?:[ -]?\d){2,}")
"""Three digits or more, written one by one, in groups or together. Fewer tell nothing and are everywhere."""
DIGIT = re.compile(r"\d")


class Veil:
    """The store as one call sees it (`gateway.ports.Store`)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pressed: list[str] = []
        """One entry per pause."""
        self.down = False

    def lower(self, down: bool) -> None:
        """While it is down the digits of the keys are hidden, from then on for the whole call."""
        if down and not self.down:
            self._pressed.append("")
        self.down = down

    def pressed(self, digit: str) -> None:
        if self.down and digit.isdigit():
            self._pressed[-1] += digit

    # ── the store ──

    async def begin_call(self, call: CallRecord) -> None:
        await self._store.begin_call(call)

    def record(self, entry: JournalEntry) -> None:
        if any(self._pressed) or self.down:
            entry = replace(entry, event=self._event(entry.event))
        self._store.record(entry)

    def transcript(self, entry: TranscriptEntry) -> None:
        if any(self._pressed):
            entry = replace(entry, text=self._text(entry.text), unheard=self._text(entry.unheard))
        self._store.transcript(entry)

    def tool_execution(self, execution: ToolExecution) -> None:
        if any(self._pressed):
            execution = replace(
                execution, arguments=self._text(execution.arguments), output=self._text(execution.output)
            )
        self._store.tool_execution(execution)

    def usage(self, entry: UsageEntry) -> None:
        self._store.usage(entry)

    async def end_call(self, call_id: str, ending: Ending, summary: CallSummary) -> None:
        await self._store.end_call(call_id, ending, summary)

    async def flush(self) -> None:
        await self._store.flush()

    # ── hiding ──

    def _event(self, event: dict[str, Any]) -> dict[str, Any]:
        if self.down and event.get("type") == "DigitPressed":
            return {**event, "digit": DIGIT.sub(HIDDEN, event["digit"])}
        hidden: dict[str, Any] = self._value(event)
        if isinstance(delta := event.get("delta"), str):
            # Digits may come one in each.
            hidden["delta"] = DIGIT.sub(HIDDEN, delta)
        return hidden

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self._text(value)
            case dict():
                return {key: self._value(one) for key, one in value.items()}
            case list():
                return [self._value(one) for one in value]
            case _:
                return value

    def _text(self, text: str) -> str:
        keys = typed(text) if text.startswith(PRESSED) else None
        if keys is not None:
            return DIGIT.sub(HIDDEN, text) if self._is_pressed(keys) else text
        return RUN.sub(lambda run: DIGIT.sub(HIDDEN, run[0]) if self._is_pressed(run[0]) else run[0], text)

    def _is_pressed(self, text: str) -> bool:
        digits = "".join(DIGIT.findall(text))
        return bool(digits) and any(digits in pressed for pressed in self._pressed)
