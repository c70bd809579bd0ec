"""The other telephone: with whom a caller talks instead of the agent. Pure."""

from __future__ import annotations

from gateway.call.interlude import Presses
from gateway.consultation import Party
from media.audio import AudioFormat
from media.crossing import Crossing

__all__ = ["OtherEnd"]


class OtherEnd:
    def __init__(self, party: Party, says: Crossing, form: AudioFormat) -> None:
        """`says`: where what this call's caller says goes. `form`: of this call's leg."""
        self.party = party
        self._says = says
        self._presses = Presses(form)

    def hear(self, frame: bytes) -> None:
        """What the caller says, 20 ms of it."""
        self._says.push(self._presses.over(frame))
        self.party.wake()

    def press(self, digit: str) -> None:
        """A key of the caller's: as its line takes it, or else as a tone."""
        if not self.party.press(digit):
            self._presses.press(digit)
