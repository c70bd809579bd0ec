"""What tools may do to their call (`tools.contract.CallControl`), and the carrying out of transfers. Part of the shell.

The core decides when (`gateway/call/transfer.py`); here the carrier is asked, the other person is waited for, and the
tool that asked for it is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, Literal, Protocol

from gateway.call.agent import Agent
from gateway.call.audio import CallAudio
from gateway.call.inputs import (
    HandOverAsked,
    HangUpAsked,
    HoldAsked,
    MachineVerdict,
    TransferAnswered,
    TransferAsked,
    Wish,
)
from gateway.call.interlude import KeyTones
from gateway.call.transfer import UNDER_WAY
from gateway.consultation import Consultation, Party
from gateway.errors import AGENT_HUNG_UP, FAX, TRANSFERRED, VOICEMAIL, Ending, ExchangeRefused
from gateway.ports import Exchange, Leg, Telephone
from media.crossing import Crossing
from personas.consulting import consulting
from personas.hours import is_open, read_hours
from personas.succession import Handoff, excerpt
from personas.transfers import named
from tools.contract import ToolError

__all__ = ["Control", "Host"]

RING_S = 45.0
"""How long the other person may take to pick up; most voicemail does so earlier."""
DECIDE_S = 75.0
"""How long they may take from then on to say whether they take the caller."""
KEY_S = 0.2
"""Of one key as a tone, with its pause."""

NO_TELEPHONE = (
    "This conversation is not over the telephone, so nobody can be put through. Say so, and offer something else: "
    "a number to call, a message, a call back."
)
AWAY = "The caller is on hold, or talks with somebody else: no keys can be pressed now."
AWAY_NOW = "The caller is on hold, or talks with somebody else: nobody can take them over now."
NO_ANSWER = "They hung up without taking the call. Say so, and offer to take a message or to try again."
OVER = "The call ended before the caller was put through."
NO_KEYS = "This conversation is not over the telephone: there are no keys to press."
UNREACHED = "Nobody picked up. Say so, and offer to take a message or to try again."
MACHINE = "Only a voicemail answered. Say so, and offer to take a message or to try again."
UNDECIDED = "Somebody or a voicemail picked up and did not take the call. Say so, and offer something else."


class Host(Party, Protocol):
    """The call, as its control needs it (`gateway.call.shell.Shell`)."""

    def tell(self, wish: Wish) -> None:
        """Tell the core."""

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """As a task of the call."""

    @property
    def away(self) -> bool:
        """Whether the caller is on hold, or talks with somebody else."""

    def said(self) -> Sequence[tuple[str, str]]:
        """The conversation so far: who (`user`, `assistant`) and what."""

    def pause_recording(self, *, paused: bool) -> None:
        """As `tools.contract.CallControl` has it."""

    def pass_on(self, agent: str, handoff: Handoff) -> None:
        """Have another agent take over, once this one was heard. Raises ToolError."""

    def remark(self, event: dict[str, Any]) -> None:
        """Write a fact into the journal."""


class Control:
    """One call's."""

    def __init__(
        self, host: Host, agent: Agent, leg: Leg, audio: CallAudio, exchange: Exchange | None,
        consultation: Consultation | None,
    ) -> None:  # fmt: skip
        """`agent`: who speaks. `consultation`: this call is with a person whom another call's caller wants."""
        self._host = host
        self._agent = agent
        self._leg = leg
        self._audio = audio
        self._exchange = exchange
        self._consultation = consultation
        self._failed: asyncio.Future[str] | None = None
        self._reason = ""
        self._given = ""
        """Whom a server wants the caller put through to."""
        self._reached: asyncio.Future[None] | None = None
        """Set once that is done."""
        self._party: Party | None = None

    # ── what tools ask (tools.contract.CallControl) ───────────────────────────────────────────────────────

    def hang_up(self) -> None:
        self._host.tell(HangUpAsked())

    def hand_over(self, department: str, reason: str) -> None:
        self._host.tell(HandOverAsked())

    async def escalate(self, reason: str) -> None:
        """A server wants a person for the caller: the first of the targets that can be reached, or else the agent's
        part ends with its farewell."""
        for name in self._agent.persona.transfers:
            if self.can_transfer(name):
                with suppress(ToolError):
                    await self.transfer(name, reason)
                return
        self._host.tell(HandOverAsked(said=False))

    def pause_recording(self, *, paused: bool) -> None:
        self._host.pause_recording(paused=paused)

    def hold(self, on: bool) -> None:
        self._host.tell(HoldAsked(on))

    def can_transfer(self, to: str) -> bool:
        name = named(self._agent.persona.transfers, to)
        return (
            self._exchange is not None
            and name is not None
            and is_open(read_hours(self._agent.persona.transfers[name].hours), self._agent.local_time)
        )

    async def transfer(self, to: str, reason: str, mode: Literal["cold", "warm"] | None = None) -> None:
        name = self._target(to)
        if self._failed is not None and not self._failed.done():
            raise ToolError(UNDER_WAY)
        self._failed = asyncio.get_running_loop().create_future()
        self._reason = reason
        self._host.tell(
            TransferAsked(name, warm=(mode or self._agent.persona.transfers[name].mode) == "warm")
        )
        raise ToolError(await self._failed)

    async def refer(self, to: str) -> None:
        """A server wants the caller put through to `to` (E.164 or a SIP URI), at once but for what the agent is just
        saying. Raises ExchangeRefused with why it did not come about."""
        if self._exchange is None:
            raise ExchangeRefused(NO_TELEPHONE)
        if self._failed is not None and not self._failed.done():
            raise ExchangeRefused(UNDER_WAY)
        loop = asyncio.get_running_loop()
        failed = self._failed = loop.create_future()
        reached = self._reached = loop.create_future()
        self._given = to
        self._host.tell(TransferAsked("", warm=False))
        try:
            await asyncio.wait((failed, reached), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._reached = None
        if not reached.done():
            raise ExchangeRefused(failed.result())

    async def press(self, digits: str) -> None:
        if self._host.away:
            raise ToolError(AWAY)
        if isinstance(self._leg, Telephone) and self._leg.send_digits(digits):
            return
        if self._exchange is None and not isinstance(self._leg, Telephone):
            raise ToolError(NO_KEYS)
        try:
            if self._exchange is not None and await self._exchange.press(digits):
                return
        except ExchangeRefused as refusal:
            raise ToolError(str(refusal)) from None
        try:
            tones = KeyTones(digits, self._leg.form)
        except ValueError as error:
            raise ToolError(str(error)) from None
        self._audio.interpose(tones, asyncio.get_running_loop().time())
        await asyncio.sleep(len(digits) * KEY_S)

    def colleague(self, agent: str) -> tuple[str, ...]:
        if self._host.away:
            raise ToolError(AWAY_NOW)
        if agent not in self._agent.persona.hand_over_to:
            known = ", ".join(self._agent.persona.hand_over_to) or "nobody"
            raise ToolError(f"You cannot pass the caller to {agent[:80]}. You can pass them to: {known}.")
        return excerpt(self._host.said())

    def pass_on(self, agent: str, summary: str, facts: Sequence[str]) -> None:
        said = self.colleague(agent)
        self._host.pass_on(agent, Handoff(self._agent.persona.display_name, summary, tuple(facts), said))

    def take_caller(self) -> None:
        if self._consultation is None or not self._consultation.taken():
            raise ToolError("There is no caller on hold any more. Say so, and say goodbye.")

    def decline_caller(self, reason: str) -> None:
        if self._consultation is None:
            raise ToolError("There is no caller on hold.")
        self._consultation.failed(f"They were asked and did not take the call: {reason} Tell the caller.")
        self._host.tell(HangUpAsked())

    def _target(self, to: str) -> str:
        """Raises ToolError."""
        targets = self._agent.persona.transfers
        if self._exchange is None:
            raise ToolError(NO_TELEPHONE)
        name = named(targets, to)
        if name is None:
            known = ", ".join(name for name, target in targets.items() if target.to)
            offer = (
                f"You can put callers through to: {known}."
                if known
                else "Nobody is set up to be put through to."
            )
            raise ToolError(f"There is no {to[:80]} to put the caller through to. {offer}")
        if not is_open(read_hours(targets[name].hours), self._agent.local_time):
            raise ToolError(
                f"{name} is closed now; open {targets[name].hours}. Say so, and offer to take a message."
            )
        return name

    # ── what the core wants ───────────────────────────────────────────────────────────────────────────────

    def answered(self, reason: str) -> None:
        """The transfer came to nothing: tell the tool that asked for it."""
        if self._failed is not None and not self._failed.done():
            self._failed.set_result(reason)

    def reach(self, name: str, *, warm: bool) -> None:
        """Put the caller through, or speak with the person first; the core is told what became of it."""
        self._host.start("transfer", self._reach(name, warm=warm))

    def join(self) -> None:
        """Join the caller with the person who takes the call."""
        party = self._party
        if party is None:
            return
        ours = Crossing(self._leg.form, party.form)
        theirs = Crossing(party.form, self._leg.form)
        self._host.bridge(party, hears=theirs, says=ours)
        party.bridge(self._host, hears=ours, says=theirs)

    def digit(self, digit: str) -> bool:
        """The person who was called for a caller answers by a key; whether it was that."""
        if self._consultation is None or self._consultation.over or digit not in "12":
            return False
        if digit == "1":
            return self._consultation.taken()
        self.decline_caller("They cannot take the call now.")
        return True

    def machine(self, verdict: MachineVerdict) -> bool:
        """Who was called for a caller is a machine: that is nobody. Whether this call is over by that."""
        if self._consultation is None or verdict.kind not in ("machine", "beep", "fax"):
            return False
        self._consultation.failed(MACHINE)
        self._host.end(AGENT_HUNG_UP)
        return True

    def over(self, ending: Ending) -> None:
        """This call is over: a person who was called for a caller, and had not decided, was not reached; and a server
        that waits for a transfer need not wait any longer."""
        if ending == TRANSFERRED and self._reached is not None and not self._reached.done():
            self._reached.set_result(None)
        self.answered(OVER)
        if self._consultation is not None:
            self._consultation.failed(MACHINE if ending in (VOICEMAIL, FAX) else NO_ANSWER)

    async def _reach(self, name: str, *, warm: bool) -> None:
        exchange, to = self._exchange, self._agent.persona.transfers[name].to if name else self._given
        assert exchange is not None  # nothing is asked for without
        try:
            if warm:
                self._party = await self._consult(exchange, name, to)
            else:
                await exchange.transfer(to)
                if isinstance(self._leg, Telephone):
                    self._leg.let_go()
        except ExchangeRefused as refusal:
            self._host.tell(TransferAnswered(False, str(refusal)))
        else:
            self._host.tell(TransferAnswered(True))

    async def _consult(self, exchange: Exchange, name: str, to: str) -> Party:
        """Raises ExchangeRefused."""
        persona = consulting(self._agent.persona, name, self._reason, self._host.said())
        consultation = Consultation(self._host.call_id, persona)
        settled = False
        try:
            async with asyncio.timeout(RING_S):
                await exchange.consult(to, consultation)
                await consultation.picked_up()
            self._host.remark({"type": "Consulting", "call": consultation.call_id})
            async with asyncio.timeout(DECIDE_S):
                party = await consultation.outcome()
            settled = True
        except TimeoutError:
            raise ExchangeRefused(UNREACHED if consultation.party is None else UNDECIDED) from None
        except ExchangeRefused:
            # Who declined is still being told goodbye.
            settled = consultation.party is not None
            raise
        finally:
            if not settled:
                consultation.give_up()
                if consultation.party is not None:
                    consultation.party.end(AGENT_HUNG_UP)
                else:
                    await exchange.recall(consultation)
        return party
