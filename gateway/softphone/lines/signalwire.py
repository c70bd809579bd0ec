"""SignalWire (reference/telephony.md, section 8): Twilio's words, with names of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import uuid4
from xml.etree.ElementTree import Element

from gateway.carriers.dialects.twilio_signature import signature
from gateway.config import Settings
from gateway.softphone import twiml
from gateway.softphone.laml_hooks import LamlHooks
from gateway.softphone.line import Answer, Facts, Side
from gateway.softphone.orders import PCMU, Broken, Connect, Verb
from gateway.softphone.twilio_stream import TwilioSide
from gateway.wire import Codec, Encoding

__all__ = ["line"]

SIGNATURE = "X-SignalWire-Signature"
ATTRIBUTES = frozenset(
    {
        "url",
        "name",
        "track",
        "codec",
        "realtime",
        "authBearerToken",
        "statusCallback",
        "statusCallbackMethod",
    }
)
CODECS = {
    "PCMU@8000h": PCMU,
    "L16@16000h": Encoding(Codec.L16, 16000),
    "L16@24000h": Encoding(Codec.L16, 24000),
}


class _SignalWire(LamlHooks):
    title = "SignalWire"
    secret = "SIGNALWIRE_SIGNING_KEY"
    signable = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(self._proof)
        self._key = settings.signalwire_signing_key

    @property
    def signs(self) -> bool:
        return self._key is not None

    def facts(self, caller: str, called: str) -> Facts:
        return Facts(str(uuid4()), str(uuid4()), caller, called)

    def read(self, answer: Answer) -> Sequence[Verb]:
        return twiml.read(answer, answer.url, _attributes)

    def handshake(self, connect: Connect, now: float) -> Mapping[str, str]:
        """Not signed: the bearer of the document is shown."""
        return {} if connect.bearer is None else {"Authorization": f"Bearer {connect.bearer}"}

    def open(self, call: Facts, connect: Connect) -> Side:
        return TwilioSide(call, connect, str(uuid4()), version="0.2.0", keys=True)

    def _proof(self, url: str, fields: Mapping[str, str]) -> Mapping[str, str]:
        if self._key is None:
            return {}
        given = {name: [value] for name, value in fields.items()}
        return {SIGNATURE: signature(self._key.get_secret_value(), url, given)}


def line(settings: Settings) -> _SignalWire:
    return _SignalWire(settings)


def _attributes(stream: Element) -> tuple[Encoding, Encoding, str | None]:
    twiml.known(stream, ATTRIBUTES)
    name = stream.get("codec", "PCMU@8000h")
    if name not in CODECS:
        raise Broken(
            f"there is no codec {name!r}; there is: {', '.join(CODECS)}", "<Stream codec>", fatal=True
        )
    return CODECS[name], CODECS[name], stream.get("authBearerToken")
