"""Vonage, whole: the Voice API, its webhooks and its sockets, for one application (reference 3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from joserfc import jwt
from joserfc.errors import JoseError
from pydantic import Field, TypeAdapter

from tests.carrier_peers.faults import Broken
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.ncco import Change, CreateCall
from tests.carrier_peers.phone import Whole, living
from tests.carrier_peers.rest import Reply, Request
from tests.carrier_peers.strict import Strict, judged
from tests.carrier_peers.vonage_hooks import Account, Legs
from tests.carrier_peers.vonage_phone import VonagePhone

__all__ = ["VonagePeer", "VonagePlaced"]

RULE = "telephony 3.3"
LONGEST_TOKEN_S = 24 * 3600


class _Digits(Strict):
    digits: str = Field(pattern=r"^[0-9*#p]+$")


_CREATE = TypeAdapter(CreateCall)
_CHANGE = TypeAdapter(Change)
_DIGITS = TypeAdapter(_Digits)


class Refusal(Broken):
    """An answer with Vonage's error JSON."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(str(status), f"{title}: {detail}", RULE)
        self.status = status
        self.body = {"type": "https://developer.vonage.com/api-errors", "title": title, "detail": detail}


class VonagePlaced:
    """A call that the application has asked for by the API, and that rings at somebody's."""

    def __init__(self, phone: VonagePhone, order: CreateCall) -> None:
        self.phone = phone
        self.order = order

    @asynccontextmanager
    async def answer(self, machine: Literal["human", "machine"] = "human") -> AsyncIterator[VonagePhone]:
        """Somebody picks up; `machine` is told when it was asked for."""
        await self.phone.tell("started")
        await self.phone.tell("ringing")
        if self.order.machine_detection or self.order.advanced_machine_detection:
            self.phone.machine = machine
        async with living(self.phone):
            yield self.phone

    async def fail(self, status: Literal["busy", "failed", "rejected", "timeout", "unanswered"]) -> None:
        """Nobody picks up."""
        await self.phone.tell("started")
        await self.phone.tell(status)


class VonagePeer(Whole):
    """Vonage for one application. `base` instead of `https://api.nexmo.com`; `via` is where the application listens."""

    def __init__(self, account: Account, event_url: str | None, via: str | None) -> None:
        super().__init__(via)
        self.account = account
        self.event_url = event_url
        """Of the application, for calls that name none."""
        self._phones: dict[str, VonagePhone] = {}
        self._placed: asyncio.Queue[VonagePlaced] = asyncio.Queue(100)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, account: Account | None = None, *, event_url: str | None = None, via: str | None = None
    ) -> AsyncIterator[VonagePeer]:
        peer = cls(account or Account(), event_url, via)
        async with peer.serving(peer.handle):
            yield peer

    @asynccontextmanager
    async def ring(
        self,
        answer_url: str,
        *,
        legs: Legs | None = None,
        answer_method: Literal["GET", "POST"] = "GET",
        manners: Manners = GOOD,
        cleared: bool = False,
    ) -> AsyncIterator[VonagePhone]:
        """Somebody calls a number of the application's; `cleared`: notifications that a clear overtakes are told. When
        the body ends, the caller hangs up."""
        phone = VonagePhone(
            self,
            self.account,
            legs or Legs(),
            answer_url,
            self.event_url,
            answer_method=answer_method,
            manners=manners,
            cleared=cleared,
        )
        self._phones[phone.legs.uuid] = phone
        async with living(phone):
            yield phone

    async def placed(self, within_s: float = 20.0) -> VonagePlaced:
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
            return Reply(400, Refusal(400, "Bad Request", broken.message).body)

    async def _judge(self, request: Request) -> Reply:
        self._authenticate(request)
        if request.method in ("POST", "PUT") and request.type != "application/json":
            raise Refusal(415, "Unsupported Media Type", request.type)
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["v1", "calls"]:
                return self._dial(judged(_CREATE, _json(request), "400", RULE))
            case "GET", ["v1", "calls", uuid]:
                phone, _ = self._leg(uuid)
                return Reply(200, self._shown(phone))
            case "PUT", ["v1", "calls", uuid]:
                return await self._change(uuid, judged(_CHANGE, _json(request), "400", RULE))
            case "PUT", ["v1", "calls", uuid, "dtmf"]:
                phone, _ = self._leg(uuid)
                phone.pressed.append(judged(_DIGITS, _json(request), "400", RULE).digits)
                return Reply(200, {"message": "DTMF sent", "uuid": uuid})
            case _:
                raise Refusal(404, "Not Found", f"{request.method} {request.path}")

    def _authenticate(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme != "Bearer":
                raise ValueError("no bearer")  # noqa: TRY301 - one refusal for all
            claims = jwt.decode(token, self.account.key, algorithms=["RS256"]).claims
        except (JoseError, ValueError) as error:
            raise Refusal(401, "Unauthorized", f"no valid token: {error}") from None
        now = time.time()
        if claims.get("application_id") != self.account.application or not claims.get("jti"):
            raise Refusal(401, "Unauthorized", "application_id and jti are needed")
        if not now - 300 <= claims.get("iat", 0) <= now + 60 or not claims.get("exp", now + 900) > now:
            raise Refusal(401, "Unauthorized", "a token of another time")

    def _dial(self, order: CreateCall) -> Reply:
        if (order.ncco is None) == (order.answer_url is None):
            raise Refusal(400, "Bad Request", "either ncco or answer_url")
        if (order.from_ is None) == (not order.random_from_number):
            raise Refusal(400, "Bad Request", "either from or random_from_number")
        number = order.from_.number if order.from_ is not None else "15550100000"
        legs = Legs(number, order.to[0].number, "outbound")
        phone = VonagePhone(
            self,
            self.account,
            legs,
            order.answer_url[0] if order.answer_url else None,
            order.event_url[0] if order.event_url else self.event_url,
            order.ncco,
            order.answer_method or "GET",
        )
        self._phones[legs.uuid] = phone
        self._placed.put_nowait(VonagePlaced(phone, order))
        about = {"uuid": legs.uuid, "status": "started", "direction": "outbound"}
        return Reply(201, {**about, "conversation_uuid": legs.conversation})

    async def _change(self, uuid: str, wanted: Change) -> Reply:
        phone, stream = self._leg(uuid)
        if (wanted.action == "transfer") != (wanted.destination is not None):
            raise Refusal(400, "Bad Request", "a transfer has a destination, and nothing else has")
        if not phone.live:
            raise Refusal(404, "Not Found", f"{uuid} has ended")
        if wanted.action == "hangup":
            await (phone.hang_up() if stream is None else phone.streams[stream].hang_up())
        if wanted.destination is not None:
            urls = wanted.destination.url
            if (wanted.destination.ncco is None) == (urls is None):
                raise Refusal(400, "Bad Request", "either ncco or url")
            await phone.redirect(wanted.destination.ncco or await phone.fetch(urls[0] if urls else ""))
        return Reply(204)

    def _leg(self, uuid: str) -> tuple[VonagePhone, int | None]:
        """The call of a leg, and which of its streams the leg is; None for the telephone."""
        if uuid in self._phones:
            return self._phones[uuid], None
        for phone in self._phones.values():
            if uuid in phone.sockets:
                return phone, phone.sockets.index(uuid)
        raise Refusal(404, "Not Found", f"no call {uuid}")

    def _shown(self, phone: VonagePhone) -> dict[str, object]:
        return {
            "uuid": phone.legs.uuid,
            "conversation_uuid": phone.legs.conversation,
            "status": "answered" if phone.live else "completed",
            "direction": phone.legs.direction,
            "to": {"type": "phone", "number": phone.legs.to},
            "from": {"type": "phone", "number": phone.legs.from_},
        }


def _json(request: Request) -> object:
    try:
        value: object = request.json
    except ValueError:
        raise Refusal(400, "Bad Request", "not JSON") from None
    return value
