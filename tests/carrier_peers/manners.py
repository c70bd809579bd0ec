"""How a carrier may misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.carrier_peers.faults import Frame

__all__ = ["GOOD", "Mangler", "Manners"]


@dataclass(frozen=True, slots=True)
class Manners:
    """What is not as documented; all as it should be by default. Garbage of any kind goes by `Call.send`."""

    opens: bool = True
    """Sends what comes before the start (Twilio's `connected`)."""
    starts: bool = True
    """Sends the start of the stream."""
    streams: bool = True
    """Sends media."""
    stops: bool = True
    """Says goodbye before it closes the socket."""
    start_after_s: float = 0.0
    """Waits so long between opening and start; Telnyx does while the phone rings."""
    swap: int = 1
    """Media leaves in blocks of so many, each block backwards."""
    repeat_every: int = 0
    """Each so-manieth media message is sent twice; 0: none."""
    lose_every: int = 0
    """Each so-manieth media message is not sent; 0: none."""


GOOD = Manners()


class Mangler:
    """Takes media messages in order and gives them out as the manners want it."""

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self._count = 0
        self._held: list[Frame] = []

    def __call__(self, frame: Frame) -> Iterator[Frame]:
        self._count += 1
        if not self._every(self._manners.lose_every):
            self._held += [frame] * (2 if self._every(self._manners.repeat_every) else 1)
        if self._count % self._manners.swap == 0:
            held, self._held = self._held, []
            yield from reversed(held) if self._manners.swap > 1 else held

    def _every(self, nth: int) -> bool:
        return nth > 0 and self._count % nth == 0
