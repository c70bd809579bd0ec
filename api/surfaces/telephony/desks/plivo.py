"""Plivo (reference/telephony.md, section 4)."""

from __future__ import annotations

from api.records.channel import MetaValue
from api.records.channel_words import canonical, kind_of
from api.surfaces.telephony.desk import Asked, Command, Desk, Document, Incoming, Notice, Place
from api.surfaces.telephony.fields import form_of, identity, number, party
from gateway.carriers import plivo
from gateway.carriers.dialects.plivo_signature import NONCE
from gateway.config import Settings

__all__ = ["DESK"]


class _Plivo:
    name = plivo.NAME
    reattaches = False
    """Its stream has no word for its end: a socket that is gone is a caller who hung up."""

    def configured(self, settings: Settings) -> bool:
        return settings.plivo_auth_token is not None

    def verify(self, asked: Asked, settings: Settings) -> None:
        secret, method = _secret(settings), asked.method
        plivo.verify_webhook(asked.url, asked.headers, asked.posted, secret=secret, method=method)

    def proof(self, asked: Asked) -> str:
        return asked.headers.get(NONCE, "") + asked.headers.get("X-Plivo-Signature-V3", "")

    def verify_socket(self, asked: Asked, settings: Settings, token: str) -> None:
        plivo.verify_socket(asked.url, asked.headers, secret=_secret(settings))

    def incoming(self, asked: Asked) -> Incoming | None:
        fields = form_of(asked)
        outbound = fields.get("Direction", "inbound").startswith("outbound")
        return Incoming(identity(fields, "CallUUID"), party(fields, "From"), party(fields, "To"), outbound)

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

    def stopped(self, asked: Asked, settings: Settings) -> tuple[str, Command] | None:
        return None

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
        raw = fields.get("CallStatus", "")
        if not raw:
            return []
        status = canonical(raw)
        meta: dict[str, MetaValue] = {}
        if (duration := number(fields, "Duration")) is not None:
            meta["callDurationSec"] = duration
        if cause := fields.get("HangupCause"):
            meta["terminalReason"] = cause[:64]
        return [Notice(call, status, status, raw, kind_of(status), asked.now, None, meta)]


def _secret(settings: Settings) -> str:
    return settings.plivo_auth_token.get_secret_value() if settings.plivo_auth_token else ""


DESK: Desk = _Plivo()
