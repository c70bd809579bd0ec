"""Who leaves a gateway-played call, and that it is over: endings, transfers, and the caller who objects. Pure."""

from __future__ import annotations

from gateway.call.effects import Effect, End
from gateway.call.parts import Parts
from gateway.errors import Ending

__all__ = ["Leaving"]


class Leaving:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._scribe = parts.scribe
        self._playing = parts.playing
        self._clock = parts.clock
        self._parting = parts.parting
        self._transfer = parts.transfer
        self.ended = False
        """Nothing follows any more."""

    @property
    def away(self) -> bool:
        """The agent has nothing to do now: the caller is on hold, or talks with somebody else, or the call is over."""
        return self.ended or self._transfer.held or self._transfer.joined

    @property
    def leaving(self) -> bool:
        return self._parting.ending is not None or self._transfer.leaving

    def carry(self, effects: list[Effect], now: float, out: list[Effect]) -> None:
        """What a transfer wants done; it may be the end."""
        out += effects
        if self._transfer.held or self._transfer.joined:
            self._clock.stop(now)
        else:
            self._clock.go_on(now)
        if self._transfer.ending is not None:
            self.end(self._transfer.ending, now, out)

    def objects(self, now: float, out: list[Effect]) -> None:
        """The caller has more to say: nobody leaves yet."""
        self._parting.revoke()
        self.carry(self._transfer.objected(), now, out)

    def end(self, ending: Ending, now: float, out: list[Effect]) -> None:
        if self.ended:
            return
        for item_id in self._scribe.open_items():
            heard_ms = self._parts.heard_ms(self._playing.of(item_id))
            out += self._scribe.interrupted(item_id, heard_ms, self._parts.ms(now))
        self.ended = True
        out.append(End(ending))
