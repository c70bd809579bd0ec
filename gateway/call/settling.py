"""What follows in a gateway-played call once nothing is left to play: a reply that is owed, an agent, the end. Pure."""

from __future__ import annotations

from gateway.call.answered import Answered
from gateway.call.bargein import BargeIn
from gateway.call.effects import Effect
from gateway.call.leaving import Leaving
from gateway.call.owed import Owed
from gateway.call.parts import Parts
from gateway.call.replying import Replying
from gateway.call.transfer import Stage
from gateway.call.turn import Cue, Floor
from personas.prompt import say_exactly

__all__ = ["Settling"]


class Settling:
    def __init__(
        self,
        parts: Parts,
        answered: Answered,
        owed: Owed,
        bargein: BargeIn,
        replying: Replying,
        leaving: Leaving,
    ) -> None:
        self._parts = parts
        self._answered = answered
        self._owed = owed
        self._bargein = bargein
        self._replying = replying
        self._leaving = leaving
        self._scribe = parts.scribe
        self._desk = parts.desk
        self._clock = parts.clock
        self._parting = parts.parting
        self._spending = parts.spending
        self._playing = parts.playing
        self._speech = parts.speech
        self._keys = parts.keys
        self._times = parts.times
        self._tools = parts.tools
        self._transfer = parts.transfer
        self._succession = parts.succession
        self._replies = parts.replies

    @property
    def quiet(self) -> bool:
        """Nobody has the floor, and nobody is about to take it."""
        return (
            self._bargein.floor is Floor.QUIET
            and not self._answered.reserved
            and self._replies.idle
            and not self._owed
            and not self._tools.running
            # Who waits for somebody else's decision is not asked whether they are still there.
            and not self._tools.undecided
        )

    @property
    def pending(self) -> bool:
        """Something follows once its time has come: a turn or a reply that is not settled, tools, keys, a transfer, a
        successor, the end."""
        return bool(
            self._owed.held is not None
            or self._replies.wanted is not None
            or self._replies.failures
            or self._bargein.undecided
            or self._tools.running
            or self._keys.gathering
            or self._transfer.stage is not Stage.NONE
            or self._transfer.held
            or self._succession.due
            or self._parting.ending is not None
        )

    @property
    def silent(self) -> bool:
        """Nobody speaks or is about to, and what the persona says would be heard."""
        return not (
            not self._replies.idle
            or self._replies.wanted is not None
            or self._replies.failures
            or self._scribe.open_items()
            or self._speech.speaking
            or self._keys.gathering
            or self._bargein.undecided
            or self._leaving.leaving
            or self._answered.reserved
            or self._spending.over
            or self._desk.rewritten
        )

    def settle(self, now: float, out: list[Effect]) -> None:
        """What follows once nothing is left to play, and whether a reply that is owed can be asked for."""
        if (
            self._leaving.ended
            or self._replies.alive
            or self._replies.wanted is not None
            or self._scribe.open_items()
        ):
            return
        out += self._playing.stops()
        if self._bargein.floor in (Floor.AGENT, Floor.WAITING, Floor.HELD) and not self._tools.running:
            if self._bargein.floor is not Floor.WAITING:
                self._clock.active(now)
            self._bargein.cue(Cue.DRAINED, now, out)
            if (self._bargein.undecided or self._bargein.kept_words) and self._parting.ending is None:
                self._owed.owe(now)
                self._bargein.undecided.clear()
                self._bargein.kept_words = False
        if self._transfer.leaving and self._replies.idle:
            if self._transfer.announce(self._scribe.speakers()):
                self._replying.ask(
                    {"instructions": say_exactly(self._parts.persona.putting_through)}, now, out
                )
            elif not (self._bargein.undecided or self._speech.speaking or self._keys.gathering):
                self._leaving.carry(self._transfer.heard(now), now, out)
            return
        if self._tools.running or not self._replies.idle:
            return
        if self._succession.due:
            listens = self._bargein.undecided or self._speech.speaking or self._keys.gathering
            if not listens or self._succession.overdue(now):
                self._succeed(now, out)
            return
        if self._answered.reserved:
            self._answered.nothing_left(now, out)
        elif self._owed.held is not None:
            (reply, event_id), self._owed.held = self._owed.held, None
            self._replying.ask(reply, now, out, event_id=event_id)
        elif self._parting.farewell_due:
            self._parting.farewell_due = False
            self._replying.ask({"instructions": say_exactly(self._parts.persona.farewell)}, now, out)
        elif self._owed.due(now) and not self._listening(now):
            self._replying.ask({}, now, out)
        elif self._parting.ending is not None and not (
            self._owed or self._bargein.undecided or self._speech.speaking
        ):
            self._leaving.end(self._parting.ending, now, out)

    def _succeed(self, now: float, out: list[Effect]) -> None:
        """The next agent takes over: it answers what the caller said last, or else says its first words."""
        asked = self._succession.take()
        if asked is None:
            return
        out += self._parts.succeed(asked)
        self._clock.active(now)
        words = asked.persona.taking_over or asked.persona.greeting
        if self._owed or self._spending.over or not words:
            self._owed.owe(now)
            self.settle(now, out)
        else:
            self._replying.say(words, now, out)

    def _listening(self, now: float) -> bool:
        """Whether the caller is in the middle of something that the model has not taken yet."""
        return (
            self._speech.speaking and self._owed.waits(now) and self._times.committed_at is None
        ) or self._keys.gathering
