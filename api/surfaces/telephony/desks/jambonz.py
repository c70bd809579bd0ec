"""jambonz: an application's webhooks, answered by `listen` (reference/telephony.md, section 9)."""

from __future__ import annotations

from typing import Any

import orjson

from api.records.channel import MetaValue
from api.records.channel_words import canonical, kind_of
from api.surfaces.telephony.bare import Bare
from api.surfaces.telephony.desk import Asked, Desk, Document, Incoming, Notice, Place
from api.surfaces.telephony.dialects.fields import identity, json_of, number, party
from gateway.carriers import jambonz
from gateway.config import Settings

__all__ = ["DESK"]

USER = "parley"
"""Shown by the socket, with the call's token as the password."""
RATE = 16_000
"""What a wideband telephone speaks: the line is the limit, and not the stream."""
BUSY_HERE = 486


class _Jambonz(Bare):
    name = jambonz.NAME

    def configured(self, settings: Settings) -> bool:
        return settings.jambonz_webhook_secret is not None

    def verify(self, asked: Asked, settings: Settings) -> None:
        secret = settings.jambonz_webhook_secret
        jambonz.verify_webhook(
            asked.url,
            asked.headers,
            asked.posted,
            secret=secret.get_secret_value() if secret is not None else "",
            now=asked.now,
        )

    def proof(self, asked: Asked) -> str:
        return jambonz.proof(asked.headers, asked.posted)

    def verify_socket(self, asked: Asked, settings: Settings, token: str) -> None:
        jambonz.verify_socket(asked.url, asked.headers, credentials=f"{USER}:{token}")

    def incoming(self, asked: Asked) -> Incoming | None:
        fields = json_of(asked)
        return Incoming(
            identity(fields, "call_sid"),
            party(fields, "from"),
            party(fields, "to"),
            fields.get("direction") == "outbound",
        )

    def answer(self, incoming: Incoming, place: Place, settings: Settings) -> Document:
        return _verbs(
            jambonz.answer(place.stream, token=place.token, rate=RATE, credentials=f"{USER}:{place.token}")
        )

    def refuse(self, incoming: Incoming, settings: Settings) -> Document:
        return _verbs([{"verb": "sip:decline", "status": BUSY_HERE, "reason": "Busy Here"}])

    def sorry(self, sentence: str) -> Document:
        return _verbs([{"verb": "say", "text": sentence}, {"verb": "hangup"}])

    def hang_up(self) -> Document:
        return _verbs([{"verb": "hangup"}])

    def notices(self, asked: Asked) -> list[Notice]:
        fields = json_of(asked)
        call, raw = identity(fields, "call_sid"), party(fields, "call_status")
        # The webhook that brought the call has told already that it is trying.
        if not raw or raw == "trying":
            return []
        status = canonical(raw)
        meta: dict[str, MetaValue] = {}
        for name, field in (("callDurationSec", "duration"), ("sipResponseCode", "sip_status")):
            if (value := number(fields, field)) is not None:
                meta[name] = value
        return [Notice(call, status, status, raw, kind_of(status), asked.now, None, meta)]


def _verbs(verbs: list[dict[str, Any]]) -> Document:
    return Document(orjson.dumps(verbs).decode(), "application/json")


DESK: Desk = _Jambonz()
