"""Vonage (reference/telephony.md, section 3)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

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
)
from api.surfaces.telephony.dialects.fields import identity, number, parameters, party, stamp
from api.surfaces.telephony.dialects.vonage_token import api_token
from gateway.carriers import vonage
from gateway.config import Settings

__all__ = ["DESK"]


class _Vonage:
    name = vonage.NAME
    reattaches = False
    """Its stream has no word for its end: a socket that is gone is a caller who hung up."""
    silent = False

    def greeting(self, asked: Asked) -> Document | None:
        return None

    def configured(self, settings: Settings) -> bool:
        return settings.vonage_signature_secret is not None

    def verify(self, asked: Asked, settings: Settings) -> None:
        vonage.verify_webhook(
            asked.url,
            asked.headers,
            asked.posted,
            secret=_secret(settings),
            now=asked.now,
            application_id=settings.vonage_application_id,
        )

    def proof(self, asked: Asked) -> str:
        return vonage.proof(asked.headers)

    def verify_socket(self, asked: Asked, settings: Settings, token: str) -> None:
        vonage.verify_socket(
            asked.url,
            asked.headers,
            secret=_secret(settings),
            now=asked.now,
            application_id=settings.vonage_application_id,
        )

    def incoming(self, asked: Asked) -> Incoming | None:
        fields = parameters(asked)
        return Incoming(identity(fields, "uuid"), party(fields, "from"), party(fields, "to"))

    def answer(self, incoming: Incoming, place: Place, settings: Settings) -> Document:
        return _ncco(
            vonage.answer(
                place.stream,
                token=place.token,
                call=incoming.call,
                caller=incoming.caller,
                called=incoming.called,
                event_url=place.status,
            )
        )

    def refuse(self, incoming: Incoming, settings: Settings) -> Document:
        """An NCCO can give no busy signal."""
        return self.sorry("All our lines are busy. Please call again in a moment.")

    def sorry(self, sentence: str) -> Document:
        return _ncco([{"action": "talk", "text": sentence}])

    def stopped(self, asked: Asked) -> Incoming | None:
        return None

    def closing_ends(self, handle: str) -> bool:
        """The socket is one leg, and the caller another, which is known to outlive it for a while."""
        return False

    def hang_up(self) -> Document:
        return _ncco([])

    def notices(self, asked: Asked) -> list[Notice]:
        fields = parameters(asked)
        raw = fields.get("status", "")
        if not raw or "uuid" not in fields:
            return []
        if raw in ("human", "machine"):
            return [_verdict(fields, raw, asked.now)]
        status = canonical(raw)
        meta: dict[str, MetaValue] = {}
        if (duration := number(fields, "duration")) is not None:
            meta["callDurationSec"] = duration
        at = stamp(fields.get("timestamp"), asked.now)
        call, over = identity(fields, "uuid"), status == "failed"
        return [Notice(call, status, status, raw, kind_of(status), at, None, meta, over=over)]

    # Section 3.3. Numbers are without plus there.

    def dial(
        self, to: str, place: Calling, settings: Settings, *, machine_detection: bool = False
    ) -> Command | None:
        number = settings.vonage_phone_number
        if not number:
            return None
        body: dict[str, Any] = {
            "to": [_whom(to)],
            "from": _phone(number),
            "answer_url": [place.voice],
            "answer_method": "POST",
            "event_url": [place.place.status],
            "event_method": "POST",
            "ringing_timer": place.ring_s,
        }
        if machine_detection:
            # The other modes keep the line silent until they are done.
            body["advanced_machine_detection"] = {"behavior": "continue", "mode": "default"}
        return _command(settings, "POST", "", body)

    def placed(self, answer: dict[str, Any]) -> str:
        return identity(answer, "uuid")

    def handle(self, answer: dict[str, Any]) -> str:
        return ""

    def hang_up_call(self, call: str, settings: Settings) -> Command | None:
        return _command(settings, "PUT", f"/{quote(call, safe='')}", {"action": "hangup"})

    def transfer(self, call: str, to: str, settings: Settings, *, caller_id: str = "") -> Command | None:
        connect: dict[str, Any] = {"action": "connect", "endpoint": [_whom(to)]}
        if shown := caller_id or settings.vonage_phone_number:
            connect["from"] = shown.lstrip("+")
        destination = {"type": "ncco", "ncco": [connect]}
        body = {"action": "transfer", "destination": destination}
        return _command(settings, "PUT", f"/{quote(call, safe='')}", body)

    def onward(self, asked: Asked) -> Document | None:
        return None

    def press(self, call: str, digits: str, settings: Settings) -> Command | None:
        """Vonage has no A to D."""
        if digits.strip("0123456789*#"):
            return None
        return _command(settings, "PUT", f"/{quote(call, safe='')}/dtmf", {"digits": digits})


def _verdict(fields: Mapping[str, str], raw: str, now: float) -> Notice:
    """What machine detection found: who answered, and then when a machine beeps."""
    beep = raw == "machine" and fields.get("sub_state") == "beep_start"
    found: Answerer = "beep" if beep else "human" if raw == "human" else "machine"
    told = "beep_start" if beep else raw
    meta: dict[str, MetaValue] = {"answeredBy": told}
    call, at = identity(fields, "uuid"), stamp(fields.get("timestamp"), now)
    return Notice(
        call, f"machine:{told}", "in_progress", told, "call_status", at, None, meta, machine=found
    )


def _whom(to: str) -> dict[str, str]:
    return {"type": "sip", "uri": to} if to.startswith(("sip:", "sips:")) else _phone(to)


def _phone(number: str) -> dict[str, str]:
    return {"type": "phone", "number": number.lstrip("+")}


def _command(
    settings: Settings, method: Literal["POST", "PUT"], path: str, body: dict[str, Any]
) -> Command | None:
    application, key = settings.vonage_application_id, settings.vonage_private_key
    if not application or key is None:
        return None
    token = api_token(application, key.get_secret_value(), time.time())
    url = f"{settings.vonage_api_url}/v1/calls{path}"
    return Command(url, orjson.dumps(body), f"Bearer {token}", method=method)


def _ncco(actions: list[dict[str, Any]]) -> Document:
    return Document(orjson.dumps(actions).decode(), "application/json")


def _secret(settings: Settings) -> str:
    secret = settings.vonage_signature_secret
    return secret.get_secret_value() if secret is not None else ""


DESK: Desk = _Vonage()
