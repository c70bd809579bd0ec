"""Telnyx media streaming: the stream.

reference/telephony.md, section 2. Each direction has its own encoding: what we hear is that of the caller's line and is
told at the start (A-law in most of the world), what we play is what we asked for. Order is not guaranteed.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping

from gateway.carriers.dialects import twiml
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
    swapped,
    whole,
)
from gateway.carriers.dialects.reading import text_in
from gateway.carriers.dialects.reorder import Reorder
from gateway.carriers.dialects.shape import Shape
from gateway.carriers.dialects.telnyx_orders import CODECS, ENCODINGS, PCMU, answer, streaming, texml
from gateway.carriers.dialects.telnyx_signature import AUTH_TOKEN, proof, verify_socket, verify_webhook
from gateway.wire import (
    Audio,
    Codec,
    Complained,
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
    "AUTH_TOKEN",
    "CODECS",
    "NAME",
    "Stream",
    "answer",
    "proof",
    "streaming",
    "texml",
    "verify_socket",
    "verify_webhook",
]

NAME = "telnyx"

SILENCE = {Codec.PCMU: b"\xff", Codec.PCMA: b"\xd5", Codec.L16: b"\0"}
PACING = Pacing(frame_ms=20, frames=5)
EARLY_AT_MOST = Reorder.WINDOW
"""Messages of media that may overtake the start."""
KEYS_REMEMBERED = 16

COMPLAINTS = {
    "100002": "an unknown error",
    "100003": "a message it could not read",
    "100004": "media it could not play",
    "100005": "too much at once",
}


class Stream:
    """Section 2.3. `plays` is the encoding we asked for. `big_endian`: PCM16 travels in network order, as RFC 3551 has
    it; reports of what Telnyx does differ, and little-endian is what most have seen.

    Chunks out of order are put right within a window of three, and media that overtakes the start waits for it. Marks
    come back when they are cleared too, and are not `Played` then.
    """

    subprotocol: str | None = None

    def __init__(self, plays: Encoding = PCMU, *, big_endian: bool = False) -> None:
        self._plays = plays
        self._shortest = plays.bytes_per_ms * PACING.frame_ms
        """Bytes of the least that Telnyx takes in one message: the end of a reply is filled with silence."""
        self._swaps = big_endian
        self._id: str | None = None
        self._hears = PCMU
        self._outward = Outward('{"event":"media","media":{"payload":"', '"}}')
        self._timeline = Timeline()
        self._shape = Shape("sequence_number")
        self._reorder = Reorder(PCMU)
        self._early: list[Mapping[str, object]] = []
        self._marks = Marks()
        self._keys: list[int] = []
        """Sequence numbers of the latest."""
        self._over = False

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        known = self._shape.read(message)
        if known is not None and not self._over:
            chunk, timestamp, data = known
            return (list(self._reorder.push(chunk, timestamp, data)) if data else []), []
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
                same_stream(fields.get("stream_id"), self._id)
                name = text_in(part(fields, "mark"), "name")
                return ([Played(name)] if self._marks.reached(name) else []), []
            case "error":
                return [self._complaint(fields)], []
            case "stop":
                return self._stop(fields), []
            case str() | None:
                return [], []
            case _:
                raise StreamFault("an event that is no text")

    def _media(self, fields: Mapping[str, object], message: Message | None = None) -> list[StreamEvent]:
        if self._id is None:
            if len(self._early) >= EARLY_AT_MOST:
                raise StreamFault("media before start")
            self._early.append(fields)
            return []
        named = fields.get("stream_id")
        if named != self._id:
            same_stream(named, self._id)
        media = part(fields, "media")
        if self._over or media.get("track") not in INBOUND:
            return []
        data = payload(media, self._hears)
        if self._swaps and self._hears.codec is Codec.L16:
            data = swapped(data)
        chunk = whole(media.get("chunk"), "chunk")
        if chunk is None:
            at = self._timeline.place(media)
            return [Audio(data, at)] if data and at != Timeline.STALE else []
        if not (self._swaps and self._hears.codec is Codec.L16):
            self._shape.learn(message, media, self._hears)
        if not data:
            return []
        return list(self._reorder.push(chunk, whole(media.get("timestamp"), "timestamp"), data))

    def _start(self, fields: Mapping[str, object]) -> list[StreamEvent]:
        start = part(fields, "start")
        stream_id = identity(fields.get("stream_id", start.get("stream_id")), "a stream id")
        if self._id is not None:
            same_stream(stream_id, self._id)
            return []
        told = part(start, "media_format")
        rate, channels = (
            whole(told.get("sample_rate"), "rate"),
            whole(told.get("channels"), "number of channels"),
        )
        encoding = ENCODINGS.get((text_in(told, "encoding").upper(), rate or 0))
        if encoding is None or channels not in (None, 1):
            raise StreamFault("start names audio that cannot be decoded")
        self._id = stream_id
        self._hears = encoding
        self._reorder = Reorder(encoding)
        started = Started(
            stream_id=stream_id,
            call_id=text_in(start, "call_control_id"),
            hears=encoding,
            plays=self._plays,
            pacing=PACING,
            caller=text_in(start, "from"),
            called=text_in(start, "to"),
            parameters=_state(start) | parameters_in(start.get("custom_parameters")),
        )
        early, self._early = self._early, []
        return [started, *(event for waiting in early for event in self._media(waiting))]

    def _dtmf(self, fields: Mapping[str, object]) -> list[StreamEvent]:
        if self._id is None:
            raise StreamFault("a key before start")
        same_stream(fields.get("stream_id"), self._id)
        dtmf = part(fields, "dtmf")
        number = whole(fields.get("sequence_number"), "sequence number")
        if self._over or (number is not None and number in self._keys):
            return []
        if number is not None:
            self._keys.append(number)
            del self._keys[:-KEYS_REMEMBERED]
        return list(digit_in(dtmf.get("digit")))

    def _complaint(self, fields: Mapping[str, object]) -> Complained:
        payload = fields.get("payload")
        code = payload.get("code") if isinstance(payload, dict) else None
        return Complained(COMPLAINTS.get(str(code), COMPLAINTS["100002"]))

    def _stop(self, fields: Mapping[str, object]) -> list[StreamEvent]:
        same_stream(fields.get("stream_id"), self._id)
        if self._over:
            return []
        self._over = True
        return [*self._reorder.flush(), Stopped()]

    def play(self, audio: bytes) -> list[Message]:
        if self._id is None:
            raise RuntimeError("nothing can be played before the stream began")
        if not audio:
            return []
        if len(audio) < self._shortest:
            audio = audio.ljust(self._shortest, SILENCE[self._plays.codec])
        if self._swaps and self._plays.codec is Codec.L16:
            audio = swapped(audio)
        return [self._outward.message(audio)]

    def mark(self, name: str) -> list[Message]:
        if self._id is None:
            return []
        self._marks.sent(name)
        return [f'{{"event":"mark","mark":{{"name":{quoted(name)}}}}}']

    def clear(self) -> list[Message]:
        if self._id is None:
            return []
        self._marks.cleared()
        return ['{"event":"clear"}']

    def send_digits(self, digits: str) -> list[Message]:
        """REST plays keys (`/actions/send_dtmf`)."""
        return []

    def hang_up(self) -> list[Message]:
        """REST (`/actions/hangup`)."""
        return []


def _state(start: Mapping[str, object]) -> dict[str, str]:
    """The token, where the command that began the stream could carry it in nothing else than `client_state`."""
    try:
        state = b64decode(text_in(start, "client_state"), validate=True).decode("ascii")
    except ValueError:
        return {}
    name, _, token = state.partition("=")
    return {twiml.TOKEN: token} if name == twiml.TOKEN and token else {}
