"""A phone call at Twilio, doing what TwiML says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from tests.carrier_peers import twilio_hooks
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.http import Asked, Unreachable, deliver
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.phone import Phone
from tests.carrier_peers.sockets import Refused
from tests.carrier_peers.twilio_hooks import PhoneCall
from tests.carrier_peers.twilio_stream import Identity, TwilioCall
from tests.carrier_peers.twiml import Verb, answered_twiml, document, stream_order

if TYPE_CHECKING:
    from tests.carrier_peers.twilio_peer import TwilioPeer

__all__ = ["Plan", "TwilioPhone"]

TURNS = 20
"""TwiML documents in one call; more are a loop."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a call's instructions and reports go."""

    url: str | None = None
    twiml: str | None = None
    method: str = "POST"
    status_url: str | None = None
    events: frozenset[str] = frozenset({"completed"})
    extra: tuple[tuple[str, str], ...] = ()
    """Parameters of the voice webhook, such as `AnsweredBy`."""
    manners: Manners = field(default=GOOD)


class TwilioPhone(Phone[TwilioCall]):
    """What a test holds of one call at Twilio."""

    def __init__(self, peer: TwilioPeer, call: PhoneCall, plan: Plan) -> None:
        super().__init__(peer)
        self.call = call
        self.plan = plan
        self.did: list[Verb] = []
        """Every verb that was carried out, in order; the last `Dial` is where the caller was transferred."""
        self.webhooks: list[float] = []
        """How long the application took for each document, in seconds."""
        self._peer = peer
        self._next: tuple[Verb, ...] | None = None
        self._over = asyncio.Event()
        self._told = asyncio.Event()
        self._moved = asyncio.Event()
        """Set by what ends a verb from outside."""
        self._sequence = 0
        self._began = asyncio.get_running_loop().time()

    async def doing(self, verb: str, within_s: float = 20.0) -> Verb:
        """Until a verb of that name is carried out. Raises TimeoutError."""
        await self.until(lambda: any(one.name == verb for one in self.did), f"no {verb}", within_s)
        return next(one for one in self.did if one.name == verb)

    async def over(self, within_s: float = 30.0) -> PhoneCall:
        """Until the call has ended. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            await self._over.wait()
        return self.call

    async def hang_up(self) -> None:
        """The caller puts the phone down."""
        await self.end()

    async def drained(self) -> None:
        await self._told.wait()

    # ── by the API ────────────────────────────────────────────────────────────────────────────────────────

    async def redirect(self, verbs: tuple[Verb, ...]) -> None:
        """Go on with another document: the stream that is open is stopped."""
        self._next = verbs
        await self._move_on()

    async def end(self, status: twilio_hooks.Status = "completed") -> None:
        if not self._over.is_set():
            self.call = self.call.now(status)
        self._over.set()
        await self._move_on()

    async def _move_on(self) -> None:
        self._moved.set()
        for stream in self.streams:
            await stream.hang_up()

    async def fetch(self, url: str, method: str = "POST") -> tuple[Verb, ...]:
        """Ask the application. Nothing to do, and a fault, when it fails."""
        asked = twilio_hooks.voice(self._peer.account, self.call, url, method, self.plan.extra)
        return await self._document(asked)

    async def report(self, status: twilio_hooks.Status, event: str | None = None) -> None:
        """Send a status callback, if it was asked for."""
        self.call = self.call.now(status)
        if self.plan.status_url is None or (event or status) not in self.plan.events:
            return
        lasted = round(asyncio.get_running_loop().time() - self._began) if status == "completed" else None
        account, sequence = self._peer.account, self._sequence
        self._sequence += 1
        await self.ask(twilio_hooks.status(account, self.call, self.plan.status_url, sequence, lasted))

    # ── the course of the call ────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """From the first document to the end."""
        try:
            verbs = await self._first()
            if self.call.direction == "inbound" and not (verbs and verbs[0].name == "Reject"):
                self.call = self.call.now("in-progress")
            for _ in range(TURNS):
                self._moved.clear()
                followed = await self._carry_out(verbs)
                verbs, self._next = self._next or followed, None
                if not verbs or self._over.is_set():
                    break
            if self.call.status == "in-progress":
                self.call = self.call.now("completed")
        finally:
            if self.call.status == "completed":
                await self.report("completed")
            self._over.set()
            self._told.set()

    async def _first(self) -> tuple[Verb, ...]:
        if self.plan.twiml is not None:
            return document(self.plan.twiml)
        return await self.fetch(self.plan.url or "", self.plan.method)

    async def _carry_out(self, verbs: tuple[Verb, ...]) -> tuple[Verb, ...]:
        """One document. Returns the next."""
        for verb in verbs:
            if self._stopped:
                return ()
            self.did.append(verb)
            self.change()
            match verb.name:
                case "Connect":
                    await self._connect(verb)
                    if (action := verb.attributes.get("action")) and not self._stopped:
                        return await self._follow(verb, action)
                case "Redirect":
                    return await self._follow(verb, verb.text)
                case "Reject":
                    busy = verb.attributes.get("reason") == "busy"
                    self.call = self.call.now("busy" if busy else "no-answer")
                    return ()
                case "Dial":
                    await self._moved.wait()
                case "Hangup":
                    return ()
                case _:
                    pass
        return ()

    async def _follow(self, verb: Verb, url: str) -> tuple[Verb, ...]:
        return await self.fetch(urljoin(self.plan.url or "", url), verb.attributes.get("method", "POST"))

    @property
    def _stopped(self) -> bool:
        return self._over.is_set() or self._next is not None

    async def _connect(self, verb: Verb) -> None:
        try:
            order = stream_order(verb)
        except Broken as broken:
            self._peer.blame(broken, "<Connect>")
            return
        who = Identity(self._peer.account.sid, self.call.sid)
        account, via = self._peer.account, self._peer.via
        tell = order.status_callback
        try:
            async with TwilioCall.dial(
                order.url,
                secret=account.token,
                parameters=order.parameters,
                who=who,
                via=via,
                manners=self.plan.manners,
            ) as stream:
                self.opened(stream)
                if tell:
                    await self.ask(
                        twilio_hooks.stream_status(account, self.call, tell, who.stream, "stream-started")
                    )
                await stream.over(3600)
        except Refused as refused:
            self._peer.blame(
                Broken("31920", f"the socket was refused: {refused}", "telephony 1.3"), order.url
            )
            if tell:
                error = twilio_hooks.stream_status(
                    account, self.call, tell, who.stream, "stream-error", "31920"
                )
                await self.ask(error)
            return
        if tell:
            await self.ask(
                twilio_hooks.stream_status(account, self.call, tell, who.stream, "stream-stopped")
            )

    async def _document(self, asked: Asked) -> tuple[Verb, ...]:
        try:
            answered = await deliver(asked, self._peer.via)
            self.webhooks.append(answered.took_s)
            return answered_twiml(answered)
        except Unreachable as error:
            self._peer.blame(Broken("11205", str(error), "telephony 1.1, error 11205"), asked.url)
        except Broken as broken:
            self._peer.blame(broken, asked.url)
        return ()
