"""Provider events with the ids that the call knows. Pure."""

from __future__ import annotations

from typing import Any

from gateway.continuity.ids import Ids
from gateway.ports import Event

__all__ = ["Translation"]


class Translation:
    """An event without a foreign id is passed as it is, uncopied: that is nearly all of them."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def translated(self, event: Event) -> Event:
        """All but `previous_item_id`, which depends on what the call was told of the conversation."""
        ids = self._ids
        changes: dict[str, Any] = {}
        for key, table in (("item_id", ids.items), ("response_id", ids.responses), ("call_id", ids.calls)):
            theirs = event.get(key)
            if theirs and (ours := table.inward(theirs)) != theirs:
                changes[key] = ours
        item = event.get("item")
        if item is not None and (known := self._item(item)) is not item:
            changes["item"] = known
        response = event.get("response")
        if response is not None and (known := self._response(response)) is not response:
            changes["response"] = known
        return {**event, **changes} if changes else event

    def _item(self, item: dict[str, Any]) -> dict[str, Any]:
        changes = {}
        for key, table in (("id", self._ids.items), ("call_id", self._ids.calls)):
            theirs = item.get(key)
            if theirs and (ours := table.inward(theirs)) != theirs:
                changes[key] = ours
        return {**item, **changes} if changes else item

    def _response(self, response: dict[str, Any]) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        ours = self._ids.responses.inward(response["id"])
        if ours != response["id"]:
            changes["id"] = ours
        output = response.get("output") or []
        known = [self._item(item) for item in output]
        if any(new is not old for new, old in zip(known, output, strict=True)):
            changes["output"] = known
        return {**response, **changes} if changes else response
