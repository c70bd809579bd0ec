"""What every carrier has, whatever it speaks: a caller's voice going out, a buffer being played, rules. Sans-IO."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from tests.carrier_peers.codecs import Codec
from tests.carrier_peers.faults import Broken, Fault, Frame
from tests.carrier_peers.playback import Playback

__all__ = ["Carrier", "MarkT"]

MarkT = TypeVar("MarkT")


class Carrier(ABC, Generic[MarkT]):
    """One media stream of one call. Frames come and go as the socket carries them; times are seconds."""

    congestion = "congestion"
    """The code of the fault when the application reads too slowly."""
    farewell: str | None = None
    """The application's answer to `stop`, which the carrier awaits before it closes the socket."""

    def __init__(self, says: Codec, hears: Codec | None = None, frame_ms: int = 20) -> None:
        self.says = says
        """How the caller's voice goes to the application."""
        self.hears = hears or says
        """How the application's voice comes."""
        self.frame_ms = frame_ms
        self.playback: Playback[MarkT] = Playback(self.hears.bytes_per_s)
        self.faults: list[Fault] = []
        self.opened = 0.0
        self.began: float | None = None
        """When the stream started; None before."""
        self.wall: Callable[[], datetime] = lambda: datetime.now(UTC)
        """The time of day, where a message tells it."""
        self.done = False
        """The application has asked for the end: the carrier closes the socket."""
        self.over = False
        """After `stop`: what still comes crossed it, and is nobody's fault."""

    # ── what the carrier sends ────────────────────────────────────────────────────────────────────────────

    def headers(self) -> Mapping[str, str]:
        """Of the handshake, besides those of RFC 6455."""
        return {}

    def subprotocols(self) -> tuple[str, ...]:
        """What the carrier offers; the application has to choose one, when there are any."""
        return ()

    def opening(self) -> list[Frame]:
        """As soon as the socket is open."""
        return []

    @abstractmethod
    def start(self) -> list[Frame]:
        """When the stream begins."""

    @abstractmethod
    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        """One frame of the caller's voice; `silent` when nobody speaks."""

    @abstractmethod
    def digit(self, digit: str) -> list[Frame]:
        """The caller pressed a key."""

    @abstractmethod
    def stop(self) -> list[Frame]:
        """When the stream ends."""

    @abstractmethod
    def marked(self, mark: MarkT) -> list[Frame]:
        """The carrier's word that playing has reached a mark."""

    # ── what it gets ──────────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def obey(self, frame: Frame, now: float) -> list[Frame]:
        """Do what a message of the application says, and answer. Raises Broken."""

    def kind(self, frame: Frame) -> str:
        """A message's type, in the carrier's word; `binary` and `garbage` where it has none."""
        if isinstance(frame, bytes):
            return "binary"
        try:
            value = json.loads(frame)
        except ValueError:
            return "garbage"
        return self.named(value) if isinstance(value, dict) else "garbage"

    def named(self, value: dict[str, Any]) -> str:
        """The type of a JSON message."""
        return str(value.get("event", "garbage"))

    # ── the course of things ──────────────────────────────────────────────────────────────────────────────

    def open(self, now: float) -> list[Frame]:
        self.opened = now
        return self.opening()

    def begin(self, now: float) -> list[Frame]:
        self.began = now
        return self.start()

    def finish(self) -> list[Frame]:
        self.over = True
        return self.stop()

    def take(self, frame: Frame, now: float) -> list[Frame]:
        """A message of the application, judged; what breaks a rule is kept in `faults` and changes nothing."""
        if self.over:
            return []
        try:
            return self.obey(frame, now)
        except Broken as broken:
            self.blame(broken, frame, now)
            return []

    def tick(self, now: float) -> list[Frame]:
        """Call it when `due` has come."""
        if self.over:
            return []
        return [frame for mark in self.playback.reached(now) for frame in self.marked(mark)]

    @property
    def due(self) -> float | None:
        """When something happens without a message."""
        return None if self.over else self.playback.due

    def blame(self, broken: Broken, frame: Frame, now: float) -> None:
        at_ms = (now - self.opened) * 1000
        self.faults.append(Fault(broken.code, broken.message, broken.rule, frame, at_ms))
