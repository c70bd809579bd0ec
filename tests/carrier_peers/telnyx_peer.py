"""Telnyx, whole: call control, webhooks and media streams, for one account (reference 2)."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import unquote

from tests.carrier_peers.codecs import MULAW, Codec
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.phone import Whole, living
from tests.carrier_peers.rest import Reply, Request
from tests.carrier_peers.telnyx_hooks import Keys
from tests.carrier_peers.telnyx_phone import TelnyxPhone
from tests.carrier_peers.telnyx_rest import Refusal, judged_dial, stream_wanted
from tests.carrier_peers.telnyx_stream import CallIds

__all__ = ["TelnyxPeer", "TelnyxPlaced"]


class TelnyxPlaced:
    """A call that the application has asked for by the API, and that rings at somebody's."""

    def __init__(self, peer: TelnyxPeer, phone: TelnyxPhone, fields: Mapping[str, Any]) -> None:
        self.phone = phone
        self.fields = fields
        self._peer = peer

    @asynccontextmanager
    async def answer(
        self, machine: Literal["human", "machine", "not_sure"] = "human", moved: bool = False
    ) -> AsyncIterator[TelnyxPhone]:
        """Somebody picks up; `moved`: and the call gets another control id with it."""
        phone = self.phone
        async with living(phone):
            phone.tell("call.initiated", direction="outgoing", state="bridging")
            if moved:
                await phone.move()
            await phone.picked_up(self.fields)
            wanted = self.fields.get("answering_machine_detection", "disabled")
            if wanted != "disabled":
                premium = "premium." if wanted.startswith("premium") else ""
                phone.tell(f"call.machine.{premium}detection.ended", result=machine)
            yield phone

    async def fail(self, cause: Literal["user_busy", "timeout", "call_rejected", "not_found"]) -> None:
        """Nobody picks up."""
        async with living(self.phone):
            self.phone.tell("call.initiated", direction="outgoing", state="bridging")
            self.phone.state = "hangup"
            self.phone.tell("call.hangup", state="hangup", hangup_cause=cause, hangup_source="callee")


class TelnyxPeer(Whole):
    """Telnyx for one account. `base` + `/v2` instead of `https://api.telnyx.com/v2`; `via` is where the application
    listens."""

    def __init__(self, api_key: str, webhook_url: str, via: str | None) -> None:
        super().__init__(via)
        self.api_key = api_key
        self.webhook_url = webhook_url
        """Of the connection, for calls that name none."""
        self.keys = Keys()
        self._phones: dict[str, TelnyxPhone] = {}
        self._placed: asyncio.Queue[TelnyxPlaced] = asyncio.Queue(100)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, webhook_url: str, *, api_key: str = "KEY0123", via: str | None = None
    ) -> AsyncIterator[TelnyxPeer]:
        peer = cls(api_key, webhook_url, via)
        async with peer.serving(peer.handle):
            yield peer

    @asynccontextmanager
    async def ring(
        self,
        *,
        from_: str = "+15550100001",
        to: str = "+15550100002",
        says: Codec = MULAW,
        manners: Manners = GOOD,
        underscores: bool = False,
    ) -> AsyncIterator[TelnyxPhone]:
        """Somebody calls; `says` is the codec of the telephone leg. When the body ends, the caller hangs up."""
        phone = TelnyxPhone(
            self, CallIds(), (from_, to), self.webhook_url, "incoming", says, manners, underscores
        )
        self.know(phone)
        async with living(phone):
            phone.tell("call.initiated", direction="incoming", state="parked", tags=[])
            yield phone

    async def placed(self, within_s: float = 20.0) -> TelnyxPlaced:
        """The next call that the application has asked for. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            return await self._placed.get()

    def know(self, phone: TelnyxPhone) -> None:
        """Find a call by the control id it has now, and by no other."""
        self._phones = {control: one for control, one in self._phones.items() if one is not phone}
        self._phones[phone.ids.control] = phone

    # ── the API ───────────────────────────────────────────────────────────────────────────────────────────

    async def handle(self, request: Request) -> Reply:
        try:
            return Reply(200, {"data": await self._judge(request)})
        except Refusal as refusal:
            self.blame(refusal, f"{request.method} {request.path}")
            return Reply(refusal.status, refusal.body)

    async def _judge(self, request: Request) -> dict[str, object]:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(key, self.api_key):
            raise Refusal(401, 10009, "Authentication failed", "no valid API key")
        if request.method == "POST" and request.body and request.type != "application/json":
            raise Refusal(415, 10014, "Unsupported Media Type", request.type)
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["v2", "calls"]:
                return self._dial(_json(request))
            case "POST", ["v2", "calls", control, "actions", action]:
                return await self._phone(control).command(action, _json(request) if request.body else None)
            case "GET", ["v2", "calls", control]:
                return self._shown(self._phone(control))
            case _:
                raise Refusal(404, 10005, "Resource not found", f"{request.method} {request.path}")

    def _dial(self, body: object) -> dict[str, object]:
        fields = judged_dial(body)
        stream_wanted(fields)
        hook = fields.get("webhook_url", self.webhook_url)
        ids = CallIds(connection=fields["connection_id"])
        phone = TelnyxPhone(self, ids, (fields["from"], fields["to"]), hook, "outgoing")
        phone.client_state = fields.get("client_state")
        self.know(phone)
        self._placed.put_nowait(TelnyxPlaced(self, phone, fields))
        return self._shown(phone)

    def _shown(self, phone: TelnyxPhone) -> dict[str, object]:
        return {
            "record_type": "call",
            "call_control_id": phone.ids.control,
            "call_leg_id": phone.ids.leg,
            "call_session_id": phone.ids.session,
            "is_alive": phone.state == "answered",
        }

    def _phone(self, control: str) -> TelnyxPhone:
        found = self._phones.get(unquote(control))
        if found is None:
            raise Refusal(
                422, 90015, "Invalid Call Control ID", "The call_control_id provided was not valid."
            )
        return found


def _json(request: Request) -> object:
    try:
        value: object = request.json
    except ValueError:
        raise Refusal(400, 10015, "Bad Request", "not JSON") from None
    return value
