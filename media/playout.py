"""The playout clock: what was queued, sent and heard of every item the agent says.

A leg pulls one 20 ms frame whenever one is due; the call queues, pauses, resumes and clears. There is no
clock in here: `now` comes with every call, in seconds of any monotonic clock, and never goes back.

What was heard is reckoned in one of two ways. By the clock: a frame is heard `downlink_ms` after it was pulled. Or
`acknowledged`: frames are pulled ahead of their time into a buffer at the far end, whose owner tells how much of it
was played, and may take back the rest. Played milliseconds count everything that was ever pulled, from the first pull
on; what was taken back was not pulled.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from media.audio import FRAME_MS, PCM24, AudioFormat
from media.fade import fade_in, fade_out, mix
from media.framer import Framer

__all__ = ["ItemTotals", "Playout", "PlayoutFull"]

LIMIT_MS = 10 * 60_000
"""Most audio that may wait unplayed: no reply is ten minutes long, so more is a model gone wild."""
REWIND_MS = 1000
"""How far back `resume` can go at most: sent audio older than this is gone."""
REPORTED = 64
"""Drained items remembered until `totals` reports them; beyond that the oldest is forgotten unreported."""


class PlayoutFull(Exception):
    """More than ten minutes of audio wait unplayed."""


@dataclass(frozen=True, slots=True)
class ItemTotals:
    """How far one item has come, in milliseconds of its audio: heard ≤ sent ≤ queued; none ever shrinks, but what was
    taken back (`Playout.recall`) is not sent any more."""

    item_id: str
    queued_ms: int
    sent_ms: int
    heard_ms: int
    finished: bool
    """No more audio of it will come (or it was cleared)."""
    drained: bool
    """Finished, and everything of it that will ever be heard has been heard."""


@dataclass(slots=True)
class _Item:
    item_id: str
    framer: Framer
    frames: deque[bytes] = field(default_factory=deque)
    played: deque[tuple[float, bytes]] = field(default_factory=lambda: deque(maxlen=REWIND_MS // FRAME_MS))
    """The latest frames sent, with the stamp of each: what `resume` may repeat, and `recall` takes back."""
    underway: deque[tuple[float, int, int]] = field(default_factory=deque)
    """Sent but perhaps not yet heard: its stamp, position after the frame in bytes, its length."""
    queued: int = 0
    position: int = 0
    """Bytes up to the next frame; `resume` moves it back."""
    sent: int = 0
    heard: int = 0
    finished: bool = False
    over: bool = False
    """Nothing of it waits, and nothing more will."""


class Playout:
    """The agent's voice of one call, as a `gateway.ports.Speaker`. Items are played in the order of their
    first audio; the first audio of a new item finishes the ones before it.

    Where sound breaks off (pause, clear, audio that comes too late) 5 ms of what was just sent follow,
    mirrored and fading out; where it goes on inside an item it fades in over 5 ms: so nothing clicks. Such
    a tail comes with the next pull, is made of audio already sent, and is not counted. An `acknowledged` playout
    sends none: when it runs out the far end still plays, and what is taken back is not to be followed by its echo.
    """

    def __init__(self, downlink_ms: int, form: AudioFormat = PCM24, *, acknowledged: bool = False) -> None:
        self.downlink_ms = downlink_ms
        """How long a frame takes from `pull` until it is heard, by the clock. May be corrected at any time."""
        self._form = form
        self._acknowledged = acknowledged
        self._pulled_ms = 0
        self._played_ms = 0
        """As acknowledged, of what was pulled."""
        self._items: deque[_Item] = deque()
        self._waiting = 0
        self.stirred = False
        """What `totals` tells has changed since it was asked, but for what was heard."""
        self._paused_at: float | None = None
        self._last = b""
        """The frame sent at the previous pull, when the one after it should have followed seamlessly."""

    @property
    def waits(self) -> bool:
        """Whether there is audio that was not pulled."""
        return self._waiting > 0

    @property
    def paused(self) -> bool:
        return self._paused_at is not None

    def queue(self, item_id: str, pcm: bytes) -> None:
        """Append audio of an item. Audio for an item that is finished is ignored.

        Raises PlayoutFull when more than ten minutes would wait; nothing is queued then.
        """
        item = self._find(item_id)
        if item is None:
            for earlier in self._items:
                self._finish(earlier)
            item = _Item(item_id, Framer(self._form.frame_bytes))
            self._items.append(item)
            while len(self._items) > REPORTED and self._items[0].over:
                self._items.popleft()
        if item.finished:
            return
        if self._waiting + len(pcm) > self._form.to_bytes(LIMIT_MS):
            raise PlayoutFull(f"more than {LIMIT_MS // 60_000} minutes of audio wait unplayed")
        self.stirred = True
        item.queued += len(pcm)
        self._waiting += len(pcm)
        item.frames.extend(item.framer.push(pcm))

    def finish(self, item_id: str) -> None:
        """No more audio of this item will come: what does not fill a frame is played too, padded with
        silence. An item without any audio is unknown here, and ignored."""
        item = self._find(item_id)
        if item is not None:
            self._finish(item)

    def pull(self, now: float) -> bytes | None:
        """The next 20 ms, or None when there is nothing to play now."""
        if self._paused_at is None:
            for item in self._items:
                if item.frames:
                    return self._send(item, now)
                if not item.finished:
                    break
        if self._acknowledged:
            return None
        tail, self._last = self._last, b""
        return fade_out(tail, self._form) if tail else None

    def pause(self, now: float) -> None:
        """Play nothing until `resume` or `clear`; what waits is kept. A second pause changes nothing."""
        if self._paused_at is None:
            self._paused_at = now

    def resume(self, now: float, back_ms: int = 200) -> None:
        """Go on where the playout stood `back_ms` before the pause (1 s at most), though never across the
        beginning of an item, and not into one that had come to its end. Without a pause, or when nothing
        was pulled during it, the sound just goes on."""
        if self._paused_at is None:
            return
        since = float("-inf") if self._acknowledged else self._paused_at - back_ms / 1000
        self._paused_at = None
        item = next((item for item in self._items if not item.over), None)
        if item is None or self._last:
            return
        again = 0
        while item.played and item.played[-1][0] > since and again < -(-back_ms // FRAME_MS):
            frame = item.played.pop()[1]
            item.frames.appendleft(frame)
            item.position -= len(frame)
            self._waiting += len(frame)
            again += 1

    def clear(self, now: float) -> None:
        """Drop everything unplayed, of all items, and end a pause. What was sent goes on to be heard."""
        for item in self._items:
            self._end(item)
            item.played.clear()
        self.stirred = True
        self._waiting = 0
        self._paused_at = None

    def acknowledge(self, played_ms: int) -> None:
        """So much of what was pulled was played at the far end. Less than was told before changes nothing."""
        self._played_ms = min(max(played_ms, self._played_ms), self._pulled_ms)

    def recall(self, played_ms: int) -> None:
        """What was pulled after the first `played_ms` was taken back from the far end before it was played: it waits
        again, as if it had never been pulled; what began to be played does so from its frame's beginning. After a
        `clear` it is dropped."""
        self.acknowledge(played_ms)
        for item in self._items:
            self._hear(item, 0.0)
            while item.underway and item.played:
                _, position, length = item.underway.pop()
                item.frames.appendleft(item.played.pop()[1])
                item.position = position - length
                item.over = False
                self._waiting += length
            item.underway.clear()
            item.sent = item.heard
        self._pulled_ms = self._played_ms
        self._last = b""
        self.stirred = True

    def totals(self, now: float) -> tuple[ItemTotals, ...]:
        """Every item in order of playing. A drained one is told as such once and then forgotten; the latest
        item is always told."""
        self.stirred = False
        told = []
        kept: deque[_Item] = deque()
        for place, item in enumerate(self._items):
            self._hear(item, now)
            drained = item.over and item.heard == item.sent
            told.append(
                ItemTotals(
                    item.item_id,
                    queued_ms=self._form.to_ms(item.queued),
                    sent_ms=self._form.to_ms(item.sent),
                    heard_ms=self._form.to_ms(item.heard),
                    finished=item.finished,
                    drained=drained,
                )
            )
            if not drained or place == len(self._items) - 1:
                kept.append(item)
        self._items = kept
        return tuple(told)

    def _find(self, item_id: str) -> _Item | None:
        return next((item for item in reversed(self._items) if item.item_id == item_id), None)

    def _finish(self, item: _Item) -> None:
        if item.finished:
            return
        item.finished = self.stirred = True
        rest = item.framer.flush()
        if rest:
            item.frames.append(rest)
        if not item.frames:
            self._end(item)

    def _send(self, item: _Item, now: float) -> bytes:
        frame = item.frames.popleft()
        self.stirred = True
        self._waiting -= len(frame)
        if self._acknowledged and self._played_ms == self._pulled_ms:
            self._last = b""  # the far end has run dry
        self._pulled_ms += FRAME_MS
        stamp = float(self._pulled_ms) if self._acknowledged else now
        item.played.append((stamp, frame))
        item.position += len(frame)
        item.sent = max(item.sent, item.position)
        item.underway.append((stamp, item.position, len(frame)))
        self._hear(item, now)
        out = frame.ljust(self._form.frame_bytes, self._form.silence)
        if item.position == len(frame):
            tail = fade_out(self._last, self._form) if self._last else None
            out = out if tail is None else mix(out, tail, self._form)
        elif not self._last:
            out = fade_in(out, self._form)
        self._last = out
        if item.finished and not item.frames:
            self._last = b""
            self._end(item)
        return out

    def _end(self, item: _Item) -> None:
        """Nothing of the item waits any more: let go of its audio, but for what may be taken back."""
        item.finished = item.over = True
        item.frames.clear()
        item.framer.flush()
        if not self._acknowledged:
            item.played.clear()

    def _hear(self, item: _Item, now: float) -> None:
        until = self._played_ms if self._acknowledged else now - self.downlink_ms / 1000
        while item.underway and item.underway[0][0] <= until:
            item.heard = max(item.heard, item.underway.popleft()[1])
        if not self._acknowledged:
            return
        if item.underway:
            stamp, position, length = item.underway[0]
            begun = self._form.to_bytes(max(0, self._played_ms - int(stamp) + FRAME_MS))
            item.heard = max(item.heard, position - length + min(length, begun))
        elif item.over:
            item.played.clear()
