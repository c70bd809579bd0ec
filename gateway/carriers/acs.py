"""Azure Communication Services: the audio stream of Call Automation, its answer body and its tokens.

Everything is JSON text, audio base64 PCM16 within (reference/telephony.md, section 5.3); what we send is in PascalCase,
what we get is not. Marks do not exist (Python package 1.6.0), so what was heard is reckoned by the clock.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.carriers.dialects.bearer import claims_of, in_force
from gateway.carriers.dialects.handshake import query_of
from gateway.carriers.dialects.proof import header, require
from gateway.carriers.dialects.reading import key_of, message_object, object_in, samples, text_in, unbase64
from gateway.wire import (
    Audio,
    Codec,
    Digit,
    Encoding,
    Message,
    Pacing,
    Started,
    StreamEvent,
    StreamFault,
    Unverified,
)

__all__ = [
    "NAME",
    "Stream",
    "answer",
    "dial",
    "handshake",
    "media_streaming",
    "phone",
    "stream_of",
    "validation_reply",
    "verify_socket",
    "verify_webhook",
]

NAME = "acs"

FRAME_MS = 20
RATES = (16000, 24000)
FORMATS = {16000: "pcm16KMono", 24000: "pcm24KMono"}
ISSUER = "https://acscallautomation.communication.azure.com"
SKEW_S = 60
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"

BEFORE, AFTER = '{"Kind":"AudioData","AudioData":{"Data":"', '"},"StopAudio":null}'
STOP = '{"Kind":"StopAudio","AudioData":null,"StopAudio":{}}'


class Stream:
    """Section 5.3. `handshake` is what the request that opened the socket told: the stream does not name its call.

    Frames marked silent become zeros of the same length: whoever drops them takes the end of a turn from the VAD.
    Of an unmixed stream the first participant is the caller; the others are not heard here.
    """

    subprotocol: str | None = None

    def __init__(self, handshake: Mapping[str, str] | None = None) -> None:
        self._handshake = dict(handshake or {})
        self._silence: bytes | None = None
        """One frame of it; None before the metadata."""
        self._participant: str | None = None
        self._began: datetime | None = None

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        if isinstance(message, bytes):
            raise StreamFault("a binary message, where all is text")
        fields = message_object(message)
        match fields.get("kind"):
            case "AudioData":
                return self._audio(object_in(fields, "audioData")), []
            case "AudioMetadata":
                return [self._start(object_in(fields, "audioMetadata"))], []
            case "DtmfData":
                key = key_of(object_in(fields, "dtmfData").get("data"))
                return ([Digit(key)] if key else []), []
            case _:
                return [], []

    def _start(self, metadata: dict[str, object]) -> Started:
        if self._silence is not None:
            raise StreamFault("AudioMetadata came twice")
        rate, channels = metadata.get("sampleRate"), metadata.get("channels", 1)
        encoded = text_in(metadata, "encoding") or "PCM"
        if not isinstance(rate, int) or rate not in RATES or channels != 1 or encoded.upper() != "PCM":
            raise StreamFault("AudioMetadata names audio that was not asked for")
        encoding = Encoding(Codec.L16, rate)
        self._silence = bytes(encoding.bytes_per_ms * FRAME_MS)
        return Started(
            stream_id=text_in(metadata, "subscriptionId"),
            call_id=self._handshake.get("call", ""),
            hears=encoding,
            plays=encoding,
            pacing=Pacing(FRAME_MS),
            caller=self._handshake.get("caller", ""),
            called=self._handshake.get("called", ""),
            parameters=self._handshake,
        )

    def _audio(self, audio: dict[str, object]) -> list[StreamEvent]:
        if self._silence is None:
            raise StreamFault("AudioData before AudioMetadata")
        participant = audio.get("participantRawID")
        if isinstance(participant, str) and participant != self._participant:
            if self._participant:
                return []
            self._participant = participant
        data = audio.get("data")
        if audio.get("silent") is True:
            size = len(data) * 3 // 4 if isinstance(data, str) else 0
            # Base64 rounds up to three bytes; a frame is never shorter than a sample.
            frame = self._silence if abs(size - len(self._silence)) <= 2 or not size else bytes(size & ~1)
        else:
            frame = samples(unbase64(data))
        return [Audio(frame, self._at_ms(audio.get("timestamp")))] if frame else []

    def _at_ms(self, timestamp: object) -> int | None:
        """Milliseconds since the first frame; None when the text is no time (RFC 3339)."""
        try:
            at = datetime.fromisoformat(timestamp)  # type: ignore[arg-type]  # anything else is a TypeError
            if self._began is None:
                self._began = at
            since = at - self._began
        except (ValueError, TypeError, OverflowError):
            return None
        return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000

    def play(self, audio: bytes) -> list[Message]:
        if self._silence is None:
            raise RuntimeError("nothing can be played before the stream began")
        if not audio:
            return []
        return [BEFORE + binascii.b2a_base64(audio, newline=False).decode("ascii") + AFTER]

    def mark(self, name: str) -> list[Message]:
        return []

    def clear(self) -> list[Message]:
        return [] if self._silence is None else [STOP]

    def send_digits(self, digits: str) -> list[Message]:
        """REST plays keys (`:sendDtmfTones`)."""
        return []

    def hang_up(self) -> list[Message]:
        """REST (`:terminate`); the socket's end leaves the call up."""
        return []


def handshake(url: str, headers: Mapping[str, str]) -> dict[str, str]:
    """What a handshake tells `Stream`: the query of the URL that we gave, and the call's id. Raises Unverified."""
    call = header(headers, "x-ms-call-connection-id")
    return query_of(url) | ({"call": call} if call else {})


def media_streaming(url: str, *, rate: int = 24000, mixed: bool = False) -> dict[str, Any]:
    """`mediaStreamingOptions` of answering and dialling (section 5.2): both directions, from the first moment, with
    digits. Unmixed, since a mixed stream may hold our own voice. Raises ValueError for a rate Azure has not."""
    if rate not in FORMATS:
        raise ValueError(f"Azure streams at {' or '.join(map(str, FORMATS))} samples a second, not {rate}")
    return {
        "transportType": "websocket",
        "transportUrl": url,
        "contentType": "audio",
        "audioChannelType": "mixed" if mixed else "unmixed",
        "startMediaStreaming": True,
        "enableBidirectional": True,
        "audioFormat": FORMATS[rate],
        "enableDtmfTones": True,
    }


def answer(
    url: str,
    *,
    token: str,
    incoming_call_context: str,
    callback_url: str,
    caller: str = "",
    called: str = "",
    rate: int = 24000,
    parameters: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The body of `callConnections:answer` for one `IncomingCall` event. The stream tells nothing of the call, so what
    it has to know goes into the query of `url`. Raises ValueError without a token."""
    named = {"caller": caller, "called": called} | dict(parameters or {})
    return {
        "incomingCallContext": incoming_call_context,
        "callbackUri": callback_url,
        "mediaStreamingOptions": media_streaming(_telling(url, token, named), rate=rate),
    }


def dial(
    url: str, *, token: str, to: str, number: str, callback_url: str, rate: int = 24000
) -> dict[str, Any]:
    """The body of `callConnections` that has `to` called from `number`, both in E.164. The stream begins as somebody
    answers. Raises ValueError without a token."""
    return {
        "targets": [phone(to)],
        "sourceCallerIdNumber": {"value": number},
        "callbackUri": callback_url,
        "mediaStreamingOptions": media_streaming(_telling(url, token, {}), rate=rate),
    }


def phone(number: str) -> dict[str, Any]:
    """Somebody at a telephone."""
    return {"kind": "phoneNumber", "phoneNumber": {"value": number}}


def _telling(url: str, token: str, named: Mapping[str, str]) -> str:
    if not token:
        raise ValueError("a stream without its one-time token")
    told = {"token": token} | {name: value for name, value in named.items() if value}
    return f"{url}{'&' if '?' in url else '?'}{urlencode(told)}"


def validation_reply(events: object) -> dict[str, str] | None:
    """What Event Grid wants to hear when a subscription is made (section 5.1); None when `events` is no such thing.
    Azure asks once, and sends no calls before it has the answer."""
    for event in events if isinstance(events, list) else []:
        if isinstance(event, dict) and event.get("eventType") == VALIDATION:
            data = event.get("data")
            code = data.get("validationCode") if isinstance(data, dict) else None
            if isinstance(code, str) and code:
                return {"validationResponse": code}
    return None


def stream_of(url: str, headers: Mapping[str, str]) -> Stream:
    """The stream of one socket. Raises Unverified."""
    return Stream(handshake(url, headers))


def verify_socket(
    url: str, headers: Mapping[str, str], *, keys: Mapping[str, Any], audience: str, now: float
) -> None:
    """Checks the token of a media handshake: signed by Azure, for this resource, in force.

    `keys` is the key set that Azure publishes (a JWKS), `audience` the resource's immutable id, `now` a Unix time.
    Raises Unverified.
    """
    require(audience)
    claims = claims_of(header(headers, "Authorization"), _key_set(keys), "RS256")
    if claims.get("iss") != ISSUER:
        raise Unverified("issued by somebody other than Azure Communication Services")
    named = claims.get("aud")
    if audience not in (named if isinstance(named, list) else [named]):
        raise Unverified("issued for another resource")
    if "exp" not in claims:
        raise Unverified("without an end")
    in_force(claims, now, SKEW_S)


def verify_webhook(
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    keys: Mapping[str, Any],
    audience: str,
    now: float,
) -> None:
    """Checks the token of a callback, which is that of the handshake with a shorter life. The body is not signed.
    Raises Unverified."""
    verify_socket(url, headers, keys=keys, audience=audience, now=now)


def _key_set(keys: Mapping[str, Any]) -> KeySet:
    published = keys.get("keys")
    usable = [key for key in published if isinstance(key, dict)] if isinstance(published, list) else []
    try:
        return KeySet.import_key_set({"keys": [key for key in usable if key.get("kty") == "RSA"]})
    except (JoseError, ValueError, TypeError, KeyError):
        raise Unverified("the keys to check it with cannot be read") from None
