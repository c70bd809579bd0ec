"""A phone call at Telnyx, doing what the application commands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from tests.carrier_peers.codecs import MULAW, Codec
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.http import Asked, Unreachable, deliver
from tests.carrier_peers.ids import new_uuid, sid
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.phone import Phone
from tests.carrier_peers.sockets import Refused
from tests.carrier_peers.telnyx_hooks import event, retried
from tests.carrier_peers.telnyx_rest import Refusal, judged_action, stream_mode, stream_wanted
from tests.carrier_peers.telnyx_stream import CallIds, TelnyxCall, TelnyxStream

if TYPE_CHECKING:
    from tests.carrier_peers.telnyx_peer import TelnyxPeer

__all__ = ["TelnyxPhone"]

ATTEMPTS = 3
"""At one webhook, until the application answers 2xx."""

State = Literal["parked", "ringing", "answered", "hangup"]
BEFORE_ANSWER = frozenset({"answer", "reject", "hangup", "transfer"})
"""Actions that need no answered call."""


class TelnyxPhone(Phone[TelnyxCall]):
    """What a test holds of one call at Telnyx."""

    def __init__(
        self,
        peer: TelnyxPeer,
        ids: CallIds,
        numbers: tuple[str, str],
        webhook_url: str,
        direction: Literal["incoming", "outgoing"],
        says: Codec = MULAW,
        manners: Manners = GOOD,
        underscores: bool = False,
    ) -> None:
        super().__init__(peer)
        self.ids = ids
        self.numbers = numbers
        self.webhook_url = webhook_url
        self.direction = direction
        self.state: State = "parked" if direction == "incoming" else "ringing"
        self.commands: list[tuple[str, Mapping[str, Any]]] = []
        """Every action that was taken, in order; a repeated `command_id` is not taken again."""
        self.told: list[str] = []
        """Every event that the application has taken."""
        self.client_state: str | None = None
        self.reaches = True
        """Whoever the caller is transferred to picks up."""
        self._peer = peer
        self._says = says
        self._manners = manners
        self._underscores = underscores
        self._live = 0
        self._command_ids: set[str] = set()
        self._orders: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(10)
        self._outbox: asyncio.Queue[Asked] = asyncio.Queue(100)

    # ── for the test ──────────────────────────────────────────────────────────────────────────────────────

    async def doing(self, action: str, within_s: float = 20.0) -> Mapping[str, Any]:
        """The body of the first command of that name. Raises TimeoutError."""
        await self.until(lambda: any(name == action for name, _ in self.commands), f"no {action}", within_s)
        return next(body for name, body in self.commands if name == action)

    async def heard_of(self, kind: str, within_s: float = 20.0) -> None:
        """Until the application has taken an event. Raises TimeoutError."""
        await self.until(lambda: kind in self.told, f"{kind} not taken", within_s)

    async def hang_up(self) -> None:
        """The person puts the phone down."""
        await self._end("normal_clearing", "caller" if self.direction == "incoming" else "callee")

    async def move(self) -> None:
        """The leg moves to another place of Telnyx's: the old control id is void."""
        self.ids = replace(self.ids, control=f"v3:{sid('')}")
        self._peer.know(self)

    def tell(self, kind: str, **payload: object) -> None:
        """Queue a webhook."""
        self._tell(self.ids, kind, payload)

    def _tell(self, ids: CallIds, kind: str, payload: Mapping[str, object]) -> None:
        state = {} if self.client_state is None else {"client_state": self.client_state}
        asked = event(
            self._peer.keys,
            self.webhook_url,
            kind,
            ids,
            {"from": self.numbers[0], "to": self.numbers[1], **state, **payload},
            underscores=self._underscores,
        )
        self._outbox.put_nowait(asked)

    async def picked_up(self, fields: Mapping[str, Any]) -> None:
        """The call is answered; `fields` may want a stream."""
        self.state = "answered"
        self.tell("call.answered", state="answered")
        if stream_wanted(fields) is not None:
            self._orders.put_nowait(fields)

    # ── by the API ────────────────────────────────────────────────────────────────────────────────────────

    async def command(self, action: str, body: object) -> dict[str, object]:
        """Take an action. Raises Refusal."""
        fields = judged_action(action, body)
        if self.state == "hangup":
            raise Refusal(422, 90018, "Call has already ended", "This call is no longer active")
        if (command_id := fields.get("command_id")) in self._command_ids:
            return {"result": "ok"}
        if action not in BEFORE_ANSWER and self.state != "answered":
            raise Refusal(422, 90034, "Call not answered yet", f"{action} needs an answered call")
        if action in ("answer", "reject") and self.state != "parked":
            raise Refusal(422, 90034, "Bad Request", f"{action} of a call that is {self.state}")
        wanted = stream_wanted(fields)
        if command_id is not None:
            self._command_ids.add(command_id)
        self.client_state = fields.get("client_state", self.client_state)
        self.webhook_url = fields.get("webhook_url", self.webhook_url)
        self.commands.append((action, fields))
        self.change()
        match action:
            case "answer":
                await self.picked_up(fields)
            case "reject":
                await self._end("call_rejected", "callee")
            case "hangup":
                await self._end("normal_clearing", "callee" if self.direction == "incoming" else "caller")
            case "streaming_start" if wanted is not None:
                self._orders.put_nowait(fields)
            case "streaming_stop":
                for call in self.streams:
                    await call.hang_up()
            case "transfer" if self.reaches:
                self.tell("call.bridged")
            case "transfer":
                # The new leg ends; the caller's stays.
                state = fields.get("target_leg_client_state")
                self._tell(CallIds(), "call.hangup", {"client_state": state, "hangup_cause": "timeout"})
            case _:
                pass
        return {"result": "ok"}

    # ── the course of the call ────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Deliver webhooks and open streams, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._deliver())
            while True:
                fields = await self._orders.get()
                self._live += 1
                group.create_task(self._stream(fields))

    async def drained(self) -> None:
        """Until every stream has ended and every webhook is delivered."""
        await self.until(lambda: self._live == 0, "a stream is open", 10)
        await self._outbox.join()

    async def _stream(self, fields: Mapping[str, Any]) -> None:
        url = fields["stream_url"]
        parameters = {one["name"]: one["value"] for one in fields.get("custom_parameters", [])}
        ids = replace(self.ids, stream=new_uuid())
        stream = TelnyxStream(
            self._says,
            stream_wanted(fields) or MULAW,
            ids,
            self.numbers,
            parameters,
            fields.get("stream_auth_token"),
            self.client_state,
            stream_mode(fields),
        )
        about = {"stream_id": ids.stream, "stream_url": url}
        try:
            await self._dial(url, stream, about)
        finally:
            self._live -= 1
            self.change()

    async def _dial(self, url: str, stream: TelnyxStream, about: Mapping[str, str]) -> None:
        try:
            async with TelnyxCall.dial(
                url, stream=stream, via=self._peer.via, manners=self._manners
            ) as call:
                self.opened(call)
                self.tell("streaming.started", **about)
                await call.over(3600)
        except Refused as refused:
            self._peer.blame(
                Broken("streaming.failed", f"the socket was refused: {refused}", "telephony 2.1"), url
            )
            self.tell("streaming.failed", **about, failure_reason="connection_failed")
            return
        self.tell("streaming.stopped", **about)

    async def _end(self, cause: str, source: str) -> None:
        if self.state == "hangup":
            return
        self.state = "hangup"
        for call in self.streams:
            await call.hang_up()
        self.tell(
            "call.hangup", state="hangup", hangup_cause=cause, hangup_source=source, sip_hangup_cause="200"
        )

    async def _deliver(self) -> None:
        while True:
            asked, problem = await self._outbox.get(), ""
            for _ in range(ATTEMPTS):
                try:
                    answered = await deliver(asked, self._peer.via)
                except Unreachable as error:
                    problem = str(error)
                else:
                    problem = f"HTTP {answered.status}"
                    if 200 <= answered.status < 300:
                        self.told.append(asked.json["data"]["event_type"].replace("_", "."))
                        self.change()
                        break
                asked = retried(self._peer.keys, asked)
            else:
                self._peer.blame(Broken("webhook", problem, "telephony 2.1"), asked.body.decode())
            self._outbox.task_done()
