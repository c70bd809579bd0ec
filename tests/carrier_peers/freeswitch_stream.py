"""FreeSWITCH's mod_audio_stream (reference 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from media.resample import Resampler
from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import Codec
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.strict import Base64, Strict, dumped, judged, loaded

__all__ = ["FreeSwitchStream"]

RULE = "telephony 11"
CODE = "invalid-message"
LARGEST = 8192
"""Bytes of one WebSocket frame that are known to be safe; about 120 kB drop the connection."""
DROPS = 120_000


class _Sound(Strict):
    audioDataType: Literal["raw", "wav", "mp3", "ogg"]
    sampleRate: int = 8000
    audioData: Base64


class _Play(Strict):
    type: Literal["streamAudio"]
    data: _Sound


class _Kill(Strict):
    type: Literal["killAudio"]


_MESSAGE: TypeAdapter[_Play | _Kill] = TypeAdapter(Annotated[_Play | _Kill, Field(discriminator="type")])


class FreeSwitchStream(Carrier[str]):
    """One stream. `variant`: what plays the way back. The community build writes files that nobody plays; version 1.0.3
    plays JSON and binary; patched builds know `killAudio` besides."""

    def __init__(
        self,
        rate: Literal[8000, 16000] = 8000,
        metadata: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        variant: Literal["community", "1.0.3", "patched"] = "1.0.3",
        buffer_ms: int = 20,
    ) -> None:
        """`extra_headers` are `STREAM_EXTRA_HEADERS`, `buffer_ms` is `STREAM_BUFFER_SIZE`."""
        if buffer_ms % 20:
            raise ValueError("STREAM_BUFFER_SIZE is a multiple of 20")
        super().__init__(Codec("l16", rate), frame_ms=buffer_ms)
        self.metadata = dict(metadata or {})
        self.extra_headers = dict(extra_headers or {})
        self.variant = variant
        self.files = 0
        """Pieces of sound that became files."""

    # ── from FreeSWITCH ───────────────────────────────────────────────────────────────────────────────────

    def headers(self) -> Mapping[str, str]:
        return self.extra_headers

    def start(self) -> list[Frame]:
        return [dumped(self.metadata)] if self.metadata else []

    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        return [audio]

    def digit(self, digit: str) -> list[Frame]:
        return []

    def stop(self) -> list[Frame]:
        return []

    def marked(self, mark: str) -> list[Frame]:
        return []

    # ── to FreeSWITCH ─────────────────────────────────────────────────────────────────────────────────────

    def named(self, value: dict[str, Any]) -> str:
        return str(value.get("type", "metadata"))

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        size = len(frame)
        if size > DROPS:
            self.done = True
            raise Broken("1006", f"a frame of {size} bytes drops the connection", RULE)
        if size > LARGEST:
            raise Broken("too-large", f"a frame of {size} bytes; keep to {LARGEST}", RULE)
        if isinstance(frame, bytes):
            if self.variant == "community":
                raise Broken("one-way", "this build plays no binary sound", RULE)
            self._play(frame, now)
            return []
        match judged(_MESSAGE, loaded(frame, CODE, RULE), CODE, RULE):
            case _Kill():
                if self.variant != "patched":
                    raise Broken(CODE, "killAudio is known to patched builds only", RULE)
                self.playback.clear(now)
            case _Play(data=sound):
                if sound.audioDataType != "raw":
                    raise Broken(CODE, f"{sound.audioDataType} is no live sound", RULE)
                if self.variant == "community":
                    self.files += 1
                else:
                    resampler = Resampler(sound.sampleRate, self.hears.rate)
                    self._play(resampler.process(sound.audioData) + resampler.flush(), now)
        return []

    def _play(self, audio: bytes, now: float) -> None:
        if len(audio) % 2:
            raise Broken(CODE, "half a sample", RULE)
        self.playback.play(audio, now)
