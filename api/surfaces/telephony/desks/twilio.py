"""Twilio (reference/telephony.md, section 1)."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote, urlencode

from api.surfaces.telephony import laml
from api.surfaces.telephony.desk import Asked, Command, Desk, Document, Incoming, Notice, Place
from gateway.carriers import twilio
from gateway.config import Settings

__all__ = ["DESK", "dial"]

EVENTS = ("initiated", "ringing", "answered", "completed")


class _Twilio(laml.LamlAnswers):
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


def dial(settings: Settings, to: str, voice: str, status: str) -> Command | None:
    """Has Twilio call `to` and ask `voice` once somebody answers (section 1.5); None without account and number."""
    account, number = settings.twilio_account_sid, settings.twilio_phone_number
    if not account or not number or settings.twilio_auth_token is None:
        return None
    fields = [("To", to), ("From", number), ("Url", voice), ("Method", "POST")]
    fields += [("StatusCallback", status), ("StatusCallbackMethod", "POST")]
    fields += [("StatusCallbackEvent", event) for event in EVENTS]
    basic = b64encode(f"{account}:{_secret(settings)}".encode()).decode()
    url = f"{settings.twilio_api_url}/2010-04-01/Accounts/{quote(account, safe='')}/Calls.json"
    return Command(url, urlencode(fields).encode(), f"Basic {basic}", "application/x-www-form-urlencoded")


def _secret(settings: Settings) -> str:
    return settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else ""


DESK: Desk = _Twilio()
