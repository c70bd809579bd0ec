"""Twilio's API on this machine: takes the calls that a server places, and what it wants of them while they last
(reference/telephony.md, section 1.5). One telephone: whoever calls while it is in use gets the busy signal."""

from __future__ import annotations

import asyncio
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.softphone.call import Phone, Placed
from gateway.softphone.line import Answer, Facts

__all__ = ["Exchange", "Refusal"]

BODY_AT_MOST = 64 * 1024
CALLS = "/2010-04-01/Accounts/{account}/Calls"
PARTY = re.compile(r"\+[1-9]\d{1,14}|client:[\w.@-]+|sips?:\S+@\S+")
CHANGE = frozenset(
    {
        *("Url", "Twiml", "Method", "FallbackUrl", "FallbackMethod", "Status", "TimeLimit"),
        *("StatusCallback", "StatusCallbackMethod"),
    }
)
DIAL = (CHANGE - {"Status"}) | {
    *("To", "From", "StatusCallbackEvent", "SendDigits", "Timeout", "CallerId", "CallReason", "CallToken"),
    *("Byoc", "Record", "RecordingChannels", "RecordingTrack", "Trim", "RecordingStatusCallback"),
    *("RecordingStatusCallbackMethod", "RecordingStatusCallbackEvent", "MachineDetection"),
    *("MachineDetectionTimeout", "MachineDetectionSpeechThreshold", "MachineDetectionSpeechEndThreshold"),
    *("MachineDetectionSilenceTimeout", "AsyncAmd", "AsyncAmdStatusCallback"),
    "AsyncAmdStatusCallbackMethod",
}
EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
OVER = frozenset({"completed", "busy", "no-answer", "canceled", "failed"})
LONGEST_TWIML = 4000


class Refusal(Exception):
    """An error of Twilio's."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Account:
    sid: str
    """Empty: every account is taken."""
    token: str
    """Empty: every password is taken."""


class Exchange:
    """`ring` is told of each call, and gives what is to be run for it, or None when the line is busy."""

    def __init__(
        self,
        account: Account,
        ring: Callable[[Facts, Placed], tuple[Phone, Coroutine[Any, Any, None]] | None],
        tell: Callable[[str], None],
        *,
        answer_after_s: float,
        outcome: str,
        verdict: str = "",
        verdict_after_s: float = 2.0,
    ) -> None:
        self._account = account
        self._ring = ring
        self._tell = tell
        self._answer_after_s = answer_after_s
        self._outcome = outcome
        self._verdict = verdict
        self._verdict_after_s = verdict_after_s
        self._phones: dict[str, Phone] = {}
        self.waiting: asyncio.Queue[Coroutine[Any, Any, None] | None] = asyncio.Queue(maxsize=2)
        """The call that is to be run, one: the line is busy until it is over. And None, to stop."""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=BODY_AT_MOST)
        app.router.add_post(f"{CALLS}.json", self._answering(self._dial))
        app.router.add_post(f"{CALLS}/{{call}}.json", self._answering(self._change))
        app.router.add_get(f"{CALLS}/{{call}}.json", self._answering(self._read))
        return app

    def _answering(
        self, handler: Callable[[web.Request], Coroutine[Any, Any, web.Response]]
    ) -> Callable[[web.Request], Coroutine[Any, Any, web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            try:
                self._admit(request)
                return await handler(request)
            except Refusal as refusal:
                self._tell(f"refused: {refusal} ({refusal.code})")
                told = {"code": refusal.code, "message": str(refusal), "status": refusal.status}
                return web.json_response(told, status=refusal.status)

        return answer

    def _admit(self, request: web.Request) -> None:
        account, named = self._account, request.match_info["account"]
        wanted = b64encode(f"{account.sid or named}:{account.token}".encode()).decode()
        given = request.headers.get("Authorization", "")
        known = account.sid in ("", named)
        if not given.startswith("Basic ") or not known:
            raise Refusal(401, 20003, "Authenticate: another account than TWILIO_ACCOUNT_SID here")
        if account.token and not compare_digest(given.removeprefix("Basic ").encode(), wanted.encode()):
            raise Refusal(401, 20003, "Authenticate: another token than TWILIO_AUTH_TOKEN here")

    async def _dial(self, request: web.Request) -> web.Response:
        fields, events = await _form(request, DIAL)
        for name, code in (("To", 21211), ("From", 21212)):
            if not PARTY.fullmatch(fields.get(name, "")):
                raise Refusal(400, code, f"{name} is no number in E.164")
        document = _document(fields)
        account = request.match_info["account"]
        facts = Facts(f"CA{secrets.token_hex(16)}", account, fields["From"], fields["To"], "outbound-api")
        status_url = fields.get("StatusCallback", "")
        asks = fields.get("AsyncAmdStatusCallback", "") if fields.get("AsyncAmd") == "true" else ""
        if "MachineDetection" in fields and not (asks and self._verdict):
            self._tell("it asks who picks up; nothing is told without --answered-by")
        placed = Placed(
            fields.get("Url", ""),
            document,
            status_url,
            (events or frozenset({"completed"})) if status_url else frozenset(),
            self._answer_after_s,
            self._outcome,
            asks if "MachineDetection" in fields else "",
            self._verdict,
            self._verdict_after_s,
        )
        rung = self._ring(facts, placed)
        if rung is None:
            raise Refusal(429, 20429, "the telephone is in use; it is one, and takes one call at a time")
        phone, course = rung
        self._phones[facts.call] = phone
        self.waiting.put_nowait(course)
        return web.json_response(self._shown(phone), status=201)

    async def _change(self, request: web.Request) -> web.Response:
        fields, _ = await _form(request, CHANGE)
        phone = self._phone(request)
        if phone.status in OVER:
            raise Refusal(404, 20404, "the call is over")
        status = fields.get("Status")
        if status not in (None, "completed", "canceled"):
            raise Refusal(400, 20001, f"Status is completed or canceled, not {status!r}")
        if status == "canceled" and phone.status == "in-progress":
            raise Refusal(400, 21220, "the call is in progress: it can be completed only")
        if status is not None:
            document = "<Response><Hangup/></Response>"
        elif phone.status != "in-progress":
            raise Refusal(400, 21220, "the call is not in progress")
        else:
            document = _document(fields)
            if url := fields.get("Url"):
                document = f"<Response><Redirect>{url.replace('&', '&amp;')}</Redirect></Response>"
        phone.order(Answer(200, "text/xml", document, str(request.url)))
        return web.json_response(self._shown(phone))

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response(self._shown(self._phone(request)))

    def _phone(self, request: web.Request) -> Phone:
        phone = self._phones.get(request.match_info["call"])
        if phone is None:
            raise Refusal(404, 20404, "there is no such call")
        return phone

    def _shown(self, phone: Phone) -> dict[str, object]:
        facts = phone.facts
        return {
            "sid": facts.call,
            "account_sid": facts.account,
            "from": facts.caller,
            "to": facts.called,
            "direction": facts.direction,
            "status": phone.status,
            "api_version": "2010-04-01",
            "uri": f"{CALLS.format(account=facts.account)}/{facts.call}.json",
        }


async def _form(request: web.Request, known: frozenset[str]) -> tuple[Mapping[str, str], frozenset[str]]:
    """The fields, each once but `StatusCallbackEvent`, and its values. Raises Refusal."""
    pairs = parse_qsl((await request.read()).decode("utf-8", "replace"), keep_blank_values=True)
    events = frozenset(value for name, value in pairs if name == "StatusCallbackEvent")
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise Refusal(400, 20001, f"there is no parameter {name!r}")
        if name in fields and name != "StatusCallbackEvent":
            raise Refusal(400, 20001, f"{name} is given twice")
        fields[name] = value
    if wrong := events - EVENTS:
        raise Refusal(400, 20001, f"StatusCallbackEvent has no {', '.join(sorted(wrong))}")
    return fields, events


def _document(fields: Mapping[str, str]) -> str:
    """The one that is given instead of a URL. Raises Refusal unless it is the one or the other."""
    if ("Url" in fields) == ("Twiml" in fields):
        raise Refusal(400, 21205, "give either Url or Twiml")
    if len(fields.get("Twiml", "")) > LONGEST_TWIML:
        raise Refusal(400, 21617, f"Twiml of more than {LONGEST_TWIML} characters")
    return fields.get("Twiml", "")
