"""FreeSWITCH with mod_audio_stream (reference/telephony.md, section 11): a dialplan that shows our secret on the
socket, or that asks for the address of a call's socket first (mod_curl)."""

from __future__ import annotations

from api.surfaces.telephony.bare import Bare
from api.surfaces.telephony.desk import Asked, Desk, Document, Incoming, Place
from api.surfaces.telephony.dialects.fields import form_of, identity, party
from api.surfaces.telephony.door import Door
from gateway.carriers import freeswitch
from gateway.carriers.dialects.proof import bearer, secret_in_url
from gateway.config import Settings
from gateway.wire import Started

__all__ = ["DESK", "DOOR"]


class _FreeSwitch(Bare):
    name = freeswitch.NAME
    silent = True

    def configured(self, settings: Settings) -> bool:
        return settings.freeswitch_secret is not None

    # ── the socket alone ──────────────────────────────────────────────────────────────────────────────────

    def admit(self, asked: Asked, settings: Settings) -> str:
        freeswitch.verify_socket(asked.url, asked.headers, secret=_secret(settings))
        return ""

    def call(self, started: Started) -> str:
        return started.call_id

    # ── asked first ───────────────────────────────────────────────────────────────────────────────────────

    def verify(self, asked: Asked, settings: Settings) -> None:
        """By a bearer, or by the secret in the query: not every build's mod_curl sends headers."""
        if "Authorization" in asked.headers:
            bearer(asked.headers, _secret(settings))
        else:
            secret_in_url(asked.url, _secret(settings))

    def incoming(self, asked: Asked) -> Incoming | None:
        fields = form_of(asked)
        return Incoming(identity(fields, "uuid"), party(fields, "caller"), party(fields, "called"))

    def answer(self, incoming: Incoming, place: Place, settings: Settings) -> Document:
        return Document(
            freeswitch.stream_url(
                place.stream, token=place.token, caller=incoming.caller, called=incoming.called
            ),
            "text/plain",
        )

    def refuse(self, incoming: Incoming, settings: Settings) -> Document:
        return Document("busy", "text/plain", 503)

    def sorry(self, sentence: str) -> Document:
        return Document("sorry", "text/plain", 503)

    def hang_up(self) -> Document:
        return Document("", "text/plain")


def _secret(settings: Settings) -> str:
    return settings.freeswitch_secret.get_secret_value() if settings.freeswitch_secret else ""


DESK: Desk = _FreeSwitch()
DOOR: Door = _FreeSwitch()
