"""Which responses run, and which are owed without having been asked for. Pure."""

from __future__ import annotations

from typing import Any

from gateway.continuity.parts import Reply
from gateway.ports import Event

__all__ = ["Replies"]


class Replies:
    """Responses by id, as the call knows them. At most one of them is in the conversation."""

    def __init__(self) -> None:
        self._running: dict[str, Reply] = {}
        self.owed = False
        """A turn was taken that the provider answers by itself, and the answer has not begun."""
        self.bridged = False
        """The bridging phrase was said, and no reply has come to its end since: once is enough."""
        self.unfinished: str | None = None
        """The message that the caller heard the beginning of, when its provider was lost."""

    @property
    def running(self) -> list[Reply]:
        return list(self._running.values())

    @property
    def active(self) -> Reply | None:
        """The response in the conversation."""
        return next((reply for reply in self._running.values() if not reply.beside), None)

    def find(self, response_id: str | None) -> Reply | None:
        return None if response_id is None else self._running.get(response_id)

    def began(self, response: dict[str, Any], wishes: int) -> Reply:
        """`wishes`: how much the call had asked for by then."""
        reply = Reply(response["id"], response, wishes)
        self._running[reply.id] = reply
        if not reply.beside:
            self.owed = False
        return reply

    def tell(self, event: Event) -> None:
        """The call is told this."""
        response_id = event.get("response_id")
        if response_id is not None:
            reply = self._running.get(response_id)
            if reply is not None:
                reply.tell(event)
        elif event["type"].startswith("conversation.item."):
            for reply in self._running.values():
                reply.tell(event)

    def over(self, response_id: str) -> Reply | None:
        """The call is told that it is done."""
        return self._running.pop(response_id, None)

    def cancel(self, response_id: str | None) -> None:
        """The call wants this one no more; None: the one in the conversation."""
        reply = self.active if response_id is None else self.find(response_id)
        if reply is not None:
            reply.cancelled = True
