"""Exotel AgentStream: the stream of the Voicebot applet, the address it is given, and its user and password.

reference/telephony.md, section 6. Audio goes both ways as PCM16 little-endian at the rate that the URL asks for. What
we send goes in pieces of at least 3200 bytes and whole multiples of 320: any other size is heard as gaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from gateway.carriers.dialects.handshake import query_of
from gateway.carriers.dialects.marks import Marks
from gateway.carriers.dialects.media import (
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
from gateway.carriers.dialects.proof import basic
from gateway.carriers.dialects.reading import text_in
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

__all__ = ["NAME", "Stream", "answer", "handshake", "socket_url", "stream_of", "verify_socket"]

NAME = "exotel"

PACINGS = {
    8000: Pacing(frame_ms=200, exact=True, lead_ms=240),
    16000: Pacing(frame_ms=100, exact=True),
    24000: Pacing(frame_ms=80, exact=True),
}
"""The shortest pieces that Exotel plays without gaps, by rate: 3200, 3200 and 3840 bytes."""
RATE = "sample-rate"
PARAMETERS_AT_MOST = 3
PARAMETERS_LONGEST = 256
URL_LONGEST = 600
ID_NAMES = ("stream_sid", "streamSid")
"""The vendor's own samples use both."""
REASON_LONGEST = 40


class Stream:
    """Section 6. `handshake` is what the request that opened the socket told: the start usually repeats it. Messages
    name the stream as Exotel's start does."""

    subprotocol: str | None = None

    def __init__(self, handshake: Mapping[str, str] | None = None) -> None:
        self._handshake = {name: value for name, value in (handshake or {}).items() if name != RATE}
        self._id: str | None = None
        self._hears = Encoding(Codec.L16, 8000)
        self._frame = 0
        self._named = ""
        """The id, as it stands in our messages."""
        self._outward = Outward("", "")
        self._timeline = Timeline()
        self._shape = Shape("sequence_number")
        self._marks = Marks()
        self._last_key = -1
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
                self._same(fields)
                name = text_in(part(fields, "mark"), "name")
                return ([Played(name)] if self._marks.reached(name) else []), []
            case "stop":
                return self._stop(fields), []
            case str() | None:
                return [], []
            case _:
                raise StreamFault("an event that is no text")

    def _same(self, fields: Mapping[str, object]) -> None:
        for name in ID_NAMES:
            same_stream(fields.get(name), self._id)

    def _media(self, fields: Mapping[str, object], message: Message) -> list[StreamEvent]:
        if self._id is None:
            raise StreamFault("media before start")
        self._same(fields)
        media = part(fields, "media")
        if self._over:
            return []
        data = payload(media, self._hears)
        at = self._timeline.place(media)
        self._shape.learn(message, media, self._hears)
        return [Audio(data, at)] if data and at != Timeline.STALE else []

    def _start(self, fields: Mapping[str, object]) -> list[StreamEvent]:
        start = part(fields, "start")
        told = {
            name: one[name] for one in (start, fields) for name in ID_NAMES if one.get(name) is not None
        }
        stream_id = identity(next(iter(told.values()), None), "a stream id")
        for other in told.values():
            same_stream(other, stream_id)
        if self._id is not None:
            same_stream(stream_id, self._id)
            return []
        audio = part(start, "media_format")
        rate, bits = whole(audio.get("sample_rate"), "rate"), audio.get("bit_rate")
        if rate not in PACINGS or bits not in (None, 16, "16"):
            raise StreamFault("start names audio that was not asked for")
        encoding = Encoding(Codec.L16, rate)
        parameters = self._handshake | parameters_in(start.get("custom_parameters"))
        self._id = stream_id
        self._hears = encoding
        self._frame = PACINGS[rate].frame_ms * encoding.bytes_per_ms
        spelt = [name for name in ID_NAMES if fields.get(name) is not None] or list(told)
        self._named = ",".join(f'"{name}":{quoted(stream_id)}' for name in spelt)
        self._outward = Outward(f'{{"event":"media",{self._named},"media":{{"payload":"', '"}}')
        return [
            Started(
                stream_id=stream_id,
                call_id=text_in(start, "call_sid"),
                hears=encoding,
                plays=encoding,
                pacing=PACINGS[rate],
                caller=text_in(start, "from"),
                called=text_in(start, "to"),
                parameters=parameters,
            )
        ]

    def _dtmf(self, fields: Mapping[str, object]) -> list[StreamEvent]:
        if self._id is None:
            raise StreamFault("a key before start")
        self._same(fields)
        number = whole(fields.get("sequence_number"), "sequence number")
        key = digit_in(part(fields, "dtmf").get("digit"))
        if self._over or (number is not None and number <= self._last_key):
            return []
        if number is not None:
            self._last_key = number
        return list(key)

    def _stop(self, fields: Mapping[str, object]) -> list[StreamEvent]:
        self._same(fields)
        if self._over:
            return []
        self._over = True
        stop = fields.get("stop")
        reason = text_in(stop, "reason") if isinstance(stop, dict) else ""
        return [Stopped(reason if reason.isidentifier() and len(reason) <= REASON_LONGEST else "")]

    def play(self, audio: bytes) -> list[Message]:
        if self._id is None:
            raise RuntimeError("nothing can be played before the stream began")
        size = self._frame
        if len(audio) == size:
            return [self._outward.message(audio)]
        return [
            self._outward.message(audio[at : at + size].ljust(size, b"\0"))
            for at in range(0, len(audio), size)
        ]

    def mark(self, name: str) -> list[Message]:
        if self._id is None:
            return []
        self._marks.sent(name)
        return [f'{{"event":"mark",{self._named},"mark":{{"name":{quoted(name)}}}}}']

    def clear(self) -> list[Message]:
        if self._id is None:
            return []
        self._marks.cleared()
        return [f'{{"event":"clear",{self._named}}}']

    def send_digits(self, digits: str) -> list[Message]:
        """Exotel plays none."""
        return []

    def hang_up(self) -> list[Message]:
        """The socket's end: the flow goes on with its next applet."""
        return []


def socket_url(
    url: str, *, rate: int = 8000, token: str = "", parameters: Mapping[str, str] | None = None
) -> str:
    """The address of our socket for an applet, with its rate, the one-time token and what else the stream has to
    know. Raises ValueError for a rate Exotel has not, or more than it carries."""
    if rate not in PACINGS:
        raise ValueError(f"Exotel streams at {', '.join(map(str, PACINGS))} samples a second, not {rate}")
    given = ({"token": token} if token else {}) | dict(parameters or {})
    if len(given) > PARAMETERS_AT_MOST or len(urlencode(given)) > PARAMETERS_LONGEST:
        raise ValueError(
            f"Exotel carries {PARAMETERS_AT_MOST} parameters of {PARAMETERS_LONGEST} characters in all"
        )
    if urlsplit(url).query:
        raise ValueError("a URL that has a query already")
    full = f"{url}?{urlencode({RATE: str(rate)} | given)}"
    if len(full) > URL_LONGEST:
        raise ValueError(f"a URL of more than {URL_LONGEST} characters")
    return full


def answer(
    url: str, *, token: str, rate: int = 8000, parameters: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What an applet wants to hear that was given an `https:` address: where the socket of this call is. Raises
    ValueError."""
    if not token:
        raise ValueError("a stream without its one-time token")
    return {"url": socket_url(url, rate=rate, token=token, parameters=parameters)}


def handshake(url: str, headers: Mapping[str, str]) -> dict[str, str]:
    """What a handshake tells `Stream`: the query of the address that we gave. Raises Unverified."""
    return query_of(url)


def stream_of(url: str, headers: Mapping[str, str]) -> Stream:
    """The stream of one socket. Raises Unverified."""
    return Stream(handshake(url, headers))


def verify_socket(url: str, headers: Mapping[str, str], *, credentials: str) -> None:
    """Checks the handshake of a stream by the `user:password` of its address (`wss://user:password@…`). Raises
    Unverified."""
    basic(headers, credentials)
