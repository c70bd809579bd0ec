"""Plivo (reference/telephony.md, section 4)."""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urljoin
from uuid import uuid4
from xml.etree.ElementTree import Element

from gateway.carriers.dialects.plivo_signature import NONCE, signature
from gateway.config import Settings
from gateway.softphone.line import Answer, Facts, Request, Side
from gateway.softphone.orders import (
    PCMU,
    Broken,
    Clear,
    Connect,
    Dial,
    HangUp,
    Keys,
    Mark,
    Order,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    Verb,
)
from gateway.softphone.strict import audio_of, json_object, only, socket_address, xml_response
from gateway.wire import Codec, Encoding, Message

__all__ = ["line"]

SIGNATURE, MAIN = "X-Plivo-Signature-V3", "X-Plivo-Signature-Ma-V3"
XML = "Plivo XML"
ATTRIBUTES = frozenset(
    {
        "bidirectional",
        "keepCallAlive",
        "contentType",
        "audioTrack",
        "streamTimeout",
        "extraHeaders",
        "statusCallbackUrl",
        "statusCallbackMethod",
    }
)
CONTENT_TYPES = {
    "audio/x-l16;rate=8000": Encoding(Codec.L16, 8000),
    "audio/x-l16;rate=16000": Encoding(Codec.L16, 16000),
    "audio/x-mulaw;rate=8000": PCMU,
}
HEADER = re.compile(r"[A-Za-z0-9]+=[A-Za-z0-9]+")
HEADERS_AT_MOST = 512
EPOCH_MS = 1_760_000_000_000
"""Streams tell Unix time in milliseconds; a stream here begins at this one, as only the distances count."""
STREAM_EVENTS = {"started": "StartStream", "stopped": "StopStream", "failed": "DroppedStream"}
RULE = "audio streaming"


class _Plivo:
    title = "Plivo"
    secret = "PLIVO_AUTH_TOKEN"
    signable = True

    def __init__(self, settings: Settings) -> None:
        self._token = settings.plivo_auth_token
        self._account = f"MA{secrets.token_hex(9).upper()}"

    @property
    def signs(self) -> bool:
        return self._token is not None

    def facts(self, caller: str, called: str) -> Facts:
        return Facts(str(uuid4()), self._account, caller.lstrip("+"), called.lstrip("+"))

    def voice(self, call: Facts, url: str, now: float, status: str = "ringing") -> Request:
        return self._form(url, self._fields(call, status, "StartApp"))

    def after(self, call: Facts, url: str, verb: Verb, now: float) -> Request:
        return self._form(url, self._fields(call, "in-progress", "Redirect"))

    def status(self, call: Facts, url: str, status: str, seconds: int | None, now: float) -> Request | None:
        if status != "completed":
            return None
        length = seconds or 0
        ended = {
            "HangupCause": "NORMAL_CLEARING",
            "HangupCauseCode": "4000",
            "HangupSource": "Caller",
            "Duration": str(length),
            "BillDuration": str(60 * -(-length // 60)),
            "TotalCost": "0.00000",
        }
        return self._form(url, self._fields(call, "completed", "Hangup") | ended)

    def verdict(self, call: Facts, url: str, answered_by: str, after_s: float) -> Request | None:
        return None

    def stream_status(
        self, call: Facts, connect: Connect, stream: str, event: str, now: float
    ) -> Request | None:
        if connect.status_url is None:
            return None
        fields = {"Event": STREAM_EVENTS[event], "CallUUID": call.call, "StreamID": stream}
        return self._form(connect.status_url, fields)

    def read(self, answer: Answer) -> Sequence[Verb]:
        if not answer.body.strip():
            return []
        return [_verb(one, answer.url) for one in xml_response(answer, XML)]

    def handshake(self, connect: Connect, now: float) -> Mapping[str, str]:
        return self._proof("GET", connect.url, {})

    def open(self, call: Facts, connect: Connect) -> Side:
        return _Side(call, connect)

    def _fields(self, call: Facts, status: str, event: str) -> dict[str, str]:
        return {
            "CallUUID": call.call,
            "From": call.caller,
            "To": call.called,
            "CallStatus": status,
            "Direction": call.direction,
            "Event": event,
            "BillRate": "0.0",
            "ParentAuthID": call.account,
        }

    def _form(self, url: str, fields: Mapping[str, str]) -> Request:
        kind = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "parley-phone"}
        proof = self._proof("POST", url, fields)
        return Request("POST", url, {**kind, **proof}, urlencode(fields).encode())

    def _proof(self, method: str, url: str, fields: Mapping[str, str]) -> Mapping[str, str]:
        if self._token is None:
            return {}
        nonce = str(secrets.randbelow(10**20))
        given = {name: [value] for name, value in fields.items()}
        made = signature(self._token.get_secret_value(), nonce, method=method, url=url, fields=given)
        return {SIGNATURE: made, MAIN: made, NONCE: nonce}


class _Side:
    """Checkpoints are told only when all before them was played: none after a clear, which is confirmed. There is no
    word for the end."""

    limit_s = 600.0

    def __init__(self, call: Facts, connect: Connect) -> None:
        self.id = str(uuid4())
        self.says, self.plays = connect.says, connect.plays
        self._call = call
        self._kind = "audio/x-mulaw" if connect.plays is PCMU else "audio/x-l16"
        self._headers = ";".join(f"{name}={value}" for name, value in connect.parameters.items())
        self._sequence = 0
        self._chunk = 0

    def opening(self) -> Sequence[Message]:
        start = {
            "callId": self._call.call,
            "streamId": self.id,
            "accountId": self._call.account,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": self._kind, "sampleRate": self.says.rate},
        }
        return [self._numbered("start", {"start": start, "extra_headers": self._headers})]

    def media(self, audio: bytes) -> Sequence[Message]:
        self._chunk += 1
        media = {
            "track": "inbound",
            "timestamp": str(EPOCH_MS + self._chunk * 20),
            "chunk": self._chunk,
            "payload": b64encode(audio).decode(),
        }
        told = {"streamId": self.id, "media": media, "extra_headers": self._headers}
        return [self._numbered("media", told)]

    def key(self, digit: str) -> Sequence[Message]:
        pressed = {
            "track": "inbound",
            "digit": digit,
            "timestamp": str(EPOCH_MS + self._chunk * 20),
        }
        return [self._numbered("dtmf", {"streamId": self.id, "dtmf": pressed})]

    def closing(self) -> Sequence[Message]:
        return []

    def marked(self, name: str) -> Sequence[Message]:
        return [json.dumps({"event": "playedStream", "streamId": self.id, "name": name})]

    def cleared(self, names: Sequence[str]) -> Sequence[Message]:
        return [self._numbered("clearedAudio", {"streamId": self.id})]

    def receive(self, message: Message) -> Sequence[Order]:
        told = json_object(message, RULE)
        if told.get("streamId", self.id) != self.id:
            raise Broken("a message to another stream than this", RULE)
        match told.get("event"):
            case "playAudio":
                only(told, {"event": str, "media": dict}, RULE, {"streamId": str})
                return [Play(self._audio(told["media"]))]
            case "checkpoint":
                only(told, {"event": str, "streamId": str, "name": str}, RULE)
                return [Mark(told["name"])]
            case "clearAudio":
                only(told, {"event": str, "streamId": str}, RULE)
                return [Clear()]
            case "sendDTMF":
                only(told, {"event": str, "dtmf": str}, RULE, {"streamId": str})
                return [Keys(told["dtmf"])]
            case event:
                raise Broken(f"an event that is not known: {event!r}"[:120], RULE)

    def _audio(self, media: object) -> bytes:
        given = only(media, {"contentType": str, "sampleRate": object, "payload": str}, RULE)
        kind, rate = given["contentType"], str(given["sampleRate"])
        if (kind, rate) != (self._kind, str(self.plays.rate)):
            raise Broken(f"{kind} at {rate} on a stream of {self._kind} at {self.plays.rate}", RULE)
        return audio_of(given["payload"], RULE, self.plays)

    def _numbered(self, event: str, body: Mapping[str, object]) -> str:
        self._sequence += 1
        return json.dumps({"event": event, "sequenceNumber": self._sequence, **body})


def line(settings: Settings) -> _Plivo:
    return _Plivo(settings)


def _verb(element: Element, base: str) -> Verb:
    said = (element.text or "").strip()
    match element.tag:
        case "Stream":
            return _connect(element)
        case "Speak" | "Play":
            return Say(said)
        case "Wait":
            length = element.get("length", "1")
            return Pause(float(length) if length.isdigit() else 1.0)
        case "Redirect":
            return Redirect(urljoin(base, said))
        case "Dial":
            whom = ", ".join((one.text or "").strip() for one in element)
            action = element.get("action")
            return Dial(whom, urljoin(base, action) if action else None)
        case "Hangup" if reason := element.get("reason"):
            return Reject(reason)
        case "Hangup":
            return HangUp()
        case name:
            raise Broken(f"an element that is not known: <{name}>", XML)


def _connect(element: Element) -> Connect:
    if unknown := set(element.attrib) - ATTRIBUTES:
        raise Broken(f"<Stream> has no attribute {', '.join(sorted(unknown))}", XML)
    if element.get("bidirectional") != "true":
        raise Broken('without bidirectional="true" the caller hears nothing', "<Stream bidirectional>")
    if element.get("keepCallAlive") != "true":
        raise Broken(
            'without keepCallAlive="true" the call goes on at once, and ends', "<Stream keepCallAlive>"
        )
    kind = element.get("contentType", "audio/x-l16;rate=8000")
    if kind not in CONTENT_TYPES:
        raise Broken(f"{kind} is not streamed here", "<Stream contentType>", fatal=True)
    headers = element.get("extraHeaders", "")
    pairs = [one for one in headers.split(",") if one]
    if len(headers) > HEADERS_AT_MOST or not all(HEADER.fullmatch(one) for one in pairs):
        raise Broken("extraHeaders are letters and digits, 512 bytes at most", "<Stream extraHeaders>")
    encoding = CONTENT_TYPES[kind]
    return Connect(
        socket_address((element.text or "").strip(), "<Stream>"),
        {name: value for name, _, value in (one.partition("=") for one in pairs)},
        None,
        element.get("statusCallbackUrl"),
        encoding,
        encoding,
    )
