"""How much of its replies a client has played that plays them itself, as far as a clock can tell. Pure.

The client's own word, `conversation.item.truncate`, is better and replaces what was reckoned. Without it, the caller
heard at most what was sent, and at most as much as time has passed since the item's first audio.

Where the provider plays the audio itself, to a telephone, it tells when that begins and ends, and nothing was sent
here: then the caller has heard as much as time has passed, of as much as the words may take.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.call.inputs import ItemProgress

__all__ = ["Reckoning"]

CHARACTER_MS = 65
"""What a character of English takes to say, as voices of models go: some 15 in a second."""


@dataclass(slots=True)
class Relayed:
    response_id: str
    began: float
    sent_ms: int = 0
    complete: bool = False
    """No more audio of it will come."""
    afar: bool = False
    """The provider plays it, and tells when it is over."""


class Reckoning:
    def __init__(self) -> None:
        self._items: dict[str, Relayed] = {}

    def began(self, item_id: str, response_id: str, now: float, *, afar: bool = False) -> None:
        """The first audio of an item went out."""
        self._items.setdefault(item_id, Relayed(response_id, now, afar=afar))

    def afar(self, item_id: str) -> bool:
        """Whether the provider plays it."""
        item = self._items.get(item_id)
        return item is not None and item.afar

    def worded(self, item_id: str, characters: int) -> None:
        """So much is to be spoken of an item that the provider plays."""
        item = self._items.get(item_id)
        if item is not None and item.afar and not item.complete:
            item.sent_ms = max(item.sent_ms, characters * CHARACTER_MS)

    def stopped(self, response_id: str, now: float) -> None:
        """The provider has played a response, or what it wanted of it."""
        for item in self._items.values():
            if item.afar and not item.complete and item.response_id == response_id:
                item.sent_ms, item.complete = round((now - item.began) * 1000), True

    def sent(self, item_id: str, sent_ms: int) -> None:
        if item := self._items.get(item_id):
            item.sent_ms = max(item.sent_ms, sent_ms)

    def completed(self, item_id: str) -> None:
        if item := self._items.get(item_id):
            item.complete |= not item.afar

    def over(self, response_id: str) -> list[str]:
        """A response is over: its items, which are complete now."""
        ended = [item_id for item_id, item in self._items.items() if item.response_id == response_id]
        for item_id in ended:
            self._items[item_id].complete |= not self._items[item_id].afar
        return ended

    def cut(self, item_id: str, audio_end_ms: int) -> None:
        """The client cut it off there: this is all there is of it now."""
        item = self._items[item_id]
        item.sent_ms, item.complete = audio_end_ms, True

    def sent_ms(self, item_id: str) -> int | None:
        """How much audio of an item the client has; None when it is no item with audio."""
        item = self._items.get(item_id)
        return None if item is None else item.sent_ms

    def of(self, item_id: str, now: float) -> ItemProgress:
        """How far an item is that has begun. Raises KeyError for another."""
        item = self._items[item_id]
        passed_ms = round((now - item.began) * 1000)
        if item.afar and not item.complete:
            total_ms = max(item.sent_ms, passed_ms)
            return ItemProgress(item_id, total_ms, total_ms, passed_ms, drained=False)
        heard_ms = min(passed_ms, item.sent_ms)
        drained = item.complete and heard_ms >= item.sent_ms
        return ItemProgress(item_id, item.sent_ms, item.sent_ms, heard_ms, drained)
