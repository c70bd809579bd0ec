"""A second connection to a live call: it sees what the client sees, and may act on the call. No audio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.errors import Ending
from gateway.ports import Event

__all__ = ["Sideband", "Sidebands"]

MOST = 8
"""Sidebands that one call may have at once."""


class Listener(Protocol):
    """The call, as a sideband knows it."""

    def from_sideband(self, origin: int, message: str) -> None: ...

    def sideband_gone(self, origin: int) -> None: ...


class Sideband:
    """One sideband of one call; made by `Call.attach`."""

    def __init__(self, origin: int, call: Listener) -> None:
        self._origin = origin
        self._call = call

    def receive(self, message: str) -> None:
        """One client event, as it came. What is wrong with it is told to this sideband alone."""
        self._call.from_sideband(self._origin, message)

    def detach(self) -> None:
        """No more events are sent. Idempotent; does not call `on_over`."""
        self._call.sideband_gone(self._origin)


class Sidebands:
    """Those of one call, by origin: 1, 2, … (0 is the client at the leg)."""

    def __init__(self) -> None:
        self._count = 0
        self._peers: dict[int, tuple[Callable[[Event], None], Callable[[Ending], None]]] = {}

    @property
    def full(self) -> bool:
        return len(self._peers) >= MOST

    def add(self, send: Callable[[Event], None], on_over: Callable[[Ending], None]) -> int:
        self._count += 1
        self._peers[self._count] = (send, on_over)
        return self._count

    def remove(self, origin: int) -> None:
        self._peers.pop(origin, None)

    def send(self, event: Event, *, to: int | None = None) -> None:
        """Tell one sideband, or all. Never any audio."""
        for origin, (send, _) in list(self._peers.items()):
            if to is None or origin == to:
                send(event)

    def over(self, ending: Ending) -> None:
        """The call ended: each is told once, and forgotten."""
        peers, self._peers = self._peers, {}
        for _, on_over in peers.values():
            on_over(ending)
