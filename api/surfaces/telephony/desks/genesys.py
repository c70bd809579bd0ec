"""Genesys Cloud's Audio Connector, whose socket is all there is (reference/telephony.md, section 7)."""

from __future__ import annotations

from api.surfaces.telephony.desk import Asked
from api.surfaces.telephony.door import Door
from gateway.carriers import genesys
from gateway.config import Settings
from gateway.wire import Started, Unverified

__all__ = ["DOOR"]


class _Genesys:
    name = genesys.NAME

    def configured(self, settings: Settings) -> bool:
        return settings.genesys_api_key is not None and settings.genesys_client_secret is not None

    def admit(self, asked: Asked, settings: Settings) -> str:
        """Without a client secret Genesys signs nothing, and an API key alone could be sent again by anybody."""
        key, secret = settings.genesys_api_key, settings.genesys_client_secret
        if key is None or secret is None:
            raise Unverified("no secret of ours to check it with")
        signed = genesys.verify_socket(
            asked.url,
            asked.headers,
            api_key=key.get_secret_value(),
            secret=secret.get_secret_value(),
            now=asked.now,
        )
        return "" if signed is None else signed.nonce

    def call(self, started: Started) -> str:
        """The session: a conversation may come to a bot more than once."""
        return started.stream_id


DOOR: Door = _Genesys()
