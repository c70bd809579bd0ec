"""SignalWire's media stream: Twilio's, but for what reference 8 tells."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import MULAW, Codec
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.strict import Base64, Strict, dumped, judged, loaded
from tests.carrier_peers.twilio_signing import signature
from tests.carrier_peers.twilio_stream import Identity

__all__ = ["SIGNATURE", "SignalWireStream"]

RULE = "telephony 8"
CODE = "invalid-message"
SIGNATURE = "X-SignalWire-Signature"


class _Payload(Strict):
    payload: Base64


class _Name(Strict):
    name: str


class _Digit(Strict):
    digit: str


class _Media(Strict):
    event: Literal["media"]
    streamSid: str
    media: _Payload


class _Mark(Strict):
    event: Literal["mark"]
    streamSid: str
    mark: _Name


class _Clear(Strict):
    event: Literal["clear"]
    streamSid: str


class _Dtmf(Strict):
    event: Literal["dtmf"]
    streamSid: str
    dtmf: _Digit


_Message = _Media | _Mark | _Clear | _Dtmf
_MESSAGE: TypeAdapter[_Message] = TypeAdapter(Annotated[_Message, Field(discriminator="event")])


class SignalWireStream(Carrier[str]):
    """One stream; `codec` is that of the attribute `codec`."""

    def __init__(
        self,
        codec: Codec = MULAW,
        who: Identity | None = None,
        parameters: Mapping[str, str] | None = None,
        bearer: str | None = None,
        signing: tuple[str, str] | None = None,
    ) -> None:
        """`bearer` is `authBearerToken`; `signing` are the space's signing key and the URL to sign."""
        super().__init__(codec)
        self.who = who or Identity(new_uuid(), new_uuid(), new_uuid())
        self.parameters = dict(parameters or {})
        self.bearer = bearer
        self.signing = signing
        self.digits: list[str] = []
        """Keys that the application pressed."""
        self._sequence = 0
        self._chunk = 0

    # ── from SignalWire ───────────────────────────────────────────────────────────────────────────────────

    def headers(self) -> Mapping[str, str]:
        found = {}
        if self.bearer is not None:
            found["Authorization"] = f"Bearer {self.bearer}"
        if self.signing is not None:
            key, url = self.signing
            found[SIGNATURE] = signature(key, url)
        return found

    def opening(self) -> list[Frame]:
        return [dumped({"event": "connected", "protocol": "Call", "version": "0.2.0"})]

    def start(self) -> list[Frame]:
        encoding = "audio/x-mulaw" if self.says == MULAW else "audio/x-L16"
        about = {
            "streamSid": self.who.stream,
            "accountSid": self.who.account,
            "callSid": self.who.call,
            "tracks": ["inbound"],
            "customParameters": self.parameters,
            "mediaFormat": {"encoding": encoding, "sampleRate": self.says.rate, "channels": 1},
        }
        return self._numbered("start", {"start": about})

    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        self._chunk += 1
        about = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(self._chunk * self.frame_ms),
            "payload": b64encode(audio).decode(),
        }
        return self._numbered("media", {"media": about})

    def digit(self, digit: str) -> list[Frame]:
        return self._numbered(
            "dtmf", {"streamSid": self.who.stream, "dtmf": {"digit": digit, "duration": 160}}
        )

    def stop(self) -> list[Frame]:
        return self._numbered("stop", {"stop": {"accountSid": self.who.account, "callSid": self.who.call}})

    def marked(self, mark: str) -> list[Frame]:
        return self._numbered("mark", {"streamSid": self.who.stream, "mark": {"name": mark}})

    def _numbered(self, event: str, body: Mapping[str, object]) -> list[Frame]:
        self._sequence += 1
        return [dumped({"event": event, "sequenceNumber": str(self._sequence), **body})]

    # ── to SignalWire ─────────────────────────────────────────────────────────────────────────────────────

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        message = judged(_MESSAGE, loaded(frame, CODE, RULE), CODE, RULE)
        if self.began is None or message.streamSid != self.who.stream:
            raise Broken(CODE, f"no such stream: {message.streamSid!r}", RULE)
        match message:
            case _Media(media=sound):
                if sound.payload.startswith(b"RIFF") or len(sound.payload) % self.hears.sample_bytes:
                    raise Broken(CODE, "not the sound of this codec", RULE)
                self.playback.play(sound.payload, now)
                return []
            case _Mark(mark=mark):
                self.playback.mark(mark.name, now)
                return self.tick(now)
            case _Clear():
                return [one for mark in self.playback.clear(now) for one in self.marked(mark)]
            case _Dtmf(dtmf=pressed):
                self.digits.append(pressed.digit)
                return []
