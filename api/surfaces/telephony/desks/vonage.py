"""Vonage (reference/telephony.md, section 3)."""

from __future__ import annotations

from typing import Any

import orjson

from api.records.channel import MetaValue
from api.records.channel_words import canonical, kind_of
from api.surfaces.telephony.desk import Asked, Command, Desk, Document, Incoming, Notice, Place
from api.surfaces.telephony.fields import identity, number, parameters, party, stamp
from gateway.carriers import vonage
from gateway.config import Settings

__all__ = ["DESK"]


class _Vonage:
    name = vonage.NAME
    reattaches = False
    """Its stream has no word for its end: a socket that is gone is a caller who hung up."""

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
        return asked.headers.get("Authorization", "")

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

    def stopped(self, asked: Asked, settings: Settings) -> tuple[str, Command] | None:
        return None

    def hang_up(self) -> Document:
        return _ncco([])

    def notices(self, asked: Asked) -> list[Notice]:
        fields = parameters(asked)
        raw = fields.get("status", "")
        if not raw or "uuid" not in fields:
            return []
        status = canonical(raw)
        meta: dict[str, MetaValue] = {}
        if (duration := number(fields, "duration")) is not None:
            meta["callDurationSec"] = duration
        at = stamp(fields.get("timestamp"), asked.now)
        return [Notice(identity(fields, "uuid"), status, status, raw, kind_of(status), at, None, meta)]


def _ncco(actions: list[dict[str, Any]]) -> Document:
    return Document(orjson.dumps(actions).decode(), "application/json")


def _secret(settings: Settings) -> str:
    secret = settings.vonage_signature_secret
    return secret.get_secret_value() if secret is not None else ""


DESK: Desk = _Vonage()
