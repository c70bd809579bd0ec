"""Asterisk's AudioSocket (reference/telephony.md, section 10.1): the dialplan asks for a call's UUID, which is the
token of its TCP connection (`api/surfaces/telephony/sockets/audiosocket.py`)."""

from __future__ import annotations

from uuid import UUID

from api.surfaces.telephony.bare import Bare
from api.surfaces.telephony.desk import Asked, Desk, Document, Incoming, Place
from api.surfaces.telephony.dialects.fields import form_of, party
from gateway.carriers import asterisk_audiosocket
from gateway.config import Settings
from gateway.wire import Unverified

__all__ = ["DESK"]


class _AudioSocket(Bare):
    name = asterisk_audiosocket.NAME
    silent = True

    def configured(self, settings: Settings) -> bool:
        return settings.asterisk_secret is not None and settings.audiosocket is not None

    def verify(self, asked: Asked, settings: Settings) -> None:
        secret = settings.asterisk_secret
        asterisk_audiosocket.verify_webhook(
            asked.url, asked.headers, secret=secret.get_secret_value() if secret is not None else ""
        )

    def verify_socket(self, asked: Asked, settings: Settings, token: str) -> None:
        raise Unverified("a WebSocket, where TCP is spoken")

    def incoming(self, asked: Asked) -> Incoming | None:
        """Named by the channel where the dialplan tells it; a name is made up otherwise."""
        fields = form_of(asked)
        return Incoming(fields.get("Call", "")[:90], party(fields, "From"), party(fields, "To"))

    def answer(self, incoming: Incoming, place: Place, settings: Settings) -> Document:
        return Document(str(UUID(place.token)), "text/plain")

    def refuse(self, incoming: Incoming, settings: Settings) -> Document:
        return Document("busy", "text/plain", 503)

    def sorry(self, sentence: str) -> Document:
        return Document("sorry", "text/plain", 503)

    def hang_up(self) -> Document:
        return Document("", "text/plain")


DESK: Desk = _AudioSocket()
