"""The inputs of the core, written down in order with what came of them: what makes a recorded call replayable.

The first row tells how the call began (`beginning`). A row with `effects` names what the core wanted done
(`shorthand`). One without had none, or came from the model and went on to the client as it was. `passed` is what the
core was told before without any effect. Times are those that the core was told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, is_dataclass
from dataclasses import fields as fields_of
from typing import Any, Literal

from gateway.call.effects import Effect
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
    SuccessorAsked,
    ToneEnded,
    ToneStarted,
    ToolDecided,
    ToolFinished,
    TransferAnswered,
    TransferAsked,
)
from gateway.call.shorthand import passes, shorthand
from gateway.errors import ENDINGS, Ending
from gateway.ports import JournalEntry, Store
from gateway.realtime.items import without_audio
from personas.persona import Persona

__all__ = ["UNUSED", "Journal", "passed", "plain", "restored"]

Source = Literal["leg", "model", "tool", "tick", "call"]


CLIENT_CHARS = 1_000_000
"""Characters of a client's messages that are kept per call; of the ones after that only the size."""

AUDIO = re.compile(r'("audio"\s*:\s*")[^"]*"')
"""Where a client's message holds audio, which is never written down."""
NO_AUDIO = r'\1AAAA"'
"""Stands for it: one sample and a half."""


MOST_PASSED = 200
"""Silent inputs that are kept for the next row: ten seconds of a call in which nothing else happens."""

Passed = int | list[Any]
"""A tick, by its time; or the playout's totals: time, speech_ms, then id, queued_ms, sent_ms, heard_ms and drained of
each item, with an empty id for the same as in the totals before."""


class Journal:
    """Writes the entries of one call to the store.

    Ticks and the playout's totals are told to the core many times a second, mostly without effect. Those have no rows:
    the next row has them beside it, a few numbers each.
    """

    def __init__(self, store: Store, call_id: str) -> None:
        self._store = store
        self._call_id = call_id
        self._seq = 0
        self._client_chars = 0
        self._passed: list[Passed] = []
        self._items: tuple[str, ...] = ()
        """Ids of the latest totals in `_passed`."""

    def model(self, at_ms: int, event: dict[str, Any], effects: Sequence[Effect] | None) -> None:
        """`effects`: what the core wants done of it; None when it broke."""
        kept = event
        if event["type"] == "conversation.item.retrieved":
            kept = {**event, "item": without_audio(event["item"])}
        if effects is not None and not passes(event, effects):
            kept = {**kept, "effects": shorthand(effects)}
        self._write(at_ms, "model", kept)

    def leg(self, at_ms: int, event: object, effects: Sequence[Effect]) -> None:
        if isinstance(event, Played) and not effects:
            self._pass(at_ms, self._totals(at_ms, event))
        else:
            self._write(at_ms, "leg", _done(self._client(event) or plain(event), effects))

    def tool(self, at_ms: int, event: object, effects: Sequence[Effect]) -> None:
        self._write(at_ms, "tool", _done(plain(event), effects))

    def tick(self, at_ms: int, effects: Sequence[Effect]) -> None:
        if effects:
            self._write(at_ms, "tick", _done({"type": "Tick"}, effects))
        else:
            self._pass(at_ms, at_ms)

    def call(self, at_ms: int, event: dict[str, Any]) -> None:
        """A fact about the call itself: how it began, who answers, how it ended."""
        self._write(at_ms, "call", event)

    def _pass(self, at_ms: int, told: Passed) -> None:
        self._passed.append(told)
        if len(self._passed) >= MOST_PASSED:
            self._write(at_ms, "call", {"type": "Passed"})

    def _totals(self, at_ms: int, played: Played) -> list[Any]:
        told: list[Any] = [at_ms, played.speech_ms]
        ids = tuple([item.item_id for item in played.items])
        same = ids == self._items
        self._items = ids
        for item in played.items:
            told += (
                "" if same else item.item_id, item.queued_ms, item.sent_ms, item.heard_ms, int(item.drained),
            )  # fmt: skip
        return told

    def _client(self, event: object) -> dict[str, Any] | None:
        """What is kept of a client's message; None: all of it, or it is none."""
        if not isinstance(event, ClientSent):
            return None
        self._client_chars += len(event.message)
        told = {"type": "ClientSent", "size": len(event.message), "origin": event.origin}
        if self._client_chars > CLIENT_CHARS:
            return told
        if AUDIO.search(event.message) is None:
            return None
        return told | {"message": AUDIO.sub(NO_AUDIO, event.message)}

    def _write(self, at_ms: int, source: Source, event: dict[str, Any]) -> None:
        self._seq += 1
        if self._passed:
            event = {**event, "passed": self._passed}
            self._passed = []
            self._items = ()
        self._store.record(JournalEntry(self._call_id, self._seq, at_ms, source, event))


def _done(event: dict[str, Any], effects: Sequence[Effect]) -> dict[str, Any]:
    if effects:
        event["effects"] = shorthand(effects)
    return event


def plain(event: object) -> dict[str, Any]:
    """An input as JSON: its class name and its fields."""
    if isinstance(event, Played):
        # The one that is written many times a second: `asdict` would copy it deeply.
        items = tuple({name: getattr(item, name) for name in ITEM} for item in event.items)
        return {"type": "Played", "items": items, "speech_ms": event.speech_ms}
    if isinstance(event, SuccessorAsked):
        told = event.persona.model_dump(mode="json", exclude=UNUSED)
        return {"type": "SuccessorAsked", "persona": told, "tools": list(event.tools)}
    fields: dict[str, Any] = {}
    if is_dataclass(event) and not isinstance(event, type):
        fields = {k: str(v) if isinstance(v, Ending) else v for k, v in asdict(event).items()}
        ending = getattr(event, "ending", None)
        if isinstance(ending, Ending):
            fields["ending"] = str(ending)
    return {"type": type(event).__name__, **fields}


UNUSED = {"dialogue", "hear"}
"""Of a persona: what only providers read. It is most of it."""

ITEM = tuple(field.name for field in fields_of(ItemProgress))

INPUTS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        AudioBegan, AudioCame, ChannelOpened, ClientSent, Connected, DigitPressed, HandOverAsked, HangUpAsked,
        HoldAsked, Joined, Lost, MachineVerdict, Played, SidebandJoined, SpeechEnded, SpeechStarted,
        SuccessorAsked, ToneEnded, ToneStarted, ToolDecided, ToolFinished, TransferAnswered, TransferAsked,
    )
}  # fmt: skip


def passed(told: Sequence[Passed]) -> Iterator[tuple[int, Played | None]]:
    """What stands in `passed`, in order: when, and the totals; None is a tick."""
    ids: list[str] = []
    for one in told:
        if isinstance(one, int):
            yield one, None
            continue
        at_ms, speech_ms, *figures = one
        ids = [name or ids[number] for number, name in enumerate(figures[::5])]
        counts = zip(ids, figures[1::5], figures[2::5], figures[3::5], figures[4::5], strict=True)
        items = tuple(
            ItemProgress(name, queued, sent, heard, bool(drained))
            for name, queued, sent, heard, drained in counts
        )
        yield at_ms, Played(items, speech_ms)


def restored(event: dict[str, Any]) -> Any:
    """The input that `plain` wrote down. Raises KeyError for what is none."""
    fields = dict(event)
    kind = INPUTS[fields.pop("type")]
    if kind is Played:
        fields["items"] = tuple(ItemProgress(**item) for item in fields["items"])
    if kind is SuccessorAsked:
        fields = {"persona": Persona.model_validate(fields["persona"]), "tools": tuple(fields["tools"])}
    if kind is Lost:
        fields["ending"] = next(ending for ending in ENDINGS if str(ending) == fields["ending"])
    return kind(**fields)
