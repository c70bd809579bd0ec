"""A phone call at Plivo, doing what its XML says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urljoin

from tests.carrier_peers import plivo_hooks
from tests.carrier_peers.call import Call
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.phone import Phone, Whole
from tests.carrier_peers.plivo_hooks import Account, PhoneLeg
from tests.carrier_peers.plivo_stream import PlivoIds, PlivoStream
from tests.carrier_peers.plivo_xml import Element, StreamOrder, answered_xml, stream_order
from tests.carrier_peers.sockets import Refused

__all__ = ["PlivoPhone", "Urls"]

DOCUMENTS = 20
"""In one call; more are a loop."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where a call's instructions and reports go."""

    answer: str
    answer_method: str = "POST"
    ring: str | None = None
    hangup: str | None = None


class PlivoPhone(Phone[Call[PlivoStream]]):
    """What a test holds of one call at Plivo."""

    webhook_rule = "telephony 4.3"

    def __init__(
        self, peer: Whole, account: Account, leg: PhoneLeg, urls: Urls, manners: Manners = GOOD
    ) -> None:
        super().__init__(peer)
        self.leg = leg
        self.urls = urls
        self.did: list[Element] = []
        """Every element that was carried out, in order."""
        self.extra: list[tuple[str, str]] = []
        """More fields of the answer webhook, such as `Machine`."""
        self.pressed: list[str] = []
        """Keys that the application sent into the call by the API."""
        self._account = account
        self._manners = manners
        self._next: tuple[Element, ...] | None = None
        self._ended = asyncio.Event()
        self._moved = asyncio.Event()
        self._finished = asyncio.Event()
        self._beside: asyncio.Queue[StreamOrder | None] = asyncio.Queue(10)

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

    async def redirect(self, url: str, method: str = "POST") -> None:
        """Go on with another document."""
        self._next = await self.fetch(url, method)
        await self._move_on()

    async def fetch(self, url: str, method: str = "POST") -> tuple[Element, ...]:
        """Ask the application; nothing to do, and a fault, when it fails."""
        answered = await self.ask(plivo_hooks.answer(self._account, self.leg, url, method, self.extra))
        if answered is None:
            return ()
        try:
            return answered_xml(answered)
        except Broken as broken:
            self._whole.blame(broken, answered.text)
            return ()

    async def ring(self) -> None:
        """Tell that it rings, if somebody wants to know."""
        if self.urls.ring is not None:
            await self.ask(plivo_hooks.ring(self._account, self.leg, self.urls.ring))

    async def tell_hangup(self, cause: str, code: int) -> None:
        """Tell that it is over, if somebody wants to know."""
        if self.urls.hangup is not None:
            await self.ask(plivo_hooks.hangup(self._account, self.leg, self.urls.hangup, cause, code, 2))

    # ── the course of the call ────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._run_beside(group))
            try:
                elements = await self.fetch(self.urls.answer, self.urls.answer_method)
                self.leg = self.leg.now("in-progress")
                for _ in range(DOCUMENTS):
                    self._moved.clear()
                    followed = await self._carry_out(elements)
                    elements, self._next = self._next or followed, None
                    if not elements or not self.live:
                        break
            finally:
                await self.hang_up()
                self._beside.put_nowait(None)
                self.leg = self.leg.now("completed")
                await self.tell_hangup("NORMAL_CLEARING", 4000)
                self._finished.set()
                self.change()

    async def _run_beside(self, group: asyncio.TaskGroup) -> None:
        """Streams that do not keep the call alive run beside what follows them."""
        while (order := await self._beside.get()) is not None:
            group.create_task(self._stream(order))

    async def _carry_out(self, elements: tuple[Element, ...]) -> tuple[Element, ...]:
        for element in elements:
            if not self.live or self._next is not None:
                return ()
            self.did.append(element)
            self.change()
            match element.name:
                case "Stream":
                    await self._begin(element)
                case "Redirect":
                    url = urljoin(self.urls.answer, element.text)
                    return await self.fetch(url, element.attributes.get("method", "POST"))
                case "Dial":
                    await self._moved.wait()
                case "Hangup":
                    return ()
                case "Wait":
                    await self._wait(element.attributes)
                case _:
                    pass
        return ()

    async def _wait(self, given: Mapping[str, str]) -> None:
        try:
            async with asyncio.timeout(float(given.get("length", "1"))):
                await self._moved.wait()
        except TimeoutError:
            return

    async def _begin(self, element: Element) -> None:
        try:
            order = stream_order(element)
        except Broken as broken:
            self._whole.blame(broken, element.text)
            return
        if order.blocks:
            await self._stream(order)
        else:
            self._beside.put_nowait(order)

    async def _stream(self, order: StreamOrder) -> None:
        ids = PlivoIds(self._account.auth_id, self.leg.uuid)
        stream = PlivoStream(order.codec, ids, order.parameters, order.bidirectional)
        try:
            async with dialling(stream, order.url, via=self._whole.via, manners=self._manners) as call:
                self.opened(call)
                await self._tell(order, ids.stream, started=True)
                if not self.live:
                    await call.hang_up()
                await call.over(3600)
        except Refused as refused:
            told = Broken("socket-refused", f"the socket was refused: {refused}", "telephony 4.2")
            self._whole.blame(told, order.url)
            return
        await self._tell(order, ids.stream, started=False)

    async def _tell(self, order: StreamOrder, stream: str, started: bool) -> None:
        if order.status_callback is not None:
            word: Literal["StartStream", "StopStream"] = "StartStream" if started else "StopStream"
            url, event = order.status_callback, plivo_hooks.stream_event
            await self.ask(event(self._account, self.leg, url, stream, word))

    async def _move_on(self) -> None:
        self._moved.set()
        for call in self.streams:
            await call.hang_up()
