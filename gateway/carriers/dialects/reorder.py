"""Frames that a carrier may send out of order, put back into order within a small window."""

from __future__ import annotations

from gateway.wire import Audio, Encoding

__all__ = ["Reorder"]


class Reorder:
    """Frames are counted by `chunk`. One that is missing is waited for until `WINDOW` later ones are there, sixty
    milliseconds as a rule; then the gap stays a gap. A frame whose time follows on the last one's is next whatever its
    number, so that a carrier which does not count by one costs nothing. Those that come twice or too late are dropped.
    """

    __slots__ = ("_at", "_bytes_per_ms", "_due", "_held", "_next")

    WINDOW = 3

    def __init__(self, heard: Encoding) -> None:
        self._bytes_per_ms = heard.bytes_per_ms
        self._next: int | None = None
        self._due = -1
        """When the next frame begins, if there is no gap."""
        self._at = 0
        self._held: dict[int, tuple[int | None, bytes]] = {}

    def push(self, chunk: int, at: int | None, data: bytes) -> list[Audio]:
        """The frames that are in order now: none, or up to WINDOW."""
        if (
            self._next is None
            or chunk == self._next
            or (at == self._due and chunk > self._next and not self._held)
        ):
            return self._emit(chunk, at, data)
        if chunk < self._next or chunk in self._held:
            return []
        self._held[chunk] = (at, data)
        if len(self._held) < self.WINDOW:
            return []
        return self._emit_held()

    def flush(self) -> list[Audio]:
        """All that wait, in order: nothing more will come."""
        frames: list[Audio] = []
        while self._held:
            frames += self._emit_held()
        return frames

    def _emit_held(self) -> list[Audio]:
        chunk = min(self._held)
        return self._emit(chunk, *self._held.pop(chunk))

    def _emit(self, chunk: int, at: int | None, data: bytes) -> list[Audio]:
        frames = [self._frame(at, data)]
        while self._held and chunk + 1 in self._held:
            chunk += 1
            frames.append(self._frame(*self._held.pop(chunk)))
        self._next = chunk + 1
        return frames

    def _frame(self, at: int | None, data: bytes) -> Audio:
        if at is None:
            return Audio(data)
        self._due = at + len(data) // self._bytes_per_ms
        if at > self._at:
            self._at = at
        return Audio(data, self._at)
