"""Twilio (reference/telephony.md, section 1): a call to a number whose voice webhook is ours."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from gateway.carriers.dialects.twilio_signature import signature
from gateway.config import Settings
from gateway.softphone import twiml
from gateway.softphone.laml_hooks import LamlHooks
from gateway.softphone.line import Answer, Facts, Side
from gateway.softphone.orders import PCMU, Connect, Verb
from gateway.softphone.twilio_stream import TwilioSide
from gateway.wire import Encoding

__all__ = ["line"]

SIGNATURE = "X-Twilio-Signature"
ATTRIBUTES = frozenset({"url", "name", "track", "connectorName", "statusCallback", "statusCallbackMethod"})


class _Twilio(LamlHooks):
    title = "Twilio"
    secret = "TWILIO_AUTH_TOKEN"
    signable = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(self._proof)
        self._account = settings.twilio_account_sid or f"AC{secrets.token_hex(16)}"
        self._token = settings.twilio_auth_token

    @property
    def signs(self) -> bool:
        return self._token is not None

    def facts(self, caller: str, called: str) -> Facts:
        return Facts(f"CA{secrets.token_hex(16)}", self._account, caller, called)

    def read(self, answer: Answer) -> Sequence[Verb]:
        return twiml.read(answer, answer.url, _attributes)

    def handshake(self, connect: Connect, now: float) -> Mapping[str, str]:
        return self._proof(connect.url, {})

    def open(self, call: Facts, connect: Connect) -> Side:
        return TwilioSide(call, connect, f"MZ{secrets.token_hex(16)}")

    def _proof(self, url: str, fields: Mapping[str, str]) -> Mapping[str, str]:
        if self._token is None:
            return {}
        given = {name: [value] for name, value in fields.items()}
        return {SIGNATURE: signature(self._token.get_secret_value(), url, given)}


def line(settings: Settings) -> _Twilio:
    return _Twilio(settings)


def _attributes(stream: Element) -> tuple[Encoding, Encoding, str | None]:
    twiml.known(stream, ATTRIBUTES)
    return PCMU, PCMU, None
