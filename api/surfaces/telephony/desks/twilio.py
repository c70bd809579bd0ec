"""Twilio (reference/telephony.md, section 1)."""

from __future__ import annotations

from api.surfaces.telephony.desk import Asked, Desk, Document, Incoming, Notice, Place
from api.surfaces.telephony.dialects import laml
from api.surfaces.telephony.dialects.laml_api import Account
from gateway.carriers import twilio
from gateway.config import Settings

__all__ = ["DESK"]


class _Twilio(laml.LamlCommands):
    name = twilio.NAME
    reattaches = True

    def configured(self, settings: Settings) -> bool:
        return settings.twilio_auth_token is not None

    def verify(self, asked: Asked, settings: Settings) -> None:
        twilio.verify_webhook(asked.url, asked.headers, asked.posted, secret=_secret(settings))

    def verify_socket(self, asked: Asked, settings: Settings, token: str) -> None:
        twilio.verify_socket(asked.url, asked.headers, secret=_secret(settings))

    def incoming(self, asked: Asked) -> Incoming | None:
        return laml.incoming(asked)

    def answer(self, incoming: Incoming, place: Place, settings: Settings) -> Document:
        document = twilio.answer(
            place.stream,
            token=place.token,
            caller=incoming.caller,
            called=incoming.called,
            action=place.after,
            status_callback=place.status,
        )
        return Document(document)

    def notices(self, asked: Asked) -> list[Notice]:
        return laml.notices(asked)


def _account(settings: Settings) -> Account | None:
    """None until account and token are set."""
    sid, token = settings.twilio_account_sid, settings.twilio_auth_token
    return Account(settings.twilio_api_url, sid, _secret(settings)) if sid and token is not None else None


def _secret(settings: Settings) -> str:
    return settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else ""


DESK: Desk = _Twilio(_account, lambda settings: settings.twilio_phone_number)
