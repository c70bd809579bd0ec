"""Vonage Voice (reference/telephony.md, section 3): an answer URL of GET, signed webhooks, events in JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import OctKey

from gateway.config import Settings
from gateway.softphone.line import Answer, Facts, Request, Side
from gateway.softphone.orders import Broken, Clear, Connect, Dial, Mark, Order, Play, Say, Verb
from gateway.softphone.strict import json_object, only
from gateway.wire import Codec, Encoding, Message

__all__ = ["line"]

NCCO = "NCCO"
RULE = "WebSocket endpoint"
RATES = {f"audio/l16;rate={rate}": rate for rate in (8000, 16000, 24000)}
HEADERS_AT_MOST = 512
MESSAGES_AT_MOST = 3072
FRAME_MS = 20
EARLY = "authorization.type=vonage"


class _Vonage:
    title = "Vonage"
    secret = "VONAGE_SIGNATURE_SECRET"
    signable = True

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.vonage_signature_secret
        self._application = settings.vonage_application_id or str(uuid4())
        self._conversation = f"CON-{uuid4()}"

    @property
    def signs(self) -> bool:
        return self._secret is not None

    def facts(self, caller: str, called: str) -> Facts:
        """Its numbers have no plus."""
        return Facts(str(uuid4()), self._application, caller.lstrip("+"), called.lstrip("+"))

    def voice(self, call: Facts, url: str, now: float, status: str = "ringing") -> Request:
        query = {
            "to": call.called,
            "from": call.caller,
            "endpoint_type": "phone",
            "conversation_uuid": self._conversation,
            "uuid": call.call,
            "region_url": "https://api-us-3.vonage.com",
        }
        joint = "&" if urlsplit(url).query else "?"
        asked = f"{url}{joint}{urlencode(query)}"
        told = dict(parse_qsl(urlsplit(asked).query, keep_blank_values=True))
        payload = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
        return Request("GET", asked, self._proof(payload, now))

    def after(self, call: Facts, url: str, verb: Verb, now: float) -> Request:
        return self.voice(call, url, now)

    def status(self, call: Facts, url: str, status: str, seconds: int | None, now: float) -> Request | None:
        told: dict[str, object] = {
            "from": call.caller,
            "to": call.called,
            "uuid": call.call,
            "conversation_uuid": self._conversation,
            "status": status,
            "direction": call.direction,
            "timestamp": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }
        if seconds is not None:
            told |= {"duration": str(seconds), "rate": "0.00", "price": "0.00", "network": "none"}
        body = json.dumps(told).encode()
        return Request("POST", url, {"Content-Type": "application/json", **self._proof(body, now)}, body)

    def verdict(self, call: Facts, url: str, answered_by: str, after_s: float) -> Request | None:
        return None

    def stream_status(
        self, call: Facts, connect: Connect, stream: str, event: str, now: float
    ) -> Request | None:
        return None

    def read(self, answer: Answer) -> Sequence[Verb]:
        if not answer.body.strip():
            return []
        try:
            actions = json.loads(answer.body)
        except ValueError:
            raise Broken("an NCCO that is no JSON", NCCO, fatal=True) from None
        if not isinstance(actions, list) or not all(isinstance(one, dict) for one in actions):
            raise Broken("an NCCO is a list of actions", NCCO, fatal=True)
        return [_verb(one) for one in actions]

    def handshake(self, connect: Connect, now: float) -> Mapping[str, str]:
        if connect.bearer != EARLY:
            return {}
        return self._proof(None, now)

    def open(self, call: Facts, connect: Connect) -> Side:
        return _Side(connect)

    def _proof(self, payload: bytes | None, now: float) -> Mapping[str, str]:
        if self._secret is None:
            return {}
        claims: dict[str, object] = {
            "iat": round(now),
            "jti": str(uuid4()),
            "iss": "Vonage",
            "api_key": "softphon",
            "application_id": self._application,
        }
        if payload is not None:
            claims["payload_hash"] = hashlib.sha256(payload).hexdigest()
        key = OctKey.import_key(self._secret.get_secret_value())
        return {"Authorization": f"Bearer {jwt.encode({'alg': 'HS256', 'typ': 'JWT'}, claims, key)}"}


class _Side:
    """Binary messages are audio, of exactly 20 ms. Notifications that a clear overtakes are not told."""

    id = ""
    limit_s = MESSAGES_AT_MOST * FRAME_MS / 1000

    def __init__(self, connect: Connect) -> None:
        self.says, self.plays = connect.says, connect.plays
        self._headers = dict(connect.parameters)
        self._frame = connect.plays.bytes_per_ms * FRAME_MS

    def opening(self) -> Sequence[Message]:
        kind = f"audio/l16;rate={self.says.rate}"
        return [json.dumps({"event": "websocket:connected", "content-type": kind, **self._headers})]

    def media(self, audio: bytes) -> Sequence[Message]:
        return [audio]

    def key(self, digit: str) -> Sequence[Message]:
        return [json.dumps({"event": "websocket:dtmf", "digit": digit, "duration": 260})]

    def closing(self) -> Sequence[Message]:
        return []

    def marked(self, name: str) -> Sequence[Message]:
        return [json.dumps({"event": "websocket:notify", "payload": json.loads(name)})]

    def cleared(self, names: Sequence[str]) -> Sequence[Message]:
        return [json.dumps({"event": "websocket:cleared"})]

    def receive(self, message: Message) -> Sequence[Order]:
        if isinstance(message, bytes):
            if len(message) != self._frame:
                raise Broken(f"{len(message)} bytes of audio; exactly {self._frame} are 20 ms", RULE)
            return [Play(message)]
        told = json_object(message, RULE)
        match told.get("action"):
            case "clear":
                only(told, {"action": str}, RULE)
                return [Clear()]
            case "notify":
                only(told, {"action": str, "payload": dict}, RULE)
                return [Mark(json.dumps(told["payload"]))]
            case action:
                raise Broken(f"an action that is not known: {action!r}"[:120], RULE)


def line(settings: Settings) -> _Vonage:
    return _Vonage(settings)


def _verb(action: dict[str, Any]) -> Verb:
    match action.get("action"):
        case "talk":
            return Say(str(action.get("text", "")))
        case "stream":
            return Say(str(action.get("streamUrl", "")))
        case "connect":
            return _connect(action)
        case name:
            raise Broken(f"an action that is not known: {name!r}"[:120], NCCO)


def _connect(action: dict[str, Any]) -> Verb:
    endpoints = action.get("endpoint")
    if not isinstance(endpoints, list) or len(endpoints) != 1 or not isinstance(endpoints[0], dict):
        raise Broken("connect has one endpoint", NCCO, fatal=True)
    endpoint = endpoints[0]
    if endpoint.get("type") != "websocket":
        return Dial(
            str(endpoint.get("number") or endpoint.get("uri") or endpoint.get("user") or "somebody")
        )
    rate = RATES.get(str(endpoint.get("content-type")))
    if rate is None:
        raise Broken(f"{endpoint.get('content-type')!r} is not streamed here"[:120], RULE, fatal=True)
    headers = endpoint.get("headers", {})
    if not isinstance(headers, dict) or len(json.dumps(headers)) > HEADERS_AT_MOST:
        raise Broken("headers are an object of at most 512 bytes", RULE)
    parts = urlsplit(str(endpoint.get("uri", "")))
    if parts.scheme not in ("wss", "ws") or not parts.netloc:
        raise Broken(f"a WebSocket's URI begins with wss:, not {parts.scheme}:", RULE, fatal=True)
    authorization = endpoint.get("authorization", {})
    proved = isinstance(authorization, dict) and authorization.get("type") == "vonage"
    encoding = Encoding(Codec.L16, rate)
    return Connect(str(endpoint["uri"]), headers, None, None, encoding, encoding, EARLY if proved else None)
