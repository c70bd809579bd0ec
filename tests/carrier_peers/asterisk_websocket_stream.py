"""Asterisk's chan_websocket (reference 10.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import TypeAdapter

from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import ALAW, L16_8K, L16_16K, MULAW
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.strict import Strict, dumped, judged, loaded

__all__ = ["AsteriskWebSocketStream"]

RULE = "telephony 10.3"
FORMATS = {"ulaw": MULAW, "alaw": ALAW, "slin": L16_8K, "slin16": L16_16K}
QUEUE, XOFF, XON = 1000, 900, 800
"""Frames: what comes beyond the first is dropped in silence; the others tell the application to wait, and to go on."""
LARGEST = 65_500
"""Bytes of a binary message; a larger one ends the call."""
LONGEST = 128
"""Bytes of a command; a longer one is not read."""

COMMANDS = {
    "ANSWER": False,
    "HANGUP": False,
    "START_MEDIA_BUFFERING": False,
    "STOP_MEDIA_BUFFERING": True,
    "MARK_MEDIA": True,
    "FLUSH_MEDIA": False,
    "PAUSE_MEDIA": False,
    "CONTINUE_MEDIA": False,
    "GET_STATUS": False,
    "REPORT_QUEUE_DRAINED": False,
}
"""Each with whether it may carry an id."""

Mark = tuple[Literal["mark", "buffered", "drained", "xon"], str | None]


class _Command(Strict):
    command: str
    correlation_id: str | None = None
    direction: Literal["in", "out", "both"] | None = None


_COMMAND = TypeAdapter(_Command)


class AsteriskWebSocketStream(Carrier[Mark]):
    """One channel; `control` is how commands and events are written."""

    def __init__(
        self,
        media_format: Literal["ulaw", "alaw", "slin", "slin16"] = "ulaw",
        control: Literal["plain-text", "json"] = "plain-text",
        connection: str = "c0ffee00-0000-4000-8000-000000000001",
        answered: bool = True,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`answered` is false with the dial string's option `n`: then the application has to answer."""
        super().__init__(FORMATS[media_format])
        self.media_format = media_format
        self.control = control
        self.connection = connection
        self.answered = answered
        self.variables = dict(variables or {})
        self._buffering: bytearray | None = None
        self._drain_asked = False
        self._off = False

    # ── from Asterisk ─────────────────────────────────────────────────────────────────────────────────────

    def subprotocols(self) -> tuple[str, ...]:
        return ("media",)

    def start(self) -> list[Frame]:
        about: dict[str, Any] = {
            "connection_id": self.connection,
            "channel": f"WebSocket/{self.connection}/0x7f0001",
            "channel_id": "asterisk-1760000000.1",
            "format": self.media_format,
            "optimal_frame_size": self.says.frame_bytes(),
            "ptime": 20,
        }
        if self.control == "json":
            about["channel_variables"] = self.variables
        return self._event("MEDIA_START", about)

    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        return [audio] if self.answered else []

    def digit(self, digit: str) -> list[Frame]:
        return self._event("DTMF_END", {"digit": digit})

    def stop(self) -> list[Frame]:
        return []

    def marked(self, mark: Mark) -> list[Frame]:
        kind, name = mark
        match kind:
            case "mark":
                return self._event("MEDIA_MARK_PROCESSED", {"correlation_id": name} if name else {})
            case "buffered":
                return self._event("MEDIA_BUFFERING_COMPLETED", {"correlation_id": name} if name else {})
            case "drained":
                self._drain_asked = False
                return self._event("QUEUE_DRAINED", {})
            case "xon":
                return self._event("MEDIA_XON", {})

    def _event(self, event: str, about: Mapping[str, object]) -> list[Frame]:
        channel = {"channel_id": "asterisk-1760000000.1"} if event != "MEDIA_START" else {}
        if self.control == "json":
            return [dumped({"event": event, **channel, **about})]
        words = [
            str(value) if name == "correlation_id" else f"{name}:{value}" for name, value in about.items()
        ]
        return [" ".join([event, *words])]

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def due(self) -> float | None:
        times = [at for at in (super().due, self._xon_at()) if at is not None]
        return min(times, default=None)

    def tick(self, now: float) -> list[Frame]:
        told = super().tick(now)
        if self._off and not self.over and self._queued(now) < XON:
            self._off = False
            told += self._event("MEDIA_XON", {})
        return told

    def _xon_at(self) -> float | None:
        if not self._off or self.over or self.playback.held:
            return None
        return self.playback.end - (XON - 0.5) * 0.02

    def _queued(self, now: float) -> float:
        return round(self.playback.pending_s(now) / 0.02, 6)

    # ── to Asterisk ───────────────────────────────────────────────────────────────────────────────────────

    def kind(self, frame: Frame) -> str:
        if isinstance(frame, str) and not frame.startswith("{"):
            return frame.partition(" ")[0] or "garbage"
        return super().kind(frame)

    def named(self, value: dict[str, Any]) -> str:
        return str(value.get("event", value.get("command", "garbage")))

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        if isinstance(frame, bytes):
            return self._play(frame, now)
        if len(frame.encode()) > LONGEST:
            raise Broken("too-long", f"a command of {len(frame)} bytes; {LONGEST} are read", RULE)
        name, mark = self._command(frame)
        if name == "SET_MEDIA_DIRECTION":
            if mark not in ("in", "out", "both"):
                raise Broken("unknown-command", f"a direction {mark!r}", RULE)
            return []
        if name not in COMMANDS:
            raise Broken("unknown-command", name, RULE)
        if mark is not None and not COMMANDS[name]:
            raise Broken("unknown-command", f"{name} takes no id", RULE)
        return self._do(name, mark, now)

    def _command(self, frame: str) -> tuple[str, str | None]:
        if self.control == "json":
            message = judged(_COMMAND, loaded(frame, "unknown-command", RULE), "unknown-command", RULE)
            return message.command, message.direction or message.correlation_id
        name, _, rest = frame.partition(" ")
        return name, rest or None

    def _do(self, name: str, mark: str | None, now: float) -> list[Frame]:
        match name:
            case "ANSWER":
                self.answered = True
            case "HANGUP":
                self.done = True
            case "START_MEDIA_BUFFERING":
                if self._buffering is not None:
                    raise Broken("buffering", "START_MEDIA_BUFFERING twice", RULE)
                self._buffering = bytearray()
            case "STOP_MEDIA_BUFFERING":
                return self._flush(mark, now)
            case "MARK_MEDIA":
                self.playback.mark(("mark", mark), now)
            case "FLUSH_MEDIA":
                self._buffering = None if self._buffering is None else bytearray()
                self.playback.clear(now)
            case "PAUSE_MEDIA":
                self.playback.hold(now)
            case "CONTINUE_MEDIA":
                self.playback.go_on(now)
            case "REPORT_QUEUE_DRAINED":
                self.playback.mark(("drained", None), now)
            case _:
                queued = {"queue_length": round(self._queued(now)), "xon_level": XON, "xoff_level": XOFF}
                about = {**queued, "queue_full": False, "bulk_media": self._buffering is not None}
                return self._event("STATUS", {**about, "media_paused": self.playback.held})
        return self.tick(now)

    def _flush(self, mark: str | None, now: float) -> list[Frame]:
        if self._buffering is None:
            raise Broken("buffering", "STOP_MEDIA_BUFFERING without a start", RULE)
        rest, self._buffering = bytes(self._buffering), None
        if rest:
            missing = -len(rest) % self.hears.frame_bytes()
            self._queue(rest + self.hears.silence * (missing // self.hears.sample_bytes), now)
        self.playback.mark(("buffered", mark), now)
        return self.tick(now)

    def _play(self, audio: bytes, now: float) -> list[Frame]:
        size = self.hears.frame_bytes()
        if len(audio) > LARGEST:
            self.done = True
            raise Broken("too-large", f"{len(audio)} bytes in one message end the call", RULE)
        if self.began is None:
            raise Broken("early", "sound before MEDIA_START", "telephony 0 rule 7")
        if self._buffering is not None:
            self._buffering += audio
            whole = len(self._buffering) - len(self._buffering) % size
            audio = bytes(self._buffering[:whole])
            del self._buffering[:whole]
        elif len(audio) % size:
            self._queue(audio[: len(audio) - len(audio) % size], now)
            raise Broken("remainder", f"{len(audio)} bytes; what is over {size} is lost", RULE)
        return self._queue(audio, now)

    def _queue(self, audio: bytes, now: float) -> list[Frame]:
        if self._queued(now) + len(audio) / self.hears.frame_bytes() > QUEUE:
            raise Broken("queue-full", f"more than {QUEUE} frames queued: dropped", RULE)
        self.playback.play(audio, now)
        if not self._off and self._queued(now) >= XOFF:
            self._off = True
            return self._event("MEDIA_XOFF", {})
        return []
