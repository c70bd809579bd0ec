"""Azure Communication Services' media socket (reference 5.3)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from pydantic import TypeAdapter

from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import L16_16K, L16_24K
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.strict import Base64, Strict, dumped, judged, loaded

__all__ = ["FORMATS", "AcsStream"]

RULE = "telephony 5.3"
CODE = "invalid-message"
FORMATS = {"pcm16KMono": L16_16K, "pcm24KMono": L16_24K}


class _Sound(Strict):
    Data: Base64


class _Empty(Strict):
    pass


class _Message(Strict):
    Kind: Literal["AudioData", "StopAudio"]
    AudioData: _Sound | None = None
    StopAudio: _Empty | None = None


_MESSAGE: TypeAdapter[_Message] = TypeAdapter(_Message)


class AcsStream(Carrier[str]):
    """One socket; there are no marks."""

    def __init__(
        self,
        audio_format: Literal["pcm16KMono", "pcm24KMono"] = "pcm16KMono",
        participant: str = "4:+15550100001",
        connection: str | None = None,
        correlation: str | None = None,
        bearer: str | None = None,
        bidirectional: bool = True,
        dtmf: bool = True,
    ) -> None:
        super().__init__(FORMATS[audio_format])
        self.participant = participant
        self.connection = connection or new_uuid()
        self.correlation = correlation or new_uuid()
        self.bearer = bearer
        self.bidirectional = bidirectional
        self.dtmf = dtmf
        """`enableDtmfTones`."""
        self.subscription = new_uuid()
        self._frames = 0
        self._noon: datetime | None = None

    # ── from Azure ────────────────────────────────────────────────────────────────────────────────────────

    def headers(self) -> Mapping[str, str]:
        about = {
            "x-ms-call-correlation-id": self.correlation,
            "x-ms-call-connection-id": self.connection,
        }
        return about if self.bearer is None else {**about, "Authorization": f"Bearer {self.bearer}"}

    def start(self) -> list[Frame]:
        self._noon = self.wall()
        about = {
            "subscriptionId": self.subscription,
            "encoding": "PCM",
            "sampleRate": self.says.rate,
            "channels": 1,
            "length": self.says.frame_bytes(),
        }
        return [dumped({"kind": "AudioMetadata", "audioMetadata": about})]

    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        self._frames += 1
        at = (self._noon or self.wall()) + timedelta(milliseconds=self._frames * self.frame_ms)
        about = {
            "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "participantRawID": self.participant,
            "data": b64encode(audio).decode(),
            "silent": silent,
        }
        return [dumped({"kind": "AudioData", "audioData": about})]

    def digit(self, digit: str) -> list[Frame]:
        return [dumped({"kind": "DtmfData", "dtmfData": {"data": digit}})] if self.dtmf else []

    def stop(self) -> list[Frame]:
        return []

    def marked(self, mark: str) -> list[Frame]:
        return []

    # ── to Azure ──────────────────────────────────────────────────────────────────────────────────────────

    def named(self, value: dict[str, object]) -> str:
        return str(value.get("kind", value.get("Kind", "garbage")))

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        message = judged(_MESSAGE, loaded(frame, CODE, RULE), CODE, RULE)
        if not self.bidirectional:
            raise Broken(
                "one-way", "a message without enableBidirectional: nobody hears it", "telephony 5.2"
            )
        if self.began is None:
            raise Broken(CODE, "a message before AudioMetadata", "telephony 0 rule 7")
        if message.Kind == "StopAudio":
            if message.AudioData is not None or message.StopAudio is None:
                raise Broken(CODE, "StopAudio takes an empty StopAudio and no AudioData", RULE)
            self.playback.clear(now)
            return []
        if message.AudioData is None or message.StopAudio is not None:
            raise Broken(CODE, "AudioData takes AudioData and no StopAudio", RULE)
        size, audio = self.hears.frame_bytes(), message.AudioData.Data
        if len(audio) != size:
            raise Broken("frame-size", f"{len(audio)} bytes; {size} are 20 ms", RULE)
        self.playback.play(audio, now)
        return []
