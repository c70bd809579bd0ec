"""A phone call at Vonage, doing what NCCOs say."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from tests.carrier_peers import vonage_hooks
from tests.carrier_peers.call import Call
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.ncco import Action, Connect, WebSocketEndpoint, answered_ncco
from tests.carrier_peers.phone import Phone, Whole
from tests.carrier_peers.sockets import Refused
from tests.carrier_peers.vonage_hooks import Account, Legs, Status
from tests.carrier_peers.vonage_stream import VonageStream

__all__ = ["VonagePhone"]


class VonagePhone(Phone[Call[VonageStream]]):
    """What a test holds of one call at Vonage."""

    webhook_rule = "telephony 3.3"

    def __init__(
        self,
        peer: Whole,
        account: Account,
        legs: Legs,
        answer_url: str | None,
        event_url: str | None,
        ncco: Sequence[Action] | None = None,
        answer_method: Literal["GET", "POST"] = "GET",
        manners: Manners = GOOD,
        cleared: bool = False,
    ) -> None:
        super().__init__(peer)
        self.legs = legs
        self.sockets: list[str] = []
        """The uuids of the legs that are sockets, as the streams."""
        self.did: list[Action] = []
        """Every action that was carried out, in order."""
        self.told: list[str] = []
        """Every event that the application has taken."""
        self.machine: Literal["human", "machine"] | None = None
        self.pressed: list[str] = []
        """Keys that the application sent into the call."""
        self._account = account
        self._answer_url = answer_url
        self._answer_method = answer_method
        self._event_url = event_url
        self._ncco = ncco
        self._manners = manners
        self._cleared = cleared
        self._next: Sequence[Action] | None = None
        self._ended = asyncio.Event()
        self._moved = asyncio.Event()
        self._finished = asyncio.Event()

    # ── for the test, and by the API ──────────────────────────────────────────────────────────────────────

    @property
    def live(self) -> bool:
        return not self._ended.is_set()

    async def hang_up(self) -> None:
        self._ended.set()
        await self._move_on()

    async def drained(self) -> None:
        await self._finished.wait()

    async def over(self, within_s: float = 30.0) -> None:
        """Until the call has ended. Raises TimeoutError."""
        await self.until(self._finished.is_set, "still on", within_s)

    async def redirect(self, actions: Sequence[Action]) -> None:
        """Go on with another NCCO."""
        self._next = actions
        await self._move_on()

    async def fetch(self, url: str) -> Sequence[Action]:
        """Ask the application for an NCCO; empty, and a fault, when it fails."""
        answered = await self.ask(vonage_hooks.answer(self._account, self.legs, url, self._answer_method))
        if answered is None:
            return ()
        try:
            return answered_ncco(answered)
        except Broken as broken:
            self._whole.blame(broken, answered.text)
            return ()

    async def tell(self, status: Status, **extra: object) -> None:
        """Send an event."""
        if self._event_url is None:
            return
        asked = vonage_hooks.event(self._account, self.legs, self._event_url, status, **extra)
        if await self.ask(asked) is not None:
            self.told.append(status)
            self.change()

    # ── the course of the call ────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        try:
            if self.legs.direction == "inbound":
                await self.tell("started")
                await self.tell("ringing")
            actions = self._ncco if self._ncco is not None else await self.fetch(self._answer_url or "")
            if actions:
                await self.tell("answered")
            if self.machine is not None:
                await self.tell(self.machine)
            while actions and self.live:
                self._moved.clear()
                await self._carry_out(actions)
                actions, self._next = self._next or (), None
        finally:
            self._ended.set()
            await self.tell("completed")
            self._finished.set()
            self.change()

    async def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if not self.live or self._next is not None:
                return
            self.did.append(action)
            self.change()
            if isinstance(action, Connect):
                endpoint = action.endpoint[0]
                if isinstance(endpoint, WebSocketEndpoint):
                    await self._connect(endpoint)
                else:
                    await self._moved.wait()

    async def _connect(self, endpoint: WebSocketEndpoint) -> None:
        uuid = new_uuid()
        bearer = None
        if endpoint.authorization is not None:
            value = f"Bearer {vonage_hooks.token(self._account, None)}"
            bearer = value if endpoint.authorization.type == "vonage" else endpoint.authorization.value
        stream = VonageStream(
            endpoint.rate, endpoint.headers, bearer, tells_cleared_notifications=self._cleared
        )
        try:
            async with dialling(stream, endpoint.uri, via=self._whole.via, manners=self._manners) as call:
                self.sockets.append(uuid)
                self.opened(call)
                await self.tell("answered", uuid=uuid, to=endpoint.uri)
                await call.over(3600)
        except Refused as refused:
            told = Broken("socket-refused", f"the socket was refused: {refused}", "telephony 3.2")
            self._whole.blame(told, endpoint.uri)
            await self.tell("failed", uuid=uuid, to=endpoint.uri)
            return
        await self.tell("disconnected", uuid=uuid, to=endpoint.uri)

    async def _move_on(self) -> None:
        self._moved.set()
        for call in self.streams:
            await call.hang_up()
