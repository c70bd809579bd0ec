"""Exotel AgentStream (reference/telephony.md, section 6): a Voicebot applet with a fixed address that holds user and
password, or with an https address that tells where a call's socket is."""

from __future__ import annotations

from typing import Any

import orjson

from api.records.channel import MetaValue
from api.records.channel_words import canonical, kind_of
from api.surfaces.telephony.bare import Bare
from api.surfaces.telephony.desk import Asked, Desk, Document, Incoming, Notice, Place
from api.surfaces.telephony.dialects.fields import form_of, identity, json_of, number, party
from api.surfaces.telephony.door import Door
from gateway.carriers import exotel
from gateway.carriers.dialects.proof import secret_in_url
from gateway.config import Settings
from gateway.wire import Started

__all__ = ["DESK", "DOOR", "USER"]

USER = "parley"
RATE = 16_000
"""At 8000 the shortest piece that Exotel plays lasts 200 ms, at this rate 100."""


class _Exotel(Bare):
    name = exotel.NAME
    silent = True
    """A Passthru applet behind the Voicebot may tell, or not be there."""

    def configured(self, settings: Settings) -> bool:
        return settings.exotel_secret is not None

    # ── the socket alone ──────────────────────────────────────────────────────────────────────────────────

    def admit(self, asked: Asked, settings: Settings) -> str:
        exotel.verify_socket(asked.url, asked.headers, credentials=f"{USER}:{_secret(settings)}")
        return ""

    def call(self, started: Started) -> str:
        return started.call_id

    # ── asked first ───────────────────────────────────────────────────────────────────────────────────────

    def verify(self, asked: Asked, settings: Settings) -> None:
        """Exotel signs nothing: the address that it is given holds the secret."""
        secret_in_url(asked.url, _secret(settings))

    def incoming(self, asked: Asked) -> Incoming | None:
        """The applet's parameters are documented for other applets only: so a call may have no name."""
        fields = form_of(asked)
        return Incoming(
            identity(fields, "CallSid") if "CallSid" in fields else "",
            party(fields, "CallFrom") or party(fields, "From"),
            party(fields, "CallTo") or party(fields, "To"),
        )

    def answer(self, incoming: Incoming, place: Place, settings: Settings) -> Document:
        return _json(exotel.answer(place.stream, token=place.token, rate=RATE))

    def refuse(self, incoming: Incoming, settings: Settings) -> Document:
        """Without an address the flow goes on with its next applet."""
        return _json({}, 503)

    def sorry(self, sentence: str) -> Document:
        return _json({}, 503)

    def hang_up(self) -> Document:
        return _json({})

    def notices(self, asked: Asked) -> list[Notice]:
        """Of a Passthru applet (a GET, which tells of the stream) or of a call's status callback."""
        is_json = asked.posted.lstrip()[:1] == b"{"
        fields: dict[str, Any] = json_of(asked) if is_json else dict(form_of(asked))
        call = identity(fields, "CallSid")
        stream = _stream_in(fields)
        raw = str(stream.get("Status") or fields.get("Status") or "")[:64]
        if not raw:
            return []
        status = canonical(raw)
        meta: dict[str, MetaValue] = {}
        if (duration := number(stream, "Duration")) is not None:
            meta["callDurationSec"] = duration
        if by := party(stream, "DisconnectedBy"):
            meta["terminalReason"] = f"by {by}"[:64]
        return [Notice(call, status, status, raw, kind_of(status), asked.now, None, meta)]


def _stream_in(fields: dict[str, Any]) -> dict[str, Any]:
    """What a Passthru tells of the stream: `Stream[Status]=…`, or all of it as JSON in `Stream`."""
    whole = fields.get("Stream")
    if isinstance(whole, str):
        try:
            whole = orjson.loads(whole)
        except orjson.JSONDecodeError:
            whole = None
    if isinstance(whole, dict):
        return whole
    return {
        name[7:-1]: value
        for name, value in fields.items()
        if name.startswith("Stream[") and name.endswith("]")
    }


def _json(value: dict[str, str], status: int = 200) -> Document:
    return Document(orjson.dumps(value).decode(), "application/json", status)


def _secret(settings: Settings) -> str:
    return settings.exotel_secret.get_secret_value() if settings.exotel_secret else ""


DESK: Desk = _Exotel()
DOOR: Door = _Exotel()
