"""The conversation: an ordered list of items, bounded, with the right previous ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from gateway.realtime.fault import ProtocolFault

__all__ = ["MAX_BYTES", "MAX_ITEMS", "ItemList", "without_audio"]

Item = dict[str, Any]

MAX_ITEMS = 4096
"""Items in one conversation. A full one refuses the next item; deleting makes room."""

MAX_BYTES = 32 * 1024 * 1024
"""JSON of all items together; a conversation above it refuses the next item."""


def without_audio(item: Item) -> Item:
    """The item without the bytes of its audio; its words stay."""
    parts = item.get("content")
    if not parts or not any(part.get("audio") for part in parts):
        return item
    kept = [{key: value for key, value in part.items() if key != "audio"} for part in parts]
    return {**item, "content": kept}


class ItemList:
    """Items by id, in order. The dicts it holds are the items themselves: what is changed in one shows."""

    def __init__(self) -> None:
        self._order: list[str] = []
        self._items: dict[str, Item] = {}
        self._weight: dict[str, int] = {}
        self._bytes = 0

    def __iter__(self) -> Iterator[Item]:
        return iter([self._items[item_id] for item_id in self._order])

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._items

    @property
    def last_id(self) -> str | None:
        """Id of the newest item; None while there is none."""
        return self._order[-1] if self._order else None

    def find(self, item_id: str) -> Item | None:
        return self._items.get(item_id)

    def previous_id(self, item_id: str) -> str | None:
        """The id before this one; None for the first. Raises KeyError when the item is unknown."""
        self._items[item_id]
        place = self._order.index(item_id)
        return self._order[place - 1] if place else None

    def insert(self, item: Item, previous_item_id: str | None = None) -> str | None:
        """Put an item, which has an `id`, after `previous_item_id`: None appends, `root` begins. Returns the id
        that now comes before it, or None. Raises ProtocolFault and changes nothing when the id is taken, the
        previous one unknown, the output's call unknown, or the conversation full."""
        item_id = item["id"]
        if item_id in self._items:
            raise ProtocolFault("invalid_value", f"An item with id '{item_id}' exists already.", "item.id")
        weight = len(orjson.dumps(item))
        if len(self._order) >= MAX_ITEMS or self._bytes + weight > MAX_BYTES:
            raise ProtocolFault(
                "conversation_full", "The conversation holds no more items; delete some first."
            )
        if item["type"] == "function_call_output" and not self._has_call(item["call_id"]):
            told = f"Tool call ID '{item['call_id']}' not found in conversation."
            raise ProtocolFault("invalid_tool_call_id", told, "item.call_id")
        place = self._place(previous_item_id)
        self._order.insert(place, item_id)
        self._items[item_id] = item
        self._weight[item_id] = weight
        self._bytes += weight
        return self._order[place - 1] if place else None

    def retrieve(self, item_id: str) -> Item:
        """Raises ProtocolFault `item_retrieve_invalid_item_id`."""
        return self._known(item_id, "retrieve")

    def delete(self, item_id: str) -> Item:
        """Raises ProtocolFault `item_delete_invalid_item_id`."""
        item = self._known(item_id, "delete")
        self._order.remove(item_id)
        del self._items[item_id]
        self._bytes -= self._weight.pop(item_id)
        return item

    def truncatable(
        self, item_id: str, content_index: int, audio_end_ms: int, audio_ms: int | None
    ) -> Item:
        """The item that `conversation.item.truncate` names. `audio_ms` is the length of its model audio; None
        when it has none. Raises ProtocolFault when it is unknown, has none, or is shorter than `audio_end_ms`."""
        item = self._known(item_id, "truncate")
        if audio_ms is None:
            told = "Only model output audio messages can be truncated."
            raise ProtocolFault("unsupported_content_type", told, "item_id")
        if content_index != 0:
            told = f"Item '{item_id}' has no audio at content index {content_index}."
            raise ProtocolFault("invalid_value", told, "content_index")
        if audio_end_ms > audio_ms:
            told = f"Audio content of {audio_ms}ms is already shorter than {audio_end_ms}ms."
            raise ProtocolFault("invalid_value", told, "audio_end_ms")
        return item

    def _known(self, item_id: str, verb: str) -> Item:
        item = self._items.get(item_id)
        if item is None:
            code = f"item_{verb}_invalid_item_id"
            raise ProtocolFault(code, f"Item with item_id '{item_id}' not found.", "item_id")
        return item

    def _has_call(self, call_id: str) -> bool:
        return any(
            i["type"] == "function_call" and i.get("call_id") == call_id for i in self._items.values()
        )

    def _place(self, previous_item_id: str | None) -> int:
        if previous_item_id is None:
            return len(self._order)
        if previous_item_id == "root":
            return 0
        if previous_item_id not in self._items:
            told = f"Previous item with id '{previous_item_id}' not found."
            raise ProtocolFault("invalid_value", told, "previous_item_id")
        return self._order.index(previous_item_id) + 1
