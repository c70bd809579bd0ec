"""One attempt to reach a person for a caller: what joins the two calls of a warm transfer. Part of the shell.

The caller's call makes it and waits for its outcome; the exchange (`gateway.ports.Exchange`) has the person called and
gives it to the call that comes of that, which tells what the person said. Whoever tells first has decided.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from gateway.errors import Ending, ExchangeRefused
from media.audio import AudioFormat
from media.crossing import Crossing
from personas.persona import Persona

__all__ = ["Consultation", "Party"]


class Party(Protocol):
    """A call that can be joined with another (`gateway.call.shell.Shell`)."""

    @property
    def call_id(self) -> str: ...

    @property
    def form(self) -> AudioFormat:
        """Of the audio of its leg."""

    def bridge(self, other: Party, *, hears: Crossing, says: Crossing) -> None:
        """From now on this call's caller hears `hears`, and what they say goes to `says`, for `other`."""

    def wake(self) -> None:
        """Something was said for this call's caller."""

    def press(self, digit: str) -> bool:
        """The other has pressed a key; False where this call's line has no other way for it than the audio."""

    def end(self, ending: Ending) -> None: ...


class Consultation:
    def __init__(self, caller: str, persona: Persona) -> None:
        """`caller`: the id of the caller's call. `persona`: who speaks with the person."""
        loop = asyncio.get_running_loop()
        self.caller = caller
        self.persona = persona
        self.party: Party | None = None
        """The call with the person, once it has begun."""
        self._begun: asyncio.Future[None] = loop.create_future()
        self._outcome: asyncio.Future[Party | str] = loop.create_future()

    @property
    def over(self) -> bool:
        """Whether it is decided, or given up."""
        return self._outcome.done()

    @property
    def call_id(self) -> str:
        """Of the call with the person; empty before they picked up."""
        return "" if self.party is None else self.party.call_id

    def begun(self, party: Party) -> None:
        """The person has picked up."""
        self.party = party
        if not self._begun.done():
            self._begun.set_result(None)

    def taken(self) -> bool:
        """The person takes the caller; False when it is too late for that."""
        if self._outcome.done() or self.party is None:
            return False
        self._outcome.set_result(self.party)
        return True

    def failed(self, reason: str) -> None:
        """It came to nothing; `reason` is a sentence for the model of the caller's call."""
        if not self._outcome.done():
            self._outcome.set_result(reason)
        if not self._begun.done():
            self._begun.set_result(None)

    def give_up(self) -> None:
        """The caller is gone, or has waited long enough: nobody may be joined any more."""
        self.failed("")

    async def picked_up(self) -> None:
        """Until the person has, or it came to nothing."""
        await asyncio.shield(self._begun)

    async def outcome(self) -> Party:
        """The call with the person who takes the caller. Raises ExchangeRefused with the reason."""
        told = await asyncio.shield(self._outcome)
        if isinstance(told, str):
            raise ExchangeRefused(told)
        return told
