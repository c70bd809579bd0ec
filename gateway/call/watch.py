"""What one call adds to the figures of the process, and to its own spans. Given the core's inputs and effects; decides
nothing. Pure."""

from __future__ import annotations

from gateway.call.effects import Note
from gateway.call.inputs import Played
from gateway.call.spans import CallSpans
from gateway.errors import Ending
from gateway.metrics.counts import Counts
from gateway.ports import Event, TurnTiming

__all__ = ["Watch"]

TURN = "parley_turn_seconds"


class Watch:
    """One call's. Nothing here is reached by a frame of audio, but for the look whether a first one is awaited."""

    def __init__(self, counts: Counts, leg: str, spans: CallSpans | None = None) -> None:
        """`leg`: its kind."""
        self._counts = counts
        self._spans = spans
        self._leg = leg
        self._began = False
        self._sounding: str | None = None
        """The item that plays, as far as is known."""
        self._first: tuple[str, str, float] | None = None
        """The provider, the item and the moment of a reply whose first frame went out and was not heard yet."""

    def began(self) -> None:
        self._began = True
        self._counts.call_started(self._leg)
        if self._spans is not None:
            self._spans.began()

    def ended(self, ending: Ending, now: float) -> None:
        if self._began:
            self._counts.call_ended(self._leg, str(ending))
            if self._spans is not None:
                self._spans.ended(ending, now)

    def answering(self, provider: str, model: str) -> None:
        """Who answers from now on."""
        if self._spans is not None:
            self._spans.answering(provider, model)

    def sent(self, event: Event, now: float) -> None:
        """To the model."""
        if self._spans is not None:
            self._spans.sent(event, now)

    def model(self, event: Event, now: float) -> None:
        """The model's; none that holds audio."""
        if self._spans is not None:
            self._spans.model(event, now)

    def audio(self, response_id: str, now: float) -> None:
        """The first audio of an item of this response came."""
        if self._spans is not None:
            self._spans.audio(response_id, now)

    def note(self, note: Note, provider: str) -> None:
        if self._spans is not None:
            self._spans.note(note)
        match note.what:
            case "bargein_ms":
                self._counts.observe("parley_bargein_seconds", note.value / 1000, self._leg)
            case "turns":
                self._counts.add("parley_turns", note.value, self._leg)
            case "interruptions":
                self._counts.add("parley_interruptions", note.value, self._leg)
            case "input_tokens":
                self._counts.add("parley_tokens", note.value, provider, "input")
            case "output_tokens":
                self._counts.add("parley_tokens", note.value, provider, "output")
            case _:
                pass

    def timed(self, timing: TurnTiming, provider: str, downlink_ms: int | None, now: float) -> None:
        """A reply's first frame went out. `downlink_ms`: how long it takes to be heard; None where the far end tells
        that later, if ever."""
        if self._spans is not None:
            self._spans.timed(timing)
        parts = (
            ("reply", timing.reply_ms),
            ("endpointing", timing.endpointing_ms),
            ("model", timing.model_ms),
            ("playout", timing.playout_ms),
            ("downlink", downlink_ms),
        )
        for part, ms in parts:
            if ms is not None:
                self._counts.observe(TURN, ms / 1000, part, self._leg, provider)
        if downlink_ms is None and self._sounding is not None:
            self._first = (provider, self._sounding, now)

    def played(self, progress: Played, now: float) -> None:
        """How far the audio is, by an ear at the far end. Told before the core is."""
        if progress.items:
            self._sounding = progress.items[-1].item_id
        if self._first is None:
            return
        provider, item_id, sent_at = self._first
        for item in progress.items:
            if item.item_id == item_id and item.heard_ms > 0:
                # By now so much of it was heard: it began that long ago.
                heard_at = now - item.heard_ms / 1000
                late = max(0.0, heard_at - sent_at)
                self._counts.observe(TURN, late, "downlink", self._leg, provider)
                self._first = None
