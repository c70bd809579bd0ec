"""A phone call at Azure Communication Services, doing what the application commands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

from tests.carrier_peers import acs_hooks
from tests.carrier_peers.acs_hooks import AcsCall, Resource
from tests.carrier_peers.acs_rest import Media, Refusal
from tests.carrier_peers.acs_stream import AcsStream
from tests.carrier_peers.call import Call
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.http import Asked
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.phone import Phone, Whole
from tests.carrier_peers.sockets import Refused

__all__ = ["AcsPhone"]

ACCEPTED, GONE = 202, 204


class AcsPhone(Phone[Call[AcsStream]]):
    """What a test holds of one call at Azure."""

    webhook_rule = "telephony 5.2"

    def __init__(self, peer: Whole, resource: Resource, call: AcsCall, manners: Manners = GOOD) -> None:
        super().__init__(peer)
        self.call = call
        self.state: Literal["incoming", "connected", "disconnected"] = "incoming"
        self.commands: list[tuple[str, Mapping[str, Any]]] = []
        """Every action that was taken, in order."""
        self.told: list[str] = []
        """Every event that the application has taken."""
        self.media: Media | None = None
        self.reaches = True
        """Whoever the caller is transferred to picks up."""
        self._resource = resource
        self._manners = manners
        self._callback = ""
        self._context: str | None = None
        self._live = 0
        self._orders: asyncio.Queue[Media] = asyncio.Queue(10)
        self._outbox: asyncio.Queue[tuple[str, Asked]] = asyncio.Queue(100)

    # ── for the test ──────────────────────────────────────────────────────────────────────────────────────

    async def doing(self, action: str, within_s: float = 20.0) -> Mapping[str, Any]:
        """The body of the first command of that name. Raises TimeoutError."""
        await self.until(lambda: any(name == action for name, _ in self.commands), f"no {action}", within_s)
        return next(body for name, body in self.commands if name == action)

    async def heard_of(self, kind: str, within_s: float = 20.0) -> None:
        """Until the application has taken an event. Raises TimeoutError."""
        await self.until(lambda: kind in self.told, f"{kind} not taken", within_s)

    async def hang_up(self) -> None:
        await self._end("The participant hung up")

    async def drained(self) -> None:
        await self.until(lambda: self._live == 0, "a stream is open", 10)
        await self._outbox.join()

    # ── by the API ────────────────────────────────────────────────────────────────────────────────────────

    def connect(self, callback: str, context: str | None, media: Media | None) -> None:
        """The call is up."""
        self.state, self._callback, self._context, self.media = "connected", callback, context, media
        self.tell("CallConnected")
        if media is not None and media.startMediaStreaming:
            self._order(media)
        self.change()

    def fail(self, callback: str, code: int, sub_code: int, message: str) -> None:
        """The call never came up."""
        self.state, self._callback = "disconnected", callback
        self.tell("CreateCallFailed", code=code, sub_code=sub_code, message=message)

    async def command(self, action: str, body: Mapping[str, Any]) -> int:
        """Take an action; gives the answer's status. Raises Refusal."""
        if self.state != "connected":
            raise Refusal(404, "8522", "the call is not connected")
        if action in ("startMediaStreaming", "stopMediaStreaming") and self.media is None:
            raise Refusal(400, "8583", "the call has no mediaStreamingOptions")
        self.commands.append((action, body))
        self.change()
        match action:
            case "terminate" | "delete":
                await self._end("The application ended the call")
                return GONE
            case "startMediaStreaming" if self.media is not None:
                self._order(self.media)
            case "stopMediaStreaming":
                for call in self.streams:
                    await call.hang_up()
            case "transferToParticipant" if self.reaches:
                self.tell("CallTransferAccepted", {"transferTarget": body["targetParticipant"]})
            case "transferToParticipant":
                self.tell("CallTransferFailed", {}, 486, 560486, "Busy")
            case "sendDtmfTones":
                self.tell("SendDtmfTonesCompleted")
            case _:
                pass
        return ACCEPTED

    def tell(
        self,
        kind: str,
        data: Mapping[str, object] | None = None,
        code: int = 200,
        sub_code: int = 0,
        message: str = "",
    ) -> None:
        """Queue a callback."""
        about = dict(data or {})
        if self._context is not None:
            about["operationContext"] = self._context
        asked = acs_hooks.callback(
            self._resource, self.call, self._callback, kind, about, code, sub_code, message
        )
        self._outbox.put_nowait((kind, asked))

    # ── the course of the call ────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Deliver callbacks and open streams, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._deliver())
            while True:
                group.create_task(self._stream(await self._orders.get()))

    def _order(self, media: Media) -> None:
        self._live += 1
        self._orders.put_nowait(media)

    async def _stream(self, media: Media) -> None:
        bearer = acs_hooks.token(self._resource, acs_hooks.SOCKET_S)
        stream = AcsStream(
            media.audioFormat,
            f"4:{self.call.from_}",
            self.call.connection,
            self.call.correlation,
            bearer,
            media.enableBidirectional,
            media.enableDtmfTones,
        )
        url, update = media.transportUrl, {"contentType": "Audio"}
        try:
            async with dialling(stream, url, via=self._whole.via, manners=self._manners) as call:
                self.opened(call)
                status = {**update, "mediaStreamingStatus": "mediaStreamingStarted"}
                self.tell("MediaStreamingStarted", {"mediaStreamingUpdate": status})
                await call.over(3600)
            status = {**update, "mediaStreamingStatus": "mediaStreamingStopped"}
            self.tell("MediaStreamingStopped", {"mediaStreamingUpdate": status})
        except Refused as refused:
            told = Broken("8581", f"the socket was refused: {refused}", "telephony 5.2")
            self._whole.blame(told, url)
            status = {**update, "mediaStreamingStatus": "mediaStreamingFailed"}
            self.tell("MediaStreamingFailed", {"mediaStreamingUpdate": status}, 400, 8581, "socket")
        finally:
            self._live -= 1
            self.change()

    async def _deliver(self) -> None:
        while True:
            kind, asked = await self._outbox.get()
            if await self.ask(asked) is not None:
                self.told.append(kind)
                self.change()
            self._outbox.task_done()

    async def _end(self, message: str) -> None:
        if self.state != "connected":
            self.state = "disconnected"
            return
        self.state = "disconnected"
        for call in self.streams:
            await call.hang_up()
        self.tell("CallDisconnected", message=message)
