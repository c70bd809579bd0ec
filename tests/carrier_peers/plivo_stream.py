"""Plivo's audio stream (reference 4.1, 4.2)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import MULAW, Codec
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.strict import Base64, Strict, dumped, judged, loaded

__all__ = ["PlivoIds", "PlivoStream"]

RULE = "telephony 4.2"
CODE = "invalid-message"
LONGEST_HEADERS = 512


@dataclass(frozen=True, slots=True)
class PlivoIds:
    """Whose call and which stream it is."""

    account: str = "MAXXXXXXXXXXXXXXXXXX"
    call: str = field(default_factory=new_uuid)
    stream: str = field(default_factory=new_uuid)


class _Sound(Strict):
    contentType: str
    sampleRate: int | str
    payload: Base64


class _Play(Strict):
    event: Literal["playAudio"]
    streamId: str | None = None
    media: _Sound


class _Checkpoint(Strict):
    event: Literal["checkpoint"]
    streamId: str
    name: str


class _Clear(Strict):
    event: Literal["clearAudio"]
    streamId: str


class _Dtmf(Strict):
    event: Literal["sendDTMF"]
    streamId: str | None = None
    dtmf: str


_Message = _Play | _Checkpoint | _Clear | _Dtmf
_MESSAGE: TypeAdapter[_Message] = TypeAdapter(Annotated[_Message, Field(discriminator="event")])


class PlivoStream(Carrier[str]):
    """One stream; `codec` is that of the XML's `contentType`."""

    def __init__(
        self,
        codec: Codec = MULAW,
        ids: PlivoIds | None = None,
        parameters: Mapping[str, str] | None = None,
        bidirectional: bool = True,
        played: Literal["playedStream", "played"] = "playedStream",
    ) -> None:
        """`parameters` are the XML's `extraHeaders`; `played` is how checkpoints are answered: a page of the vendor's
        has another word for it."""
        super().__init__(codec)
        self.ids = ids or PlivoIds()
        self.bidirectional = bidirectional
        self.digits: list[str] = []
        """Keys that the application pressed."""
        pairs = (parameters or {}).items()
        if not all(name.isalnum() and value.isalnum() for name, value in pairs):
            raise ValueError("extraHeaders take letters and digits only")
        self._extra = ";".join(f"{name}={value}" for name, value in pairs)
        if len(self._extra) > LONGEST_HEADERS:
            raise ValueError("extraHeaders of more than 512 bytes")
        self._played = played
        self._sequence = 0
        self._chunk = 0

    @property
    def content_type(self) -> str:
        return "audio/x-mulaw" if self.hears == MULAW else "audio/x-l16"

    # ── from Plivo ────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> list[Frame]:
        about = {
            "callId": self.ids.call,
            "streamId": self.ids.stream,
            "accountId": self.ids.account,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": self.content_type, "sampleRate": self.says.rate},
        }
        return self._numbered("start", {"start": about, "extra_headers": self._extra})

    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        self._chunk += 1
        about = {
            "track": "inbound",
            "timestamp": self._epoch_ms(),
            "chunk": self._chunk,
            "payload": b64encode(audio).decode(),
        }
        return self._numbered(
            "media", {"streamId": self.ids.stream, "media": about, "extra_headers": self._extra}
        )

    def digit(self, digit: str) -> list[Frame]:
        about = {"track": "inbound", "digit": digit, "timestamp": self._epoch_ms()}
        return self._numbered("dtmf", {"streamId": self.ids.stream, "dtmf": about})

    def stop(self) -> list[Frame]:
        return []

    def marked(self, mark: str) -> list[Frame]:
        return [dumped({"event": self._played, "streamId": self.ids.stream, "name": mark})]

    def _numbered(self, event: str, body: Mapping[str, object]) -> list[Frame]:
        self._sequence += 1
        return [dumped({"event": event, "sequenceNumber": self._sequence, **body})]

    def _epoch_ms(self) -> str:
        return str(round(self.wall().timestamp() * 1000))

    # ── to Plivo ──────────────────────────────────────────────────────────────────────────────────────────

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        message = judged(_MESSAGE, loaded(frame, CODE, RULE), CODE, RULE)
        if self.began is None:
            raise Broken(CODE, "a message before the stream has an id", "telephony 0 rule 7")
        if not self.bidirectional:
            raise Broken("one-way", "a message on a stream that is not bidirectional", "telephony 4.1")
        if message.streamId not in (None, self.ids.stream):
            raise Broken(CODE, f"no such stream: {message.streamId!r}", RULE)
        match message:
            case _Play(media=sound):
                self._play(sound, now)
                return []
            case _Checkpoint(name=name):
                self.playback.mark(name, now)
                return self.tick(now)
            case _Clear():
                # What was waiting for a checkpoint is never told: only sound that was played is.
                self.playback.clear(now)
                return self._numbered("clearedAudio", {"streamId": self.ids.stream})
            case _Dtmf(dtmf=digits):
                self.digits.append(digits)
                return []

    def _play(self, sound: _Sound, now: float) -> None:
        if (sound.contentType, str(sound.sampleRate)) != (self.content_type, str(self.hears.rate)):
            told = f"{sound.contentType} at {sound.sampleRate} on a stream of {self.content_type}"
            raise Broken("content-type", told, RULE)
        if sound.payload.startswith(b"RIFF"):
            raise Broken("content-type", "a WAV header in the payload", "telephony 0 rule 2")
        if len(sound.payload) % self.hears.sample_bytes:
            raise Broken("content-type", "half a sample", RULE)
        self.playback.play(sound.payload, now)
