"""The inputs of the core, written down in order: what makes a recorded call replayable."""

from __future__ import annotations

import re
from dataclasses import asdict, is_dataclass
from dataclasses import fields as fields_of
from typing import Any, Literal

from gateway.call.inputs import (
    AudioBegan,
    AudioCame,
    ChannelOpened,
    ClientSent,
    Connected,
    DigitPressed,
    HandOverAsked,
    HangUpAsked,
    HoldAsked,
    ItemProgress,
    Joined,
    Lost,
    MachineVerdict,
    Played,
    SidebandJoined,
    SpeechEnded,
    SpeechStarted,
    ToneEnded,
    ToneStarted,
    ToolFinished,
    TransferAnswered,
    TransferAsked,
)
from gateway.errors import ENDINGS, Ending
from gateway.ports import JournalEntry, Store
from gateway.realtime.items import without_audio

__all__ = ["Journal", "plain", "restored"]

Source = Literal["leg", "model", "tool", "tick", "call"]


CLIENT_CHARS = 1_000_000
"""Characters of a client's messages that are kept per call; of the ones after that only the size."""

AUDIO = re.compile(r'"audio"\s*:\s*"')
"""Where a client's message holds audio, which is never written down."""


class Journal:
    """Writes the entries of one call to the store.

    The playout's totals are told to the core many times a second and only replace each other, so they are written
    when they had an effect, or before the next input that is written; ticks are written when they had an effect.
    """

    def __init__(self, store: Store, call_id: str) -> None:
        self._store = store
        self._call_id = call_id
        self._seq = 0
        self._client_chars = 0
        self._totals: tuple[int, Played] | None = None

    def model(self, at_ms: int, event: dict[str, Any]) -> None:
        self._flush_totals()
        if event["type"] == "conversation.item.retrieved":
            event = {**event, "item": without_audio(event["item"])}
        self._write(at_ms, "model", event)

    def leg(self, at_ms: int, event: object, *, effective: bool) -> None:
        if isinstance(event, ClientSent):
            self._client_chars += len(event.message)
            if self._client_chars > CLIENT_CHARS or AUDIO.search(event.message):
                self._flush_totals()
                size = {"type": "ClientSent", "size": len(event.message), "origin": event.origin}
                self._write(at_ms, "leg", size)
                return
        if isinstance(event, Played):
            self._totals = (at_ms, event)
            if not effective:
                return
        self._flush_totals()
        if not isinstance(event, Played):
            self._write(at_ms, "leg", plain(event))

    def tool(self, at_ms: int, event: object) -> None:
        self._flush_totals()
        self._write(at_ms, "tool", plain(event))

    def tick(self, at_ms: int) -> None:
        self._flush_totals()
        self._write(at_ms, "tick", {"type": "Tick"})

    def call(self, at_ms: int, event: dict[str, Any]) -> None:
        """A fact about the call itself: how it began, how it ended."""
        self._write(at_ms, "call", event)

    def _flush_totals(self) -> None:
        if self._totals is not None:
            at_ms, played = self._totals
            self._totals = None
            self._write(at_ms, "leg", plain(played))

    def _write(self, at_ms: int, source: Source, event: dict[str, Any]) -> None:
        self._seq += 1
        self._store.record(JournalEntry(self._call_id, self._seq, at_ms, source, event))


def plain(event: object) -> dict[str, Any]:
    """An input as JSON: its class name and its fields."""
    if isinstance(event, Played):
        # The one that is written many times a second: `asdict` would copy it deeply.
        items = tuple({name: getattr(item, name) for name in ITEM} for item in event.items)
        return {"type": "Played", "items": items, "speech_ms": event.speech_ms}
    fields: dict[str, Any] = {}
    if is_dataclass(event) and not isinstance(event, type):
        fields = {k: str(v) if isinstance(v, Ending) else v for k, v in asdict(event).items()}
        ending = getattr(event, "ending", None)
        if isinstance(ending, Ending):
            fields["ending"] = str(ending)
    return {"type": type(event).__name__, **fields}


ITEM = tuple(field.name for field in fields_of(ItemProgress))

INPUTS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        AudioBegan, AudioCame, ChannelOpened, ClientSent, Connected, DigitPressed, HandOverAsked, HangUpAsked,
        HoldAsked, Joined, Lost, MachineVerdict, Played, SidebandJoined, SpeechEnded, SpeechStarted, ToneEnded,
        ToneStarted, ToolFinished, TransferAnswered, TransferAsked,
    )
}  # fmt: skip


def restored(event: dict[str, Any]) -> Any:
    """The input that `plain` wrote down. Raises KeyError for what is none."""
    fields = dict(event)
    kind = INPUTS[fields.pop("type")]
    if kind is Played:
        fields["items"] = tuple(ItemProgress(**item) for item in fields["items"])
    if kind is Lost:
        fields["ending"] = next(ending for ending in ENDINGS if str(ending) == fields["ending"])
    return kind(**fields)
