"""Plivo (reference/telephony.md, section 4)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import orjson

from api.records.channel import MetaValue
from api.records.channel_words import canonical, kind_of
from api.surfaces.telephony.desk import (
    Answerer,
    Asked,
    Calling,
    Command,
    Desk,
    Document,
    Incoming,
    Notice,
    Place,
    Unreadable,
)
from api.surfaces.telephony.dialects.fields import ID_LONGEST, form_of, identity, number, party
from gateway.carriers import plivo
from gateway.carriers.dialects.plivo_signature import NONCE
from gateway.carriers.dialects.proof import header
from gateway.config import Settings

__all__ = ["DESK"]

CAUSES = {
    "NORMAL_CLEARING": "completed",
    "USER_BUSY": "busy",
    "CALL_REJECTED": "busy",
    "NO_ANSWER": "no_answer",
    "NO_USER_RESPONSE": "no_answer",
    "ORIGINATOR_CANCEL": "canceled",
}
"""Why a call was hung up → its last status; everything else is a failure."""
ANSWERERS: dict[str, Answerer] = {"true": "machine", "false": "human"}
"""`Machine`, of its detection; everything else is unknown."""
SIGNATURE = "x-plivo-signature-v3"
REQUEST = "request:"
"""Before the name of a call that Plivo has not told the name of yet: the request that placed it."""
WHOM = re.compile(r"\+[1-9]\d{6,14}|sips?:[^\s<>]{3,200}", re.ASCII)
TRANSFER = "transfer"
"""The last part of the webhook's path that answers with whom a caller is transferred to."""


class _Plivo:
    name = plivo.NAME
    reattaches = False
    """Its stream has no word for its end: a socket that is gone is a caller who hung up."""
    silent = False

    def greeting(self, asked: Asked) -> Document | None:
        return None

    def configured(self, settings: Settings) -> bool:
        return settings.plivo_auth_token is not None

    def verify(self, asked: Asked, settings: Settings) -> None:
        secret, method = _secret(settings), asked.method
        plivo.verify_webhook(asked.url, asked.headers, asked.posted, secret=secret, method=method)

    def proof(self, asked: Asked) -> str:
        """The nonce, which is signed. What stands beside a good signature is not, nor how the URL is written."""
        return header(asked.headers, NONCE)

    def verify_socket(self, asked: Asked, settings: Settings, token: str) -> None:
        """Plivo documents no signature of handshakes: where it shows one that is checked, and the token in the path is
        the proof otherwise."""
        if any(name.lower() == SIGNATURE for name in asked.headers):
            plivo.verify_socket(asked.url, asked.headers, secret=_secret(settings))

    def incoming(self, asked: Asked) -> Incoming | None:
        fields = form_of(asked)
        outbound = fields.get("Direction", "inbound").startswith("outbound")
        return Incoming(
            identity(fields, "CallUUID"),
            party(fields, "From"),
            party(fields, "To"),
            outbound,
            placed_as=_placed_as(fields),
        )

    def answer(self, incoming: Incoming, place: Place, settings: Settings) -> Document:
        document = plivo.answer(
            place.stream,
            token=place.token,
            caller=incoming.caller,
            called=incoming.called,
            action=place.after,
            status_callback=place.status,
        )
        return Document(document)

    def refuse(self, incoming: Incoming, settings: Settings) -> Document:
        return Document(plivo.refuse(busy=True))

    def sorry(self, sentence: str) -> Document:
        return Document(plivo.say(sentence))

    def stopped(self, asked: Asked) -> Incoming | None:
        return None

    def closing_ends(self, handle: str) -> bool:
        """The stream keeps the call (`keepCallAlive`), and a hang-up follows it."""
        return True

    def hang_up(self) -> Document:
        return Document(plivo.hang_up())

    def notices(self, asked: Asked) -> list[Notice]:
        fields = form_of(asked)
        call = identity(fields, "CallUUID")
        event = fields.get("Event", "")
        if event.endswith("Stream"):
            if event != "DroppedStream":
                return []
            return [Notice(call, event, "failed", event, "provider_error", asked.now)]
        if event == "MachineDetection":
            return [_verdict(call, fields, asked.now)]
        raw = fields.get("CallStatus", "")
        if not raw:
            return []
        over, status = event == "Hangup", canonical(raw)
        cause = fields.get("HangupCause", "")[:64]
        if over and kind_of(status) == "call_status":
            # Told as it was until then.
            status = CAUSES.get(cause, "failed")
        meta: dict[str, MetaValue] = {}
        if (duration := number(fields, "Duration")) is not None:
            meta["callDurationSec"] = duration
        if cause:
            meta["terminalReason"] = cause
        kind, placed_as = kind_of(status), _placed_as(fields)
        return [
            Notice(call, status, status, raw, kind, asked.now, None, meta, placed_as=placed_as, over=over)
        ]

    def dial(
        self, to: str, place: Calling, settings: Settings, *, machine_detection: bool = False
    ) -> Command | None:
        """Section 4.3."""
        number, status = settings.plivo_phone_number, place.place.status
        if not number:
            return None
        fields: dict[str, str | int] = {
            "from": number.lstrip("+"),
            "to": to.lstrip("+"),
            "answer_url": place.voice,
            "answer_method": "POST",
            "ring_url": status,
            "ring_method": "POST",
            "hangup_url": status,
            "hangup_method": "POST",
            "ring_timeout": place.ring_s,
        }
        if machine_detection:
            fields |= {
                "machine_detection": "true",
                "machine_detection_url": status,
                "machine_detection_method": "POST",
            }
        return _command(settings, "POST", "Call/", fields)

    def placed(self, answer: dict[str, Any]) -> str:
        """The call has its own name from its first webhook on (`Incoming.placed_as`)."""
        return REQUEST + identity(answer, "request_uuid")

    def handle(self, answer: dict[str, Any]) -> str:
        return ""

    def hang_up_call(self, call: str, settings: Settings) -> Command | None:
        if call.startswith(REQUEST):
            return _command(settings, "DELETE", f"Request/{quote(call.removeprefix(REQUEST), safe='')}/")
        return _command(settings, "DELETE", f"Call/{quote(call, safe='')}/")

    def transfer(self, call: str, to: str, settings: Settings, *, caller_id: str = "") -> Command | None:
        """Plivo asks for the document: its signature covers the query, so nobody else can ask for another number."""
        if settings.public_url is None:
            return None
        query = {"to": to} | ({"callerId": caller_id} if caller_id else {})
        url = f"{settings.public_url}/telephony/{self.name}/{TRANSFER}?{urlencode(query)}"
        fields: dict[str, str | int] = {"legs": "aleg", "aleg_url": url, "aleg_method": "POST"}
        return _command(settings, "POST", f"Call/{quote(call, safe='')}/", fields)

    def onward(self, asked: Asked) -> Document | None:
        parts = urlsplit(asked.url)
        if not parts.path.endswith(f"/{TRANSFER}"):
            return None
        given = dict(parse_qsl(parts.query))
        to, caller_id = given.get("to", ""), given.get("callerId")
        if not WHOM.fullmatch(to):
            raise Unreadable("The webhook does not say whom to transfer to.")
        return Document(plivo.transfer(to, caller_id=caller_id))

    def press(self, call: str, digits: str, settings: Settings) -> Command | None:
        return _command(
            settings, "POST", f"Call/{quote(call, safe='')}/DTMF/", {"digits": digits, "leg": "aleg"}
        )


def _verdict(call: str, fields: Mapping[str, str], now: float) -> Notice:
    """What asynchronous detection found."""
    found = ANSWERERS.get(fields.get("Machine", ""), "unknown")
    meta: dict[str, MetaValue] = {"answeredBy": found}
    key, placed_as = f"machine:{found}", _placed_as(fields)
    return Notice(
        call, key, "in_progress", found, "call_status", now, None, meta, placed_as=placed_as, machine=found
    )


def _placed_as(fields: Mapping[str, str]) -> str:
    request = fields.get("RequestUUID", "")
    return REQUEST + request if 0 < len(request) <= ID_LONGEST - len(REQUEST) else ""


def _command(
    settings: Settings,
    method: Literal["POST", "DELETE"],
    path: str,
    fields: dict[str, str | int] | None = None,
) -> Command | None:
    account = settings.plivo_auth_id
    if not account or settings.plivo_auth_token is None:
        return None
    basic = b64encode(f"{account}:{_secret(settings)}".encode()).decode()
    url = f"{settings.plivo_api_url}/v1/Account/{quote(account, safe='')}/{path}"
    return Command(url, b"" if fields is None else orjson.dumps(fields), f"Basic {basic}", method=method)


def _secret(settings: Settings) -> str:
    return settings.plivo_auth_token.get_secret_value() if settings.plivo_auth_token else ""


DESK: Desk = _Plivo()
