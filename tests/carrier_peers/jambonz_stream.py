"""jambonz's `listen` (reference 9)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from media.resample import Resampler
from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import Codec
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.strict import Base64, Strict, dumped, judged, loaded

__all__ = ["JambonzStream"]

RULE = "telephony 9"
CODE = "invalid-message"
QUEUE = 10
"""Clips that wait to be played."""


class _Clip(Strict):
    audioContentType: Literal["raw", "wav"]
    sampleRate: int = 8000
    audioContent: Base64
    id: str | None = None
    queuePlay: bool = False


class _Name(Strict):
    name: str


class _Play(Strict):
    type: Literal["playAudio"]
    data: _Clip


class _Mark(Strict):
    type: Literal["mark"]
    data: _Name


class _Bare(Strict):
    type: Literal["killAudio", "disconnect", "clearMarks"]


_Message = _Play | _Mark | _Bare
_MESSAGE: TypeAdapter[_Message] = TypeAdapter(Annotated[_Message, Field(discriminator="type")])


class JambonzStream(Carrier[tuple[str, str]]):
    """One listen; a mark is its kind (`mark` or `clip`) and its name."""

    congestion = "congestion"

    def __init__(
        self,
        rate: int = 8000,
        back_rate: int = 8000,
        streaming: bool = True,
        metadata: Mapping[str, object] | None = None,
        auth: tuple[str, str] | None = None,
        call: str | None = None,
        pass_dtmf: bool = True,
    ) -> None:
        """`streaming` and `back_rate` are those of `bidirectionalAudio`, `auth` are user and password of `wsAuth`."""
        super().__init__(Codec("l16", rate), Codec("l16", back_rate))
        self.streaming = streaming
        self.metadata = dict(metadata or {})
        self.auth = auth
        self.call = call or new_uuid()
        self.pass_dtmf = pass_dtmf

    # ── from jambonz ──────────────────────────────────────────────────────────────────────────────────────

    def headers(self) -> Mapping[str, str]:
        if self.auth is None:
            return {}
        return {"Authorization": f"Basic {b64encode(':'.join(self.auth).encode()).decode()}"}

    def subprotocols(self) -> tuple[str, ...]:
        return ("audio.jambonz.org",)

    def start(self) -> list[Frame]:
        about = {
            "callSid": self.call,
            "direction": "inbound",
            "from": "+15550100001",
            "to": "+15550100002",
            "callId": f"{self.call}@sip.example.test",
            "sipStatus": 200,
            "sipReason": "OK",
            "callStatus": "in-progress",
            "sampleRate": self.says.rate,
            "mixType": "mono",
        }
        return [dumped({**about, **self.metadata})]

    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        return [audio]

    def digit(self, digit: str) -> list[Frame]:
        return [dumped({"event": "dtmf", "dtmf": digit, "duration": "1600"})] if self.pass_dtmf else []

    def stop(self) -> list[Frame]:
        return []

    def marked(self, mark: tuple[str, str]) -> list[Frame]:
        return self._told(mark, "playout")

    def _told(self, mark: tuple[str, str], event: str) -> list[Frame]:
        kind, name = mark
        if kind == "clip":
            return [dumped({"type": "playDone", "data": {"id": name}})]
        return [dumped({"type": "mark", "data": {"name": name, "event": event}})]

    # ── to jambonz ────────────────────────────────────────────────────────────────────────────────────────

    def named(self, value: dict[str, Any]) -> str:
        if "callSid" in value:
            return "metadata"
        return str(value.get("type", value.get("event", "garbage")))

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        if isinstance(frame, bytes):
            self._stream(frame, now)
            return []
        match judged(_MESSAGE, loaded(frame, CODE, RULE), CODE, RULE):
            case _Play(data=clip):
                self._clip(clip, now)
            case _Mark(data=mark):
                self.playback.mark(("mark", mark.name), now)
            case _Bare(type="killAudio"):
                cleared = self.playback.clear(now)
                return [one for mark in cleared if mark[0] == "mark" for one in self._told(mark, "cleared")]
            case _Bare(type="clearMarks"):
                waiting = self.playback.outstanding
                self.playback.unmark()
                return [one for mark in waiting if mark[0] == "mark" for one in self._told(mark, "cleared")]
            case _Bare():
                self.done = True
        return self.tick(now)

    def _stream(self, audio: bytes, now: float) -> None:
        if not self.streaming:
            raise Broken("not-streaming", "binary sound without bidirectionalAudio.streaming", RULE)
        if self.began is None or len(audio) % 2:
            raise Broken(CODE, "sound before the metadata, or half a sample", RULE)
        self.playback.play(audio, now)

    def _clip(self, clip: _Clip, now: float) -> None:
        if self.streaming:
            raise Broken("streaming", "a clip while sound is streamed", RULE)
        if sum(kind == "clip" for kind, _ in self.playback.outstanding) >= QUEUE:
            raise Broken("queue-full", f"{QUEUE} clips wait already", RULE)
        sound = clip.audioContent
        if (clip.audioContentType == "wav") != sound.startswith(b"RIFF"):
            raise Broken(CODE, "audioContentType is not what the clip is", RULE)
        if clip.audioContentType == "wav":
            sound = sound[44:]
        resampler = Resampler(clip.sampleRate, self.hears.rate)
        if not clip.queuePlay:
            self.playback.clear(now)
        self.playback.play(resampler.process(sound) + resampler.flush(), now)
        self.playback.mark(("clip", clip.id or ""), now)
