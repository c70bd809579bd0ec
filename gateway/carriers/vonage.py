"""Vonage Voice: the WebSocket leg of an NCCO `connect`, its answer document and its signed webhooks.

Binary messages are audio, text messages are JSON (reference/telephony.md, section 3.2). Audio goes both ways as PCM16
little-endian in messages of exactly 20 ms; a message of any other size plays choppily, so the last one of a reply is
filled with silence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from joserfc.jwk import OctKey

from gateway.carriers.dialects.bearer import claims_of, in_force
from gateway.carriers.dialects.proof import header, require, same
from gateway.carriers.dialects.reading import key_of, message_object, object_in, samples, text_in, texts_in
from gateway.wire import (
    Audio,
    Cleared,
    Codec,
    Digit,
    Encoding,
    Message,
    Pacing,
    Played,
    Started,
    StreamEvent,
    StreamFault,
    Unverified,
)

__all__ = ["NAME", "Claims", "Stream", "answer", "proof", "verify_socket", "verify_webhook"]

NAME = "vonage"

FRAME_MS = 20
RATES = (8000, 16000, 24000)
HEADERS_AT_MOST = 512
"""Bytes of the JSON of an NCCO's `headers`."""
EARLY_AT_MOST = 50
"""Messages of audio kept while `websocket:connected` has not come; the oldest goes when there are more."""
SKEW_S = 300
"""How old a signature may be, and how far our clocks may differ."""

CONTENT_TYPE = re.compile(r"audio/l16;\s*rate=(\d{4,5})", re.IGNORECASE)
CLEAR = '{"action":"clear"}'


class Stream:
    """Section 3.2. The stream has no id of its own, and tells what the NCCO put into its `headers`."""

    subprotocol: str | None = None

    def __init__(self) -> None:
        self._started = False
        self._frame = 0
        self._early: list[bytes] = []

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        if isinstance(message, bytes):
            if self._started:
                return [Audio(samples(message))] if message else [], []
            # Some clients have seen audio overtake the first text.
            self._early.append(samples(message))
            del self._early[:-EARLY_AT_MOST]
            return [], []
        fields = message_object(message)
        match fields.get("event"):
            case "websocket:connected":
                return self._start(fields), []
            case "websocket:dtmf":
                key = key_of(fields.get("digit")) or key_of(object_in(fields, "dtmf").get("digit"))
                return ([Digit(key)] if key else []), []
            case "websocket:cleared":
                return [Cleared()], []
            case "websocket:notify":
                mark = text_in(object_in(fields, "payload"), "mark")
                return ([Played(mark)] if mark else []), []
            case _:
                return [], []

    def _start(self, fields: dict[str, object]) -> list[StreamEvent]:
        if self._started:
            raise StreamFault("websocket:connected came twice")
        found = CONTENT_TYPE.fullmatch(text_in(fields, "content-type").strip())
        rate = int(found[1]) if found else 0
        if rate not in RATES:
            raise StreamFault("websocket:connected names no audio that Vonage sends")
        self._started = True
        encoding = Encoding(Codec.L16, rate)
        self._frame = encoding.bytes_per_ms * FRAME_MS
        parameters = texts_in(fields)
        del parameters["event"], parameters["content-type"]
        started = Started(
            stream_id="",
            call_id=parameters.get("call", ""),
            hears=encoding,
            plays=encoding,
            pacing=Pacing(FRAME_MS, exact=True),
            caller=parameters.get("caller", ""),
            called=parameters.get("called", ""),
            parameters=parameters,
        )
        early, self._early = self._early, []
        return [started, *map(Audio, early)]

    def play(self, audio: bytes) -> list[Message]:
        size = self._frame
        if not size:
            raise RuntimeError("nothing can be played before the stream began")
        if len(audio) == size:
            return [audio]
        return [audio[at : at + size].ljust(size, b"\0") for at in range(0, len(audio), size)]

    def mark(self, name: str) -> list[Message]:
        return (
            [orjson.dumps({"action": "notify", "payload": {"mark": name}}).decode()]
            if self._started
            else []
        )

    def clear(self) -> list[Message]:
        return [CLEAR] if self._started else []

    def send_digits(self, digits: str) -> list[Message]:
        """REST plays keys (`PUT /v1/calls/{uuid}/dtmf`)."""
        return []

    def hang_up(self) -> list[Message]:
        """REST, or closing the socket."""
        return []


def answer(
    url: str,
    *,
    token: str,
    call: str = "",
    caller: str = "",
    called: str = "",
    rate: int = 24000,
    parameters: Mapping[str, str] | None = None,
    event_url: str | None = None,
) -> list[dict[str, Any]]:
    """The NCCO that connects a call to our socket (section 3.1). All that is given comes back at the stream's start.
    Raises ValueError for a rate Vonage has not, no token, or more than it would carry."""
    if rate not in RATES:
        raise ValueError(f"Vonage streams at {', '.join(map(str, RATES))} samples a second, not {rate}")
    if not token:
        raise ValueError("a stream without its one-time token")
    named = {"token": token, "call": call, "caller": caller, "called": called}
    headers = {name: value for name, value in named.items() if value} | dict(parameters or {})
    if len(orjson.dumps(headers)) > HEADERS_AT_MOST:
        raise ValueError(f"Vonage carries at most {HEADERS_AT_MOST} bytes of headers")
    connect: dict[str, Any] = {
        "action": "connect",
        "endpoint": [
            {
                "type": "websocket",
                "uri": url,
                "content-type": f"audio/l16;rate={rate}",
                "headers": headers,
                "authorization": {"type": "vonage"},
            }
        ],
    }
    if event_url:
        connect["eventUrl"] = [event_url]
    return [connect]


@dataclass(frozen=True, slots=True)
class Claims:
    """Who signed. `jti` is new in every request: remember it for as long as `SKEW_S` to refuse a replay."""

    jti: str
    issued_at: float
    application_id: str
    api_key: str


def verify_webhook(
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    secret: str,
    now: float,
    application_id: str | None = None,
) -> Claims:
    """Checks the JWT of a signed webhook against the raw body, or the query of a GET (section 3.3). `secret` is that of
    the account whose key the claims name, `now` a Unix time. Raises Unverified."""
    claims, found = _claims(headers, secret, now, application_id)
    said = claims.get("payload_hash")
    if not isinstance(said, str) or not same(said.lower(), hashlib.sha256(body or _query(url)).hexdigest()):
        raise Unverified("the body is not the one that was signed")
    return found


def proof(headers: Mapping[str, str]) -> str:
    """What is signed of a webhook that was checked: the token without its signature, which may be written in many
    ways, as may what stands round it."""
    return header(headers, "Authorization").rpartition(" ")[2].rpartition(".")[0]


def verify_socket(
    url: str, headers: Mapping[str, str], *, secret: str, now: float, application_id: str | None = None
) -> Claims:
    """Checks the JWT that a handshake carries when the NCCO asked for `authorization: vonage`. Raises Unverified."""
    return _claims(headers, secret, now, application_id)[1]


def _query(url: str) -> bytes:
    """What is hashed of a GET: its query as one JSON object, in the order received."""
    try:
        return orjson.dumps(dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)))
    except (ValueError, TypeError):
        raise Unverified("a query that cannot be read") from None


def _claims(
    headers: Mapping[str, str], secret: str, now: float, application_id: str | None
) -> tuple[dict[str, Any], Claims]:
    require(secret)
    claims = claims_of(header(headers, "Authorization"), OctKey.import_key(secret), "HS256")
    issued_at = claims.get("iat")
    if claims.get("iss") != "Vonage":
        raise Unverified("signed by somebody other than Vonage")
    if not isinstance(issued_at, int | float) or not abs(now - issued_at) <= SKEW_S:
        raise Unverified("signed too long ago, or in the future")
    in_force(claims, now, SKEW_S)
    application, key, jti = (str(claims.get(name) or "") for name in ("application_id", "api_key", "jti"))
    if application_id is not None and application != application_id:
        raise Unverified("signed for another application")
    if not jti:
        raise Unverified("without an id, so that a replay could not be told")
    return claims, Claims(jti, float(issued_at), application, key)
