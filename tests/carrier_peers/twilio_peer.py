"""Twilio, whole: its API, its webhooks and its media streams, for one account (reference 1)."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

from tests.carrier_peers import twilio_hooks
from tests.carrier_peers.http import deliver
from tests.carrier_peers.ids import sid
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.phone import Whole, living
from tests.carrier_peers.rest import Reply, Request, basic_auth
from tests.carrier_peers.twilio_hooks import Account, PhoneCall
from tests.carrier_peers.twilio_phone import Plan, TwilioPhone
from tests.carrier_peers.twilio_rest import VERSION, Dialled, Refusal, change, dialled, resource
from tests.carrier_peers.twiml import document

__all__ = ["Placed", "TwilioPeer"]


class Placed:
    """A call that the application has asked for by the API, and that rings at somebody's."""

    def __init__(self, peer: TwilioPeer, order: Dialled, manners: Manners) -> None:
        fields = order.fields
        plan = Plan(
            order.url,
            order.twiml,
            order.method,
            fields.get("StatusCallback"),
            order.events,
            manners=manners,
        )
        self.order = order
        self.phone = TwilioPhone(peer, order.call, plan)
        self._peer = peer

    @asynccontextmanager
    async def answer(
        self, answered_by: str = "human", verdict_after_s: float = 0.0
    ) -> AsyncIterator[TwilioPhone]:
        """Somebody picks up; `answered_by` is the verdict of answering-machine detection, where it was asked for:
        with the voice webhook, which waits for it, or afterwards when it was asked for asynchronously."""
        phone, fields = self.phone, self.order.fields
        await self._ring()
        verdicts = []
        if "MachineDetection" in fields:
            if fields.get("AsyncAmd") != "true":
                await asyncio.sleep(verdict_after_s)
                phone.plan = replace(phone.plan, extra=(("AnsweredBy", answered_by),))
            elif url := fields.get("AsyncAmdStatusCallback"):
                verdicts.append(self._verdict(url, answered_by, verdict_after_s))
        await phone.report("in-progress", "answered")
        async with living(phone, *verdicts):
            yield phone

    async def fail(self, status: Literal["busy", "no-answer", "failed"]) -> None:
        """Nobody picks up."""
        if status != "failed":
            await self._ring()
        await self.phone.report(status, "completed")
        await self.phone.end(status)

    async def _ring(self) -> None:
        await self.phone.report("initiated")
        await self.phone.report("ringing")

    async def _verdict(self, url: str, answered_by: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        asked = twilio_hooks.amd(
            self._peer.account, self.phone.call, url, answered_by, round(after_s * 1000)
        )
        await deliver(asked, self._peer.via)


class TwilioPeer(Whole):
    """Twilio for one account. `base` instead of `https://api.twilio.com`; `via` is where the application listens."""

    def __init__(self, account: Account, via: str | None, prefix: str = "") -> None:
        super().__init__(via)
        self.account = account
        self.prefix = prefix
        """Before the paths of the API: `/api/laml` is SignalWire's (reference 8)."""
        self.phones: dict[str, TwilioPhone] = {}
        """By call sid."""
        self._placed: asyncio.Queue[Placed] = asyncio.Queue(100)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, account: Account | None = None, via: str | None = None, *, prefix: str = "", port: int = 0
    ) -> AsyncIterator[TwilioPeer]:
        peer = cls(account or Account(), via, prefix)
        async with peer.serving(peer.handle, port):
            yield peer

    @asynccontextmanager
    async def ring(
        self,
        voice_url: str,
        *,
        from_: str = "+15550100001",
        to: str = "+15550100002",
        status_url: str | None = None,
        manners: Manners = GOOD,
    ) -> AsyncIterator[TwilioPhone]:
        """Somebody calls a number whose voice webhook is `voice_url`. When the body ends, the caller hangs up."""
        phone = TwilioPhone(
            self, PhoneCall(from_, to), Plan(voice_url, status_url=status_url, manners=manners)
        )
        self.phones[phone.call.sid] = phone
        async with living(phone):
            yield phone

    async def placed(self, within_s: float = 20.0) -> Placed:
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
        user, password = basic_auth(request) or ("", "")
        if user != self.account.sid or not hmac.compare_digest(password, self.account.token):
            raise Refusal(401, 20003, "Authenticate")
        root = f"{self.prefix}/{VERSION}/Accounts/{self.account.sid}/Calls"
        if not request.path.startswith(root):
            raise Refusal(404, 20404, f"{request.path} was not found")
        if request.method == "POST" and request.type != "application/x-www-form-urlencoded":
            raise Refusal(400, 20001, f"not a form: {request.type!r}")
        match request.method, request.path.removeprefix(root).strip("/").split("/"):
            case "POST", [".json"]:
                return self._dial(request)
            case "POST", [name] if name.endswith(".json"):
                return await self._change(self._phone(name), request)
            case "GET", [name] if name.endswith(".json"):
                return Reply(200, resource(self.account.sid, self._phone(name).call))
            case "POST", [call, "Recordings.json"]:
                phone = self._phone(call)
                return Reply(201, {"sid": sid("RE"), "call_sid": phone.call.sid, "status": "in-progress"})
            case _:
                raise Refusal(404, 20404, f"{request.method} {request.path} was not found")

    def _dial(self, request: Request) -> Reply:
        order = dialled(request.form)
        placed = Placed(self, order, GOOD)
        self.phones[order.call.sid] = placed.phone
        self._placed.put_nowait(placed)
        return Reply(201, resource(self.account.sid, order.call))

    async def _change(self, phone: TwilioPhone, request: Request) -> Reply:
        wanted = change(request.form, phone.call)
        if wanted.status is not None:
            await phone.end("canceled" if wanted.status == "canceled" else "completed")
        elif wanted.twiml is not None:
            await phone.redirect(document(wanted.twiml))
        elif wanted.url is not None:
            await phone.redirect(await phone.fetch(wanted.url, wanted.method))
        return Reply(200, resource(self.account.sid, phone.call))

    def _phone(self, name: str) -> TwilioPhone:
        found = self.phones.get(name.removesuffix(".json"))
        if found is None:
            raise Refusal(404, 20404, f"the call {name} was not found")
        return found
