"""Exotel's AgentStream (reference 6)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, TypeAdapter

from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import Codec
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.ids import hex_id
from tests.carrier_peers.strict import Base64, Strict, dumped, judged, loaded

__all__ = ["ExotelStream", "split_credentials"]

RULE = "telephony 6"
CODE = "invalid-message"
SMALLEST, LARGEST, STEP = 3200, 100_000, 320
"""Bytes of one media message."""


class _Streamed(Strict):
    stream_sid: str | None = None
    streamSid: str | None = None


class _Payload(Strict):
    payload: Base64


class _Name(Strict):
    name: str


class _Media(_Streamed):
    event: Literal["media"]
    media: _Payload


class _Mark(_Streamed):
    event: Literal["mark"]
    mark: _Name


class _Clear(_Streamed):
    event: Literal["clear"]


_MESSAGE: TypeAdapter[_Media | _Mark | _Clear] = TypeAdapter(
    Annotated[_Media | _Mark | _Clear, Field(discriminator="event")]
)


class ExotelStream(Carrier[str]):
    """One stream of a Voicebot applet; sound comes and goes in pieces of about 100 ms."""

    def __init__(
        self,
        rate: Literal[8000, 16000, 24000] = 8000,
        parameters: Mapping[str, str] | None = None,
        credentials: tuple[str, str] | None = None,
        sids: tuple[str, str, str] | None = None,
        numbers: tuple[str, str] = ("08001234567", "08040000001"),
        tells_cleared_marks: bool = False,
    ) -> None:
        """`credentials` are those of the URL; `sids` are stream, call and account. Whether marks that a `clear`
        overtakes come back is not documented, so it can be either."""
        super().__init__(Codec("l16", rate), frame_ms=100)
        self.parameters = dict(parameters or {})
        self.credentials = credentials
        self.stream, self.call, self.account = sids or (hex_id(16), hex_id(16), "exotel1")
        self.numbers = numbers
        self._tells_cleared = tells_cleared_marks
        self._sequence = 0
        self._chunk = 0

    # ── from Exotel ───────────────────────────────────────────────────────────────────────────────────────

    def headers(self) -> Mapping[str, str]:
        if self.credentials is None:
            return {}
        pair = b64encode(":".join(self.credentials).encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def opening(self) -> list[Frame]:
        return [dumped({"event": "connected"})]

    def start(self) -> list[Frame]:
        about = {
            "stream_sid": self.stream,
            "call_sid": self.call,
            "account_sid": self.account,
            "from": self.numbers[0],
            "to": self.numbers[1],
            "custom_parameters": self.parameters,
            "media_format": {
                "encoding": "audio/x-raw",
                "sample_rate": str(self.says.rate),
                "bit_rate": "16",
            },
        }
        return self._numbered("start", about)

    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        self._chunk += 1
        about = {
            "chunk": str(self._chunk),
            "timestamp": str(self._chunk * self.frame_ms),
            "payload": b64encode(audio).decode(),
        }
        return self._numbered("media", about)

    def digit(self, digit: str) -> list[Frame]:
        return self._numbered("dtmf", {"digit": digit, "duration": "500"})

    def stop(self) -> list[Frame]:
        return self._numbered(
            "stop", {"call_sid": self.call, "account_sid": self.account, "reason": "callended"}
        )

    def marked(self, mark: str) -> list[Frame]:
        return self._numbered("mark", {"name": mark})

    def _numbered(self, event: str, body: Mapping[str, object]) -> list[Frame]:
        self._sequence += 1
        about = {"event": event, "sequence_number": self._sequence, "stream_sid": self.stream}
        return [dumped({**about, event: body})]

    # ── to Exotel ─────────────────────────────────────────────────────────────────────────────────────────

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        message = judged(_MESSAGE, loaded(frame, CODE, RULE), CODE, RULE)
        if self.began is None:
            raise Broken(CODE, "a message before the stream has an id", "telephony 0 rule 7")
        named = {message.stream_sid, message.streamSid} - {None}
        if named != {self.stream}:
            raise Broken(CODE, f"no such stream: {sorted(map(str, named))}", RULE)
        match message:
            case _Media():
                self._play(message.media.payload, now)
                return []
            case _Mark():
                self.playback.mark(message.mark.name, now)
                return self.tick(now)
            case _Clear():
                dropped = self.playback.clear(now)
                return [one for mark in dropped for one in self.marked(mark)] if self._tells_cleared else []

    def _play(self, audio: bytes, now: float) -> None:
        if not SMALLEST <= len(audio) <= LARGEST or len(audio) % STEP:
            told = f"{len(audio)} bytes; {SMALLEST} to {LARGEST} in steps of {STEP} are played without gaps"
            raise Broken("chunk", told, RULE)
        self.playback.play(audio, now)


def split_credentials(url: str) -> tuple[str, tuple[str, str] | None]:
    """A URL without its user and password, and these: they go into the header."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, None
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return bare, (parts.username, parts.password or "")
