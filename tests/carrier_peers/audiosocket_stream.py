"""Asterisk's AudioSocket (reference 10.1): frames of type, length and payload over TCP."""

from __future__ import annotations

import uuid
from typing import Literal

from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import Codec
from tests.carrier_peers.faults import Broken, Frame

__all__ = ["KINDS", "AudioSocketStream", "Splitter", "packet"]

RULE = "telephony 10.1"
HANGUP, UUID, DTMF, ERROR = 0x00, 0x01, 0x03, 0xFF
SLIN = {8000: 0x10, 12000: 0x11, 16000: 0x12, 24000: 0x13, 32000: 0x14, 44100: 0x15, 48000: 0x16}
KINDS = {HANGUP: "hangup", UUID: "uuid", DTMF: "dtmf", ERROR: "error"} | dict.fromkeys(
    SLIN.values(), "media"
)
IDLE_S = 2.0
"""The dialplan application ends after so long without traffic."""


def packet(kind: int, payload: bytes = b"") -> bytes:
    return bytes([kind]) + len(payload).to_bytes(2, "big") + payload


class Splitter:
    """A byte stream as whole packets."""

    def __init__(self) -> None:
        self._rest = b""

    def push(self, data: bytes) -> list[bytes]:
        """The packets that are whole now, with their headers."""
        self._rest += data
        found = []
        while len(self._rest) >= 3:
            size = 3 + int.from_bytes(self._rest[1:3], "big")
            if len(self._rest) < size:
                break
            found.append(self._rest[:size])
            self._rest = self._rest[size:]
        return found

    @property
    def waiting(self) -> int:
        """Bytes of a packet that is not whole."""
        return len(self._rest)


class AudioSocketStream(Carrier[str]):
    """One channel. There are no marks and there is no queue to speak of: Asterisk plays what it gets as it comes."""

    def __init__(
        self, rate: Literal[8000, 16000, 24000, 48000] = 8000, channel: uuid.UUID | None = None
    ) -> None:
        super().__init__(Codec("l16", rate))
        self.channel = channel or uuid.uuid4()
        self._last: float | None = None

    # ── from Asterisk ─────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> list[Frame]:
        self._last = self.began
        return [packet(UUID, self.channel.bytes)]

    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        return [packet(SLIN[self.says.rate], audio)]

    def digit(self, digit: str) -> list[Frame]:
        return [packet(DTMF, digit.encode("ascii"))]

    def stop(self) -> list[Frame]:
        return [packet(HANGUP)]

    def marked(self, mark: str) -> list[Frame]:
        return []

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def due(self) -> float | None:
        return None if self._last is None or self.over or self.done else self._last + IDLE_S

    def tick(self, now: float) -> list[Frame]:
        if self._last is not None and now - self._last >= IDLE_S and not self.done and not self.over:
            self.done = True
            told = f"nothing came for {IDLE_S:g} s: the application ends; send silence"
            self.blame(Broken("idle", told, RULE), b"", now)
        return []

    # ── to Asterisk ───────────────────────────────────────────────────────────────────────────────────────

    def kind(self, frame: Frame) -> str:
        return KINDS.get(frame[0], "garbage") if isinstance(frame, bytes) and frame else "garbage"

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        if isinstance(frame, str) or len(frame) < 3:
            raise Broken("malformed", "no packet", RULE)
        kind, payload = frame[0], frame[3:]
        self._last = now
        if kind == HANGUP:
            self.done = True
            return []
        if kind not in SLIN.values():
            self.done = True
            raise Broken("type", f"a packet of type 0x{kind:02x} ends the call", RULE)
        if kind != SLIN[self.hears.rate]:
            raise Broken("rate", f"type 0x{kind:02x} on a channel of {self.hears.rate} Hz", RULE)
        if len(payload) % 2:
            raise Broken("malformed", "half a sample", RULE)
        self.playback.play(payload, now)
        return []
