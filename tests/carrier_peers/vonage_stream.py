"""Vonage's media socket (reference 3.1, 3.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import Codec
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.strict import Strict, dumped, judged, loaded

__all__ = ["BUFFER", "VonageStream"]

BUFFER = 3072
"""Messages that are queued; what comes beyond is dropped."""

LONGEST_HEADERS = 512
RULE = "telephony 3.2"

Payload = dict[str, Any]


class _Clear(Strict):
    action: Literal["clear"]


class _Notify(Strict):
    action: Literal["notify"]
    payload: Payload


_COMMAND: TypeAdapter[_Clear | _Notify] = TypeAdapter(
    Annotated[_Clear | _Notify, Field(discriminator="action")]
)


class VonageStream(Carrier[Payload]):
    """One socket of one conversation."""

    def __init__(
        self,
        rate: Literal[8000, 16000, 24000] = 16000,
        fields: Mapping[str, object] | None = None,
        authorization: str | None = None,
        nested_dtmf: bool = False,
        tells_cleared_notifications: bool = False,
    ) -> None:
        """`fields` are the NCCO's `headers`; `authorization` is the whole value of that header. Whether notifications
        that a `clear` overtakes are sent is not documented, so it can be either."""
        super().__init__(Codec("l16", rate))
        self.fields = dict(fields or {})
        self.authorization = authorization
        self._nested_dtmf = nested_dtmf
        self._tells_cleared = tells_cleared_notifications
        if len(dumped(self.fields)) > LONGEST_HEADERS:
            raise ValueError("headers of more than 512 bytes")

    # ── from Vonage ───────────────────────────────────────────────────────────────────────────────────────

    def headers(self) -> Mapping[str, str]:
        return {} if self.authorization is None else {"Authorization": self.authorization}

    def start(self) -> list[Frame]:
        kind = f"audio/l16;rate={self.says.rate}"
        return [dumped({"event": "websocket:connected", "content-type": kind, **self.fields})]

    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        return [audio]

    def digit(self, digit: str) -> list[Frame]:
        event = "websocket:dtmf"
        if self._nested_dtmf:
            return [dumped({"event": event, "dtmf": {"digit": digit}, "duration": 260})]
        return [dumped({"event": event, "digit": digit, "duration": 260})]

    def stop(self) -> list[Frame]:
        return []

    def marked(self, mark: Payload) -> list[Frame]:
        return [dumped({"event": "websocket:notify", "payload": mark})]

    # ── to Vonage ─────────────────────────────────────────────────────────────────────────────────────────

    def named(self, value: dict[str, Any]) -> str:
        return str(value.get("event", value.get("action", "garbage")))

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        if isinstance(frame, bytes):
            self._play(frame, now)
            return []
        match judged(_COMMAND, loaded(frame, "malformed", RULE), "malformed", RULE):
            case _Clear():
                dropped = self.playback.clear(now)
                told = [one for mark in dropped for one in self.marked(mark)] if self._tells_cleared else []
                return [*told, dumped({"event": "websocket:cleared"})]
            case _Notify() as notify:
                self.playback.mark(notify.payload, now)
                return self.tick(now)

    def _play(self, audio: bytes, now: float) -> None:
        size = self.hears.frame_bytes()
        if self.began is None:
            raise Broken("early", "sound before websocket:connected", "telephony 0 rule 7")
        if len(audio) != size:
            raise Broken("frame-size", f"{len(audio)} bytes; exactly {size} are 20 ms", RULE)
        if math.ceil(self.playback.pending_s(now) / 0.02 - 1e-6) >= BUFFER:
            raise Broken("buffer-full", f"more than {BUFFER} messages queued: dropped", RULE)
        self.playback.play(audio, now)
