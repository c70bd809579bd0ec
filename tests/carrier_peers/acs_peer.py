"""Azure Communication Services, whole: Event Grid, call automation, media sockets, for one resource (reference 5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.carrier_peers import acs_hooks
from tests.carrier_peers.acs_hooks import AcsCall, Resource
from tests.carrier_peers.acs_phone import AcsPhone
from tests.carrier_peers.acs_rest import ACTIONS, ANSWER, CREATE, REJECT, Create, Refusal, authenticate
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.http import deliver
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.phone import Whole, living
from tests.carrier_peers.rest import Reply, Request
from tests.carrier_peers.strict import judged

__all__ = ["AcsPeer", "AcsPlaced"]

RULE = "telephony 5.2"
ROOT = "/calling/callConnections"


class AcsPlaced:
    """A call that the application has asked for by the API, and that rings at somebody's."""

    def __init__(self, phone: AcsPhone, order: Create) -> None:
        self.phone = phone
        self.order = order

    @asynccontextmanager
    async def answer(self) -> AsyncIterator[AcsPhone]:
        """Somebody picks up."""
        async with living(self.phone):
            order = self.order
            self.phone.connect(order.callbackUri, order.operationContext, order.mediaStreamingOptions)
            yield self.phone

    async def fail(self, code: int = 486, sub_code: int = 560486, message: str = "Busy") -> None:
        """Nobody picks up."""
        async with living(self.phone):
            self.phone.fail(self.order.callbackUri, code, sub_code, message)


class AcsPeer(Whole):
    """Azure for one resource. `base` is the resource's endpoint and the host of the keys (`acs_hooks.OPENID`); `via` is
    where the application listens."""

    def __init__(self, resource: Resource, via: str | None) -> None:
        super().__init__(via)
        self.resource = resource
        self._ringing: dict[str, AcsPhone] = {}
        self._phones: dict[str, AcsPhone] = {}
        self._placed: asyncio.Queue[AcsPlaced] = asyncio.Queue(100)

    @classmethod
    @asynccontextmanager
    async def open(cls, resource: Resource | None = None, via: str | None = None) -> AsyncIterator[AcsPeer]:
        peer = cls(resource or Resource(), via)
        async with peer.serving(peer.handle):
            yield peer

    async def subscribe(self, url: str) -> None:
        """Event Grid's handshake with a URL. Raises Broken when it does not want the events."""
        code = new_uuid()
        answered = await deliver(acs_hooks.validation(url, code), self.via)
        if answered.status != 200 or answered.json != {"validationResponse": code}:
            raise Broken("validation", f"HTTP {answered.status}: {answered.text}", "telephony 5.1")

    @asynccontextmanager
    async def ring(
        self, events_url: str, *, call: AcsCall | None = None, times: int = 1, manners: Manners = GOOD
    ) -> AsyncIterator[AcsPhone]:
        """Somebody calls; the event is delivered so many `times`. When the body ends, the caller hangs up."""
        phone = AcsPhone(self, self.resource, call or AcsCall(), manners)
        self._ringing[phone.call.context] = phone
        async with living(phone):
            event_id = new_uuid()
            for _ in range(times):
                await phone.ask(acs_hooks.incoming(events_url, phone.call, event_id), 30.0)
            yield phone

    async def placed(self, within_s: float = 20.0) -> AcsPlaced:
        """The next call that the application has asked for. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            return await self._placed.get()

    # ── the API ───────────────────────────────────────────────────────────────────────────────────────────

    async def handle(self, request: Request) -> Reply:
        try:
            return await self._judge(request)
        except Refusal as refusal:
            self.blame(refusal, f"{request.method} {request.path}")
            return Reply(refusal.status, refusal.body)
        except Broken as broken:
            self.blame(broken, request.body.decode(errors="replace"))
            return Reply(400, {"error": {"code": "BadRequest", "message": broken.message}})

    async def _judge(self, request: Request) -> Reply:
        if request.method == "GET" and request.path == acs_hooks.OPENID:
            return Reply(200, acs_hooks.openid(self.base))
        if request.method == "GET" and request.path == acs_hooks.KEYS:
            return Reply(200, {"keys": [self.resource.key.as_dict(private=False)]})
        authenticate(request, self.resource.access_key)
        connection, _, action = request.path.removeprefix(ROOT).lstrip("/").partition(":")
        match request.method, connection, action:
            case "POST", "", "":
                return self._create(judged(CREATE, _json(request), "400", RULE))
            case "POST", "", "answer":
                return self._answer(_json(request))
            case "POST", "", "reject":
                self._take(judged(REJECT, _json(request), "400", RULE).incomingCallContext)
                return Reply(204)
            case "POST", "", "redirect":
                self._take(judged(ACTIONS["redirect"], _json(request), "400", RULE).incomingCallContext)
                return Reply(204)
            case "POST", _, _ if action in ACTIONS:
                body = _json(request) if request.body else {}
                judged(ACTIONS[action], body, "400", RULE)
                status = await self._phone(connection).command(action, _object(body))
                return Reply(status, {} if status == 202 else None)
            case "DELETE", _, "":
                return Reply(await self._phone(connection).command("delete", {}))
            case "GET", _, "":
                return Reply(200, self._shown(self._phone(connection), None))
            case _:
                raise Refusal(404, "NotFound", f"{request.method} {request.path}")

    def _answer(self, body: object) -> Reply:
        order = judged(ANSWER, body, "400", RULE)
        phone = self._take(order.incomingCallContext)
        self._phones[phone.call.connection] = phone
        phone.connect(order.callbackUri, order.operationContext, order.mediaStreamingOptions)
        return Reply(200, self._shown(phone, order.callbackUri))

    def _create(self, order: Create) -> Reply:
        target, source = order.targets[0].phoneNumber, order.sourceCallerIdNumber
        if target is None or source is None:
            raise Refusal(400, "8523", "a phone number is called, from one")
        phone = AcsPhone(self, self.resource, AcsCall(source.value, target.value))
        self._phones[phone.call.connection] = phone
        self._placed.put_nowait(AcsPlaced(phone, order))
        return Reply(201, self._shown(phone, order.callbackUri))

    def _take(self, context: str) -> AcsPhone:
        """The ringing call of a context, which can be used once."""
        phone = self._ringing.pop(context, None)
        if phone is None or phone.state != "incoming":
            raise Refusal(400, "8500", "incomingCallContext is void: the call was taken, or has gone")
        return phone

    def _phone(self, connection: str) -> AcsPhone:
        phone = self._phones.get(connection)
        if phone is None:
            raise Refusal(404, "8522", f"no call {connection}")
        return phone

    def _shown(self, phone: AcsPhone, callback: str | None) -> Mapping[str, Any]:
        call = phone.call
        target = {"kind": "phoneNumber", "rawId": f"4:{call.to}", "phoneNumber": {"value": call.to}}
        return {
            "callConnectionId": call.connection,
            "serverCallId": call.server,
            "correlationId": call.correlation,
            "callConnectionState": "connected" if phone.state == "connected" else "connecting",
            "callbackUri": callback,
            "targets": [target],
        }


def _json(request: Request) -> object:
    try:
        value: object = request.json
    except ValueError:
        raise Refusal(400, "BadRequest", "not JSON") from None
    return value


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(400, "BadRequest", "not an object")
    return value
