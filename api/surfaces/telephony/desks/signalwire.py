"""SignalWire, which speaks Twilio's words (reference/telephony.md, section 8)."""

from __future__ import annotations

from api.surfaces.telephony.desk import Asked, Desk, Document, Incoming, Notice, Place
from api.surfaces.telephony.dialects import laml
from api.surfaces.telephony.dialects.laml_api import Account
from gateway.carriers import signalwire
from gateway.config import Settings

__all__ = ["DESK"]


class _SignalWire(laml.LamlCommands):
    name = signalwire.NAME
    reattaches = True

    def configured(self, settings: Settings) -> bool:
        return settings.signalwire_signing_key is not None

    def verify(self, asked: Asked, settings: Settings) -> None:
        key = settings.signalwire_signing_key
        secret = key.get_secret_value() if key is not None else ""
        signalwire.verify_webhook(asked.url, asked.headers, asked.posted, secret=secret)

    def verify_socket(self, asked: Asked, settings: Settings, token: str) -> None:
        """SignalWire signs no handshake: it shows the bearer that the document gave it, our token."""
        signalwire.verify_socket(asked.url, asked.headers, secret=token)

    def incoming(self, asked: Asked) -> Incoming | None:
        return laml.incoming(asked)

    def answer(self, incoming: Incoming, place: Place, settings: Settings) -> Document:
        document = signalwire.answer(
            place.stream,
            token=place.token,
            caller=incoming.caller,
            called=incoming.called,
            action=place.after,
            status_callback=place.status,
            bearer_token=place.token,
        )
        return Document(document)

    def notices(self, asked: Asked) -> list[Notice]:
        return laml.notices(asked)


def _account(settings: Settings) -> Account | None:
    """None until space, project and token are set."""
    space, project, token = (
        settings.signalwire_space_url,
        settings.signalwire_project_id,
        settings.signalwire_api_token,
    )
    if not space or not project or token is None:
        return None
    return Account(f"{space}/api/laml", project, token.get_secret_value())


DESK: Desk = _SignalWire(_account, lambda settings: settings.signalwire_phone_number)
