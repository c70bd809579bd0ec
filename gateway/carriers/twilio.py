"""Twilio Media Streams: the stream of `<Connect><Stream>`, TwiML, and the signatures of webhooks and handshakes.

reference/telephony.md, section 1. Audio goes both ways as µ-law at 8 kHz. Closing the socket ends `<Connect>`: Twilio
goes on with its `action`, which is how a stream that dropped is attached again, and how a call is transferred.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.carriers.dialects import twiml
from gateway.carriers.dialects.proof import header
from gateway.carriers.dialects.twilio_signature import Hash, verify_request
from gateway.carriers.dialects.twilio_stream import Dialect, TwilioStream
from gateway.wire import Codec, Encoding, Unverified

__all__ = [
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

NAME = "twilio"

DIALECT = Dialect(encodings={("audio/x-mulaw", 8000): Encoding(Codec.PCMU, 8000)})

SIGNATURE = "X-Twilio-Signature"
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
HASHES: dict[str, Hash] = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}

redirect, refuse, say, transfer, hang_up = (
    twiml.redirect,
    twiml.refuse,
    twiml.say,
    twiml.transfer,
    twiml.hang_up,
)


class Stream(TwilioStream):
    """Sections 1.2 and 1.3."""

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
    parameters: Mapping[str, str] | None = None,
) -> str:
    """The TwiML that connects a call to our socket (section 1.1). `url` begins with `wss:` and has no query; what the
    stream has to know goes into parameters. When the socket is gone Twilio asks `action` how to go on. Raises
    ValueError."""
    given = twiml.stream_parameters(token, caller, called, parameters)
    return twiml.connect(
        {"url": twiml.socket_url(url), "statusCallback": status_callback}, given, action=action
    )


def verify_webhook(
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    secret: str,
    keys: Mapping[str, str] | None = None,
) -> None:
    """Checks a webhook over its public URL and raw body (section 1.4). `secret` is the account's auth token, `keys`
    the secrets of shared keys by their id, for webhooks that say they were signed by one. Raises Unverified."""
    algorithm: Hash = "sha1"
    if settings := header(headers, SETTINGS):
        named = dict(_setting(one) for one in settings.split(","))
        key, wanted = named.get("key"), named.get("algorithm", "HMAC_SHA1").upper()
        if wanted not in HASHES:
            raise Unverified("signed by an algorithm we do not know")
        algorithm = HASHES[wanted]
        if key:
            secret = (keys or {}).get(key, "")
    verify_request(
        header(headers, SIGNATURE), url=url, headers=headers, body=body, secret=secret, algorithm=algorithm
    )


def verify_socket(
    url: str, headers: Mapping[str, str], *, secret: str, keys: Mapping[str, str] | None = None
) -> None:
    """Checks the handshake of a stream; `url` is the `wss:` one of the TwiML, to the letter. Raises Unverified."""
    verify_webhook(url, headers, secret=secret, keys=keys)


def _setting(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip()
