"""The audio of a client-played leg: the deltas go out as they come, and are counted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.call.audio import AudioEffect
from gateway.call.effects import CloseGate, OpenGate
from gateway.call.inputs import AudioBegan, AudioCame, ItemProgress, LegInput, Played
from gateway.call.interlude import Interlude
from gateway.ports import Event
from media.audio import PCM24

__all__ = ["RelayedAudio"]

SIGN_S = 30.0
"""How often the core is told that a client still sends audio."""


class RelayedAudio:
    """One call's (`audio.CallAudio`)."""

    def __init__(self, send: Callable[[Event], None]) -> None:
        self.dropped_ms = 0
        self._send = send
        self._gates: dict[str, dict[str, int]] = {}
        """Open gates: response → its items that have audio → bytes that were sent."""
        self._news: dict[str, int] = {}
        """Bytes that were sent of the items whose figure the core does not know yet."""
        self._sign_at: float | None = None

    speech = None

    def hear(self, audio: bytes, now: float) -> Iterator[LegInput]:
        if self._sign_at is None or now - self._sign_at >= SIGN_S:
            self._sign_at = now
            yield AudioCame()

    def overhear(self, audio: bytes, now: float) -> None:
        """Of no meaning here."""

    def take(self, event: Event) -> AudioBegan | None:
        response_id, item_id, pcm = event["response_id"], event["item_id"], event["delta"]
        items = self._gates.get(response_id)
        if items is None:
            self.dropped_ms += PCM24.to_ms(len(pcm))
            return None
        self._send(event)
        before = items.get(item_id)
        self._news[item_id] = items[item_id] = (before or 0) + len(pcm)
        return AudioBegan(response_id, item_id) if before is None else None

    def follow(self, event: Event) -> None:
        if event["type"] == "response.done":
            self._gates.pop(event["response"]["id"], None)

    def obey(self, effect: AudioEffect, now: float) -> None:
        match effect:
            case OpenGate(response_id):
                self._gates.setdefault(response_id, {})
            case CloseGate(response_id):
                self._gates.pop(response_id, None)
            case _:
                # What was sent is with the client: only it can pause or clear.
                pass

    def progress(self, now: float, *, again_s: float = 0.0) -> Played | None:
        if not self._news:
            return None
        sent = {item_id: PCM24.to_ms(count) for item_id, count in self._news.items()}
        self._news.clear()
        return Played(tuple(ItemProgress(i, ms, ms, 0, drained=False) for i, ms in sent.items()))

    def pull(self, now: float) -> tuple[bytes | None, bool]:
        return None, False

    def interpose(self, interlude: Interlude | None, now: float) -> None:
        """Of no meaning here: the client plays what it wants."""

    def wake(self) -> None:
        """Of no meaning here."""

    def delay(self, downlink_ms: int) -> None:
        """Of no meaning here."""

    def close(self) -> None:
        """Nothing is held."""
