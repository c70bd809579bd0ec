"""What is being played: how far each open item is, and what the client was told of it. Pure."""

from __future__ import annotations

from gateway.call.effects import Effect, ToLeg
from gateway.call.front import Front
from gateway.call.inputs import ItemProgress
from gateway.call.scribe import Scribe

__all__ = ["Playing"]


class Playing:
    """Follows the playout's totals. `output_audio_buffer.started` has its `.stopped` or `.cleared`, always."""

    def __init__(self, scribe: Scribe, front: Front) -> None:
        self._scribe = scribe
        self._front = front
        self._progress: dict[str, ItemProgress] = {}
        self._sounding: str | None = None
        """Response whose start was told, and no stop yet."""

    def update(self, item: ItemProgress) -> None:
        self._progress[item.item_id] = item

    def forget(self, item_id: str) -> None:
        self._progress.pop(item_id, None)

    def of(self, item_id: str) -> ItemProgress:
        """How far this item is; nothing yet when the playout has not told."""
        return self._progress.get(item_id) or ItemProgress(item_id, 0, 0, 0, drained=False)

    def audible(self) -> bool:
        """Whether the caller has heard something of a reply that is not over."""
        return any(self.of(item_id).sent_ms > 0 for item_id in self._scribe.open_items())

    def heard_ms(self) -> int:
        """How much of the open items was heard."""
        return sum(self.of(item_id).heard_ms for item_id in self._scribe.open_items())

    def left_ms(self) -> int:
        """How much of the open items is still to be played, as far as it was made."""
        open_items = (self.of(item_id) for item_id in self._scribe.open_items())
        return sum(item.queued_ms - item.sent_ms for item in open_items)

    def starts(self, response_id: str) -> list[Effect]:
        """Audio of this response goes out."""
        if self._sounding == response_id:
            return []
        effects = self.stops()
        self._sounding = response_id
        return [*effects, self._tell("output_audio_buffer.started", response_id)]

    def stops(self) -> list[Effect]:
        """All of it was heard."""
        return self._over("output_audio_buffer.stopped")

    def cleared(self) -> list[Effect]:
        """The rest was dropped."""
        return self._over("output_audio_buffer.cleared")

    def _over(self, kind: str) -> list[Effect]:
        if self._sounding is None:
            return []
        response_id, self._sounding = self._sounding, None
        return [self._tell(kind, response_id)]

    def _tell(self, kind: str, response_id: str) -> Effect:
        return ToLeg(self._front.event(kind, response_id=response_id))
