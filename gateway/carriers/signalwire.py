"""SignalWire: the stream of cXML's `<Connect><Stream>`, its documents, and its signatures. A dialect of Twilio's.

reference/telephony.md, section 8. Audio is µ-law at 8 kHz, or PCM16 (little-endian in practice) at 16 or 24 kHz when
the document asks for it; keys can be sent through the stream.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from gateway.carriers.dialects import twiml
from gateway.carriers.dialects.proof import bearer, header, require, same
from gateway.carriers.dialects.twilio_signature import verify_request
from gateway.carriers.dialects.twilio_stream import Dialect, TwilioStream
from gateway.wire import Codec, Encoding

__all__ = [
    "CODECS",
    "NAME",
    "Stream",
    "answer",
    "hang_up",
    "redirect",
    "refuse",
    "say",
    "transfer",
    "verify_socket",
    "verify_webhook",
]

NAME = "signalwire"

PCMU = Encoding(Codec.PCMU, 8000)
CODECS = {
    PCMU: "PCMU@8000h",
    Encoding(Codec.L16, 16000): "L16@16000h",
    Encoding(Codec.L16, 24000): "L16@24000h",
}
"""What a document can ask for."""

DIALECT = Dialect(
    encodings={
        ("audio/x-mulaw", 8000): PCMU,
        **{("audio/x-l16", rate): Encoding(Codec.L16, rate) for rate in (8000, 16000, 24000)},
    },
    keys=True,
)

SIGNATURE, TWILIO_SIGNATURE = "X-SignalWire-Signature", "X-Twilio-Signature"

redirect, refuse, say, transfer, hang_up = (
    twiml.redirect,
    twiml.refuse,
    twiml.say,
    twiml.transfer,
    twiml.hang_up,
)


class Stream(TwilioStream):
    def __init__(self) -> None:
        super().__init__(DIALECT)


def answer(
    url: str,
    *,
    token: str,
    caller: str = "",
    called: str = "",
    action: str | None = None,
    status_callback: str | None = None,
    encoding: Encoding = PCMU,
    bearer_token: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> str:
    """The cXML that connects a call to our socket: as Twilio's, in an `encoding` of `CODECS`. SignalWire shows
    `bearer_token` at the handshake. It is asked to keep to real time: otherwise it holds audio back. Raises
    ValueError."""
    if encoding not in CODECS:
        raise ValueError(f"SignalWire streams {', '.join(CODECS.values())}")
    stream = {
        "url": twiml.socket_url(url),
        "codec": CODECS[encoding],
        "realtime": "true",
        "authBearerToken": bearer_token,
        "statusCallback": status_callback,
    }
    return twiml.connect(stream, twiml.stream_parameters(token, caller, called, parameters), action=action)


def verify_webhook(url: str, headers: Mapping[str, str], body: bytes = b"", *, secret: str) -> None:
    """Checks a webhook over its public URL and raw body; `secret` is the signing key. Forms are signed as by Twilio,
    and may carry Twilio's header; JSON by the hexadecimal HMAC-SHA1 of URL and body. Raises Unverified."""
    require(secret)
    given = header(headers, SIGNATURE) or header(headers, TWILIO_SIGNATURE)
    whole = hmac.new(
        secret.encode(), url.encode("utf-8", "surrogateescape") + body, hashlib.sha1
    ).hexdigest()
    if given and same(whole, given.lower()):
        return
    verify_request(given, url=url, headers=headers, body=body, secret=secret)


def verify_socket(url: str, headers: Mapping[str, str], *, secret: str) -> None:
    """Checks the handshake of a stream; `secret` is the `bearer_token` of its document. Raises Unverified."""
    bearer(headers, secret)
