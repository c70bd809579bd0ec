"""Plivo, whole: its API, its webhooks and its streams, for one account (reference 4)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from tests.carrier_peers import plivo_hooks
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.phone import Whole, living
from tests.carrier_peers.plivo_hooks import Account, PhoneLeg
from tests.carrier_peers.plivo_phone import PlivoPhone, Urls
from tests.carrier_peers.rest import Reply, Request, basic_auth
from tests.carrier_peers.words import words

__all__ = ["PlivoPeer", "PlivoPlaced"]

RULE = "telephony 4.3"
DIAL = words(
    """from to answer_url answer_method ring_url ring_method hangup_url hangup_method fallback_url fallback_method
    caller_name send_digits send_on_preanswer time_limit hangup_on_ring machine_detection machine_detection_time
    machine_detection_url machine_detection_method sip_headers ring_timeout parent_call_uuid
    error_if_parent_not_found callback_url callback_method"""
)
CHANGE = words("legs aleg_url aleg_method bleg_url bleg_method")
NUMBER = re.compile(r"\+?[1-9]\d{6,14}|sip:\S+@\S+")
WEB = re.compile(r"https?://[^/]")


class Refusal(Broken):
    """An answer with Plivo's error JSON."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(str(status), message, RULE)
        self.status = status
        self.body = {"api_id": new_uuid(), "error": message}


class PlivoPlaced:
    """A call that the application has asked for by the API, and that rings at somebody's."""

    def __init__(self, peer: PlivoPeer, phone: PlivoPhone, fields: Mapping[str, str]) -> None:
        self.phone = phone
        self.fields = fields
        self._peer = peer

    @asynccontextmanager
    async def answer(self, machine: bool = False) -> AsyncIterator[PlivoPhone]:
        """Somebody picks up; the verdict on whom comes with the answer webhook, or at `machine_detection_url`."""
        await self.phone.ring()
        verdicts = []
        if "machine_detection" in self.fields:
            if (url := self.fields.get("machine_detection_url")) is not None:
                verdicts.append(self._verdict(url, machine))
            else:
                self.phone.extra.append(("Machine", str(machine).lower()))
        async with living(self.phone, *verdicts):
            yield self.phone

    async def fail(self, cause: str = "USER_BUSY", code: int = 3010) -> None:
        """Nobody picks up."""
        await self.phone.ring()
        await self.phone.tell_hangup(cause, code)

    async def _verdict(self, url: str, machine: bool) -> None:
        await self.phone.ask(plivo_hooks.machine(self._peer.account, self.phone.leg, url, machine))


class PlivoPeer(Whole):
    """Plivo for one account. `base` instead of `https://api.plivo.com`; `via` is where the application listens."""

    def __init__(self, account: Account, via: str | None) -> None:
        super().__init__(via)
        self.account = account
        self._phones: dict[str, PlivoPhone] = {}
        self._placed: asyncio.Queue[PlivoPlaced] = asyncio.Queue(100)

    @classmethod
    @asynccontextmanager
    async def open(cls, account: Account | None = None, via: str | None = None) -> AsyncIterator[PlivoPeer]:
        peer = cls(account or Account(), via)
        async with peer.serving(peer.handle):
            yield peer

    @asynccontextmanager
    async def ring(
        self,
        answer_url: str,
        *,
        method: str = "POST",
        hangup_url: str | None = None,
        leg: PhoneLeg | None = None,
        manners: Manners = GOOD,
    ) -> AsyncIterator[PlivoPhone]:
        """Somebody calls. When the body ends, the caller hangs up."""
        urls = Urls(answer_url, method, hangup=hangup_url)
        phone = PlivoPhone(self, self.account, leg or PhoneLeg(), urls, manners)
        self._phones[phone.leg.uuid] = phone
        async with living(phone):
            yield phone

    async def placed(self, within_s: float = 20.0) -> PlivoPlaced:
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

    async def _judge(self, request: Request) -> Reply:
        if basic_auth(request) != (self.account.auth_id, self.account.token):
            raise Refusal(401, "could not verify your access level")
        if not request.path.endswith("/"):
            raise Refusal(404, "paths end with a slash")
        match request.method, request.path.strip("/").split("/")[3:]:
            case "POST", ["Call"]:
                return self._dial(_fields(request, DIAL))
            case "POST", ["Call", uuid]:
                return await self._transfer(self._phone(uuid), _fields(request, CHANGE))
            case "DELETE", ["Call", uuid]:
                await self._phone(uuid).hang_up()
                return Reply(204)
            case "DELETE", ["Request", request_uuid]:
                await self._asked_for(request_uuid).hang_up()
                return Reply(204)
            case "POST", ["Call", uuid, "DTMF"]:
                phone, fields = self._phone(uuid), _fields(request, words("digits leg"))
                if not re.fullmatch(r"[0-9A-D*#w]+", fields.get("digits", "")):
                    raise Refusal(400, "digits parameter not valid")
                phone.pressed.append(fields["digits"])
                return Reply(202, {"api_id": new_uuid(), "message": "digits sent"})
            case "POST", ["Call", uuid, "Record"]:
                self._phone(uuid)
                about = {"message": "call recording started", "recording_id": new_uuid()}
                return Reply(202, {**about, "url": "https://media.plivo.com/recording.mp3"})
            case "DELETE", ["Call", uuid, "Stream", *_]:
                for call in self._phone(uuid).streams:
                    await call.hang_up()
                return Reply(204)
            case "GET", ["Call", uuid]:
                phone = self._phone(uuid)
                return Reply(200, {"call_uuid": uuid, "call_status": phone.leg.status})
            case _:
                raise Refusal(404, "not found")

    def _dial(self, fields: Mapping[str, str]) -> Reply:
        for name in ("from", "to", "answer_url"):
            if not fields.get(name):
                raise Refusal(400, f"{name} parameter missing")
        if not NUMBER.fullmatch(fields["from"]) or not all(
            NUMBER.fullmatch(one) for one in fields["to"].split("<")
        ):
            raise Refusal(400, "from or to parameter not valid")
        for name, value in fields.items():
            if name.endswith("_url") and not WEB.match(value):
                raise Refusal(400, f"{name} parameter not valid")
            if name.endswith("_method") and value not in ("GET", "POST"):
                raise Refusal(400, f"{name} parameter not valid")
        if fields.get("machine_detection", "true") not in ("true", "hangup"):
            raise Refusal(400, "machine_detection parameter not valid")
        plain = fields["from"].lstrip("+"), fields["to"].lstrip("+")
        leg = PhoneLeg(*plain, "outbound", request=new_uuid())
        urls = Urls(
            fields["answer_url"],
            fields.get("answer_method", "POST"),
            fields.get("ring_url"),
            fields.get("hangup_url"),
        )
        phone = PlivoPhone(self, self.account, leg, urls)
        self._phones[leg.uuid] = phone
        self._placed.put_nowait(PlivoPlaced(self, phone, fields))
        return Reply(201, {"api_id": new_uuid(), "message": "call fired", "request_uuid": leg.request})

    async def _transfer(self, phone: PlivoPhone, fields: Mapping[str, str]) -> Reply:
        if fields.get("legs", "aleg") not in ("aleg", "bleg", "both") or "aleg_url" not in fields:
            raise Refusal(400, "legs and aleg_url are needed")
        await phone.redirect(fields["aleg_url"], fields.get("aleg_method", "POST"))
        about = {"message": "call transferred", "call_uuids": [phone.leg.uuid]}
        return Reply(202, {"api_id": new_uuid(), **about})

    def _asked_for(self, request: str) -> PlivoPhone:
        """A call that was asked for and is not answered yet (`calls.cancel` of the vendor's package)."""
        for phone in self._phones.values():
            if phone.leg.request == request and phone.live and phone.leg.status != "in-progress":
                return phone
        raise Refusal(404, "no such request")

    def _phone(self, uuid: str) -> PlivoPhone:
        phone = self._phones.get(uuid)
        if phone is None or not phone.live:
            raise Refusal(404, "call not found")
        return phone


def _fields(request: Request, known: Collection[str]) -> dict[str, str]:
    """Of a JSON object or a form. Raises Refusal."""
    try:
        given = request.json if request.type == "application/json" else dict(request.form)
    except ValueError:
        raise Refusal(400, "the body cannot be read") from None
    if not isinstance(given, dict):
        raise Refusal(400, "not an object")
    if unknown := given.keys() - set(known):
        raise Refusal(400, f"unknown parameters: {', '.join(sorted(unknown))}")
    return {name: str(value) for name, value in given.items()}
