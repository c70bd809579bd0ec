"""The media stream that Twilio designed and SignalWire speaks too (reference/telephony.md, sections 1.2, 1.3 and 8).

Text messages of JSON; audio is base64 in them. The dialects differ in the audio they know and in sending keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.carriers.dialects.marks import Marks
from gateway.carriers.dialects.media import (
    INBOUND,
    Outward,
    Timeline,
    digit_in,
    identity,
    opened,
    parameters_in,
    part,
    payload,
    quoted,
    same_stream,
    whole,
)
from gateway.carriers.dialects.reading import KEYS, text_in
from gateway.carriers.dialects.shape import Shape
from gateway.wire import (
    Audio,
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

__all__ = ["CALLED", "CALLER", "Dialect", "TwilioStream"]

CALLER, CALLED = "caller", "called"
"""Parameters of our documents: the stream itself does not tell who calls whom."""

PACING = Pacing(frame_ms=20, frames=5)


@dataclass(frozen=True, slots=True)
class Dialect:
    encodings: Mapping[tuple[str, int], Encoding]
    """What `mediaFormat` may name: encoding in small letters, and rate."""
    keys: bool = False
    """Keys can be sent into the call."""


class TwilioStream:
    """Marks come back when they were reached, and at once when the audio before them is cleared: those after a clear
    are not `Played`. There is no answer to `clear`. Media of the other track is not heard, and chunks that come twice
    or late are dropped; a start that is repeated says nothing new."""

    subprotocol: str | None = None

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._id: str | None = None
        self._hears = Encoding(Codec.PCMU, 8000)
        self._outward = Outward("", "")
        self._clear = ""
        self._timeline = Timeline()
        self._shape = Shape("sequenceNumber")
        self._marks = Marks()
        self._last_key = -1
        """Sequence number of it."""
        self._over = False

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        known = self._shape.read(message)
        if known is not None and not self._over:
            chunk, timestamp, data = known
            at = self._timeline.placed(chunk, timestamp)
            return ([Audio(data, at)] if data and at != Timeline.STALE else []), []
        fields = opened(message)
        event = fields.get("event")
        if event == "media":
            return self._media(fields, message), []
        match event:
            case "start":
                return self._start(fields), []
            case "dtmf":
                return self._dtmf(fields), []
            case "mark":
                same_stream(fields.get("streamSid"), self._id)
                name = text_in(part(fields, "mark"), "name")
                return ([Played(name)] if self._marks.reached(name) else []), []
            case "stop":
                same_stream(fields.get("streamSid"), self._id)
                over, self._over = self._over, True
                return ([] if over else [Stopped()]), []
            case str() | None:
                return [], []
            case _:
                raise StreamFault("an event that is no text")

    def _media(self, fields: Mapping[str, object], message: Message) -> list[StreamEvent]:
        if self._id is None:
            raise StreamFault("media before start")
        named = fields.get("streamSid")
        if named != self._id:
            same_stream(named, self._id)
        media = part(fields, "media")
        if self._over or media.get("track") not in INBOUND:
            return []
        data = payload(media, self._hears)
        at = self._timeline.place(media)
        self._shape.learn(message, media, self._hears)
        return [Audio(data, at)] if data and at != Timeline.STALE else []

    def _start(self, fields: Mapping[str, object]) -> list[StreamEvent]:
        start = part(fields, "start")
        stream_id = identity(start.get("streamSid", fields.get("streamSid")), "a stream id")
        same_stream(fields.get("streamSid"), stream_id)
        if self._id is not None:
            same_stream(stream_id, self._id)
            return []
        encoding = self._encoding(part(start, "mediaFormat"))
        parameters = parameters_in(start.get("customParameters"))
        self._id = stream_id
        self._hears = encoding
        quoted_id = quoted(stream_id)
        self._outward = Outward(f'{{"event":"media","streamSid":{quoted_id},"media":{{"payload":"', '"}}')
        self._clear = f'{{"event":"clear","streamSid":{quoted_id}}}'
        return [
            Started(
                stream_id=stream_id,
                call_id=text_in(start, "callSid"),
                hears=encoding,
                plays=encoding,
                pacing=PACING,
                caller=parameters.get(CALLER, ""),
                called=parameters.get(CALLED, ""),
                parameters=parameters,
            )
        ]

    def _encoding(self, told: Mapping[str, object]) -> Encoding:
        rate = whole(told.get("sampleRate"), "rate")
        channels = whole(told.get("channels"), "number of channels")
        encoding = self._dialect.encodings.get((text_in(told, "encoding").lower(), rate or 0))
        if encoding is None or channels not in (None, 1):
            raise StreamFault("start names audio that was not asked for")
        return encoding

    def _dtmf(self, fields: Mapping[str, object]) -> list[StreamEvent]:
        if self._id is None:
            raise StreamFault("a key before start")
        same_stream(fields.get("streamSid"), self._id)
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
        return [self._outward.message(audio)] if audio else []

    def mark(self, name: str) -> list[Message]:
        if self._id is None:
            return []
        self._marks.sent(name)
        return [f'{{"event":"mark","streamSid":{quoted(self._id)},"mark":{{"name":{quoted(name)}}}}}']

    def clear(self) -> list[Message]:
        if self._id is None:
            return []
        self._marks.cleared()
        return [self._clear]

    def send_digits(self, digits: str) -> list[Message]:
        if self._id is None or not self._dialect.keys:
            return []
        head = f'{{"event":"dtmf","streamSid":{quoted(self._id)},"dtmf":{{"digit":'
        return [f"{head}{quoted(key)}}}}}" for key in digits.upper() if key in KEYS]

    def hang_up(self) -> list[Message]:
        """REST, or the socket's end once no document follows."""
        return []
