"""Asterisk's chan_websocket, which dials us from the dialplan (reference/telephony.md, section 10.3)."""

from __future__ import annotations

from api.surfaces.telephony.desk import Asked
from api.surfaces.telephony.door import Door
from gateway.carriers import asterisk_websocket
from gateway.config import Settings
from gateway.pbx.plan import USER
from gateway.wire import Started

__all__ = ["DOOR"]


class _AsteriskWebSocket:
    name = asterisk_websocket.NAME

    def configured(self, settings: Settings) -> bool:
        return settings.asterisk_secret is not None

    def admit(self, asked: Asked, settings: Settings) -> str:
        secret = settings.asterisk_secret
        password = secret.get_secret_value() if secret is not None else ""
        asterisk_websocket.verify_socket(asked.url, asked.headers, credentials=f"{USER}:{password}")
        return ""

    def call(self, started: Started) -> str:
        """The caller's channel where the dial string names it (`v(call=${UNIQUEID})`), else the WebSocket's own."""
        return started.parameters.get("call") or started.call_id


DOOR: Door = _AsteriskWebSocket()
