"""How much of its replies a client has played that plays them itself, as far as a clock can tell. Pure.

The client's own word, `conversation.item.truncate`, is better and replaces what was reckoned. Without it, the caller
heard at most what was sent, and at most as much as time has passed since the item's first audio.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.call.inputs import ItemProgress

__all__ = ["Reckoning"]


@dataclass(slots=True)
class Relayed:
    response_id: str
    began: float
    sent_ms: int = 0
    complete: bool = False
    """No more audio of it will come."""


class Reckoning:
    def __init__(self) -> None:
        self._items: dict[str, Relayed] = {}

    def began(self, item_id: str, response_id: str, now: float) -> None:
        """The first audio of an item went out."""
        self._items.setdefault(item_id, Relayed(response_id, now))

    def sent(self, item_id: str, sent_ms: int) -> None:
        if item := self._items.get(item_id):
            item.sent_ms = max(item.sent_ms, sent_ms)

    def completed(self, item_id: str) -> None:
        if item := self._items.get(item_id):
            item.complete = True

    def over(self, response_id: str) -> list[str]:
        """A response is over: its items, which are complete now."""
        ended = [item_id for item_id, item in self._items.items() if item.response_id == response_id]
        for item_id in ended:
            self._items[item_id].complete = True
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
        heard_ms = min(round((now - item.began) * 1000), item.sent_ms)
        drained = item.complete and heard_ms >= item.sent_ms
        return ItemProgress(item_id, item.sent_ms, item.sent_ms, heard_ms, drained)
