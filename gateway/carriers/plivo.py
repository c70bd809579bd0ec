"""Plivo audio streaming: the stream, the XML that begins it, and its signatures.

reference/telephony.md, section 4. Numbers are numbers here and times are Unix milliseconds. Checkpoints are told only
when all before them was really played, and a cleared queue is confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.carriers.dialects.extra_headers import headers_in, headers_out
from gateway.carriers.dialects.marks import Marks
from gateway.carriers.dialects.media import (
    INBOUND,
    Outward,
    Timeline,
    digit_in,
    identity,
    opened,
    part,
    payload,
    quoted,
    same_stream,
    swapped,
    whole,
)
from gateway.carriers.dialects.plivo_signature import verify_request
from gateway.carriers.dialects.reading import KEYS, text_in
from gateway.carriers.dialects.shape import Shape
from gateway.carriers.dialects.twiml import socket_url
from gateway.carriers.dialects.xml import document, element, text
from gateway.wire import (
    Audio,
    Cleared,
    Codec,
    Encoding,
    Message,
    Pacing,
    Played,
    Started,
    Stopped,
    StreamEvent,
    StreamFault,
)

__all__ = [
    "CONTENT_TYPES",
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

NAME = "plivo"

PCMU = Encoding(Codec.PCMU, 8000)
CONTENT_TYPES = {
    PCMU: "audio/x-mulaw",
    Encoding(Codec.L16, 8000): "audio/x-l16",
    Encoding(Codec.L16, 16000): "audio/x-l16",
}
ENCODINGS = {(name, encoding.rate): encoding for encoding, name in CONTENT_TYPES.items()}
PACING = Pacing(frame_ms=20, frames=5)
TIMEOUT_S = 86400


class Stream:
    """Section 4.2. `big_endian`: PCM16 travels in network order, as RFC 3551 has it; in practice it does not."""

    subprotocol: str | None = None

    def __init__(self, *, big_endian: bool = False) -> None:
        self._swaps = big_endian
        self._id: str | None = None
        self._hears = PCMU
        self._outward = Outward("", "")
        self._timeline = Timeline(epoch=True)
        self._shape = Shape("sequenceNumber")
        self._marks = Marks()
        self._last_key = -1
        self._over = False

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        known = self._shape.read(message)
        if known is not None and not self._over:
            chunk, timestamp, data = known
            return self._heard(data, self._timeline.placed(chunk, timestamp)), []
        fields = opened(message)
        event = fields.get("event")
        if event == "media":
            return self._media(fields, message), []
        match event:
            case "start":
                return self._start(fields), []
            case "dtmf":
                return self._dtmf(fields), []
            case "playedStream" | "played":
                same_stream(fields.get("streamId"), self._id)
                name = text_in(fields, "name")
                return ([Played(name)] if self._marks.reached(name) else []), []
            case "clearedAudio":
                same_stream(fields.get("streamId"), self._id)
                self._marks.forget()
                return [Cleared()], []
            case "stop":
                same_stream(fields.get("streamId"), self._id)
                over, self._over = self._over, True
                return ([] if over else [Stopped()]), []
            case str() | None:
                return [], []
            case _:
                raise StreamFault("an event that is no text")

    def _media(self, fields: Mapping[str, object], message: Message) -> list[StreamEvent]:
        if self._id is None:
            raise StreamFault("media before start")
        named = fields.get("streamId")
        if named != self._id:
            same_stream(named, self._id)
        media = part(fields, "media")
        if self._over or media.get("track") not in INBOUND:
            return []
        data = payload(media, self._hears)
        at = self._timeline.place(media)
        self._shape.learn(message, media, self._hears)
        return self._heard(data, at)

    def _heard(self, data: bytes, at: int | None) -> list[StreamEvent]:
        if not data or at == Timeline.STALE:
            return []
        return [Audio(swapped(data) if self._swaps and self._hears is not PCMU else data, at)]

    def _start(self, fields: Mapping[str, object]) -> list[StreamEvent]:
        start = part(fields, "start")
        stream_id = identity(start.get("streamId", fields.get("streamId")), "a stream id")
        if self._id is not None:
            same_stream(stream_id, self._id)
            return []
        told = part(start, "mediaFormat")
        kind = text_in(told, "encoding").lower()
        encoding = ENCODINGS.get((kind, whole(told.get("sampleRate"), "rate") or 0))
        if encoding is None:
            raise StreamFault("start names audio that was not asked for")
        parameters = headers_in(fields.get("extra_headers", start.get("extra_headers")))
        self._id = stream_id
        self._hears = encoding
        self._outward = Outward(
            f'{{"event":"playAudio","streamId":{quoted(stream_id)},"media":{{"contentType":{quoted(kind)},'
            f'"sampleRate":{encoding.rate},"payload":"',
            '"}}',
        )
        return [
            Started(
                stream_id=stream_id,
                call_id=text_in(start, "callId"),
                hears=encoding,
                plays=encoding,
                pacing=PACING,
                caller=parameters.get("caller", ""),
                called=parameters.get("called", ""),
                parameters=parameters,
            )
        ]

    def _dtmf(self, fields: Mapping[str, object]) -> list[StreamEvent]:
        if self._id is None:
            raise StreamFault("a key before start")
        same_stream(fields.get("streamId"), self._id)
        dtmf = part(fields, "dtmf")
        number = whole(fields.get("sequenceNumber"), "sequence number")
        if (
            self._over
            or dtmf.get("track") not in INBOUND
            or (number is not None and number <= self._last_key)
        ):
            return []
        if number is not None:
            self._last_key = number
        return list(digit_in(dtmf.get("digit")))

    def play(self, audio: bytes) -> list[Message]:
        if self._id is None:
            raise RuntimeError("nothing can be played before the stream began")
        if not audio:
            return []
        return [self._outward.message(swapped(audio) if self._swaps and self._hears is not PCMU else audio)]

    def mark(self, name: str) -> list[Message]:
        if self._id is None:
            return []
        self._marks.sent(name)
        return [f'{{"event":"checkpoint","streamId":{quoted(self._id)},"name":{quoted(name)}}}']

    def clear(self) -> list[Message]:
        if self._id is None:
            return []
        return [f'{{"event":"clearAudio","streamId":{quoted(self._id)}}}']

    def send_digits(self, digits: str) -> list[Message]:
        keys = "".join(key for key in digits.upper() if key in KEYS)
        return [f'{{"event":"sendDTMF","dtmf":{quoted(keys)}}}'] if self._id is not None and keys else []

    def hang_up(self) -> list[Message]:
        """REST, or the socket's end once no element follows."""
        return []


def answer(
    url: str,
    *,
    token: str,
    caller: str = "",
    called: str = "",
    action: str | None = None,
    status_callback: str | None = None,
    encoding: Encoding = PCMU,
    parameters: Mapping[str, str] | None = None,
) -> str:
    """The XML that connects a call to our socket (section 4.1). `token` is letters and digits only. When the socket is
    gone Plivo asks `action` how to go on; without it the call ends. Raises ValueError."""
    if encoding not in CONTENT_TYPES:
        raise ValueError("Plivo streams µ-law at 8 kHz, or PCM16 at 8 or 16 kHz")
    if not (token.isascii() and token.isalnum()):
        raise ValueError("a token of letters and digits only: Plivo carries nothing else")
    given = {"token": token, "caller": caller, "called": called} | dict(parameters or {})
    stream = element(
        "Stream",
        {
            "bidirectional": "true",
            "keepCallAlive": "true",
            "contentType": f"{CONTENT_TYPES[encoding]};rate={encoding.rate}",
            "streamTimeout": str(TIMEOUT_S),
            "statusCallbackUrl": status_callback,
            "extraHeaders": headers_out({name: value for name, value in given.items() if value}),
        },
        text(socket_url(url)),
    )
    return document(stream, element("Redirect", None, text(action)) if action else element("Hangup"))


def refuse(*, busy: bool = True) -> str:
    """The call is not taken: busy, or rejected. Only as the first answer."""
    return document(element("Hangup", {"reason": "busy" if busy else "rejected"}))


def say(sentence: str, *, voice: str | None = None, language: str | None = None) -> str:
    """One sentence in the carrier's voice, then the call ends."""
    spoken = element("Speak", {"voice": voice, "language": language}, text(sentence))
    return document(spoken, element("Hangup"))


def redirect(url: str) -> str:
    """The call goes on with what `url` answers."""
    return document(element("Redirect", None, text(url)))


def transfer(
    to: str, *, caller_id: str | None = None, action: str | None = None, timeout_s: int | None = None
) -> str:
    """The caller to `to`: a number, or a `sip:` address. `action` is asked when that ends or fails."""
    whom = element("User" if to.startswith(("sip:", "sips:")) else "Number", None, text(to))
    timeout = None if timeout_s is None else str(timeout_s)
    return document(element("Dial", {"callerId": caller_id, "action": action, "timeout": timeout}, whom))


def hang_up() -> str:
    """The call ends."""
    return document(element("Hangup"))


def verify_webhook(
    url: str, headers: Mapping[str, str], body: bytes = b"", *, secret: str, method: str = "POST"
) -> None:
    """Checks a webhook over its public URL and raw body, by the auth token of the account or of the main account.
    Raises Unverified."""
    verify_request(method, url, headers, body, secret=secret)


def verify_socket(url: str, headers: Mapping[str, str], *, secret: str) -> None:
    """Checks the handshake of a stream, signed as a GET of its `wss:` URL. Raises Unverified."""
    verify_request("GET", url, headers, b"", secret=secret)
