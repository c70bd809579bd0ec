"""Telnyx media streaming (reference 2.2 to 2.4; the vendor's page "Stream call media over WebSocket")."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from tests.carrier_peers.call import Call
from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import ALAW, L16_8K, L16_16K, L16_24K, MULAW, Codec
from tests.carrier_peers.dialling import calling
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.ids import new_uuid, sid
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.sockets import websocket
from tests.carrier_peers.strict import Base64, Strict, dumped, judged, loaded

__all__ = ["TOKEN_HEADER", "CallIds", "TelnyxCall", "TelnyxStream"]

TOKEN_HEADER = "x-telnyx-streaming-auth-token"
RULE = "telephony 2.3"
MALFORMED, INVALID, UNKNOWN, TOO_MANY = "100003", "100004", "100002", "100005"
TITLES = {
    UNKNOWN: "unknown_error",
    MALFORMED: "malformed_frame",
    INVALID: "invalid_media",
    TOO_MANY: "rate_limit_reached",
}
CHUNK_MS = (20, 30_000)
"""The shortest and longest piece of sound in one message."""

ENCODINGS: dict[Codec, str] = {MULAW: "PCMU", ALAW: "PCMA", L16_8K: "L16", L16_16K: "L16", L16_24K: "L16"}


@dataclass(frozen=True, slots=True)
class CallIds:
    """Whose call and which stream it is."""

    control: str = field(default_factory=lambda: f"v3:{sid('')}")
    session: str = field(default_factory=new_uuid)
    leg: str = field(default_factory=new_uuid)
    stream: str = field(default_factory=new_uuid)
    user: str = field(default_factory=new_uuid)
    connection: str = "1684641123236054244"


class _Payload(Strict):
    payload: Base64


class _Name(Strict):
    name: str


class _Media(Strict):
    event: Literal["media"]
    stream_id: str | None = None
    media: _Payload


class _Mark(Strict):
    event: Literal["mark"]
    stream_id: str | None = None
    mark: _Name


class _Clear(Strict):
    event: Literal["clear"]
    stream_id: str | None = None


_MESSAGE: TypeAdapter[_Media | _Mark | _Clear] = TypeAdapter(
    Annotated[_Media | _Mark | _Clear, Field(discriminator="event")]
)


class TelnyxStream(Carrier[str]):
    """One stream. `says` follows the telephone leg (A-law in Europe), `hears` is what the application asked for."""

    congestion = "congestion"

    def __init__(
        self,
        says: Codec = MULAW,
        hears: Codec = MULAW,
        ids: CallIds | None = None,
        numbers: tuple[str, str] = ("+15550100001", "+15550100002"),
        parameters: Mapping[str, str] | None = None,
        token: str | None = None,
        client_state: str | None = None,
        mode: Literal["rtp", "mp3"] = "rtp",
        tags: Sequence[str] = (),
    ) -> None:
        super().__init__(says, hears)
        self.ids = ids or CallIds()
        self.numbers = numbers
        """From and to."""
        self.parameters = dict(parameters or {})
        self.token = token
        self.client_state = client_state
        self.mode = mode
        self.tags = list(tags)
        self._sequence = 0
        self._chunk = 0

    # ── from Telnyx ───────────────────────────────────────────────────────────────────────────────────────

    def headers(self) -> Mapping[str, str]:
        return {} if self.token is None else {TOKEN_HEADER: self.token}

    def opening(self) -> list[Frame]:
        connected: dict[str, object] = {"event": "connected", "version": "1.0.0"}
        if self.token is not None:
            connected["connected"] = {TOKEN_HEADER: self.token}
        return [dumped(connected)]

    def start(self) -> list[Frame]:
        body: dict[str, object] = {
            "user_id": self.ids.user,
            "call_control_id": self.ids.control,
            "call_session_id": self.ids.session,
            "from": self.numbers[0],
            "to": self.numbers[1],
            "tags": self.tags,
            "media_format": {
                "encoding": ENCODINGS[self.says],
                "sample_rate": self.says.rate,
                "channels": 1,
            },
        }
        if self.client_state is not None:
            body["client_state"] = self.client_state
        if self.parameters:
            body["custom_parameters"] = self.parameters
        return self._numbered("start", {"start": body})

    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        self._chunk += 1
        body = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str((self._chunk - 1) * self.frame_ms),
            "payload": b64encode(audio).decode(),
        }
        return self._numbered("media", {"media": body})

    def digit(self, digit: str) -> list[Frame]:
        occurred = self.wall().isoformat(timespec="microseconds").replace("+00:00", "Z")
        return self._numbered("dtmf", {"occurred_at": occurred, "dtmf": {"digit": digit}})

    def stop(self) -> list[Frame]:
        ids = {"user_id": self.ids.user, "call_control_id": self.ids.control}
        return self._numbered("stop", {"stop": ids})

    def marked(self, mark: str) -> list[Frame]:
        return self._numbered("mark", {"mark": {"name": mark}})

    def _numbered(self, event: str, body: dict[str, object]) -> list[Frame]:
        self._sequence += 1
        numbered = {"event": event, "sequence_number": str(self._sequence), "stream_id": self.ids.stream}
        return [dumped({**numbered, **body})]

    # ── to Telnyx ─────────────────────────────────────────────────────────────────────────────────────────

    def take(self, frame: Frame, now: float) -> list[Frame]:
        """As any carrier; Telnyx also says on the socket what was wrong."""
        before = len(self.faults)
        answers = super().take(frame, now)
        for fault in self.faults[before:]:
            if fault.code in TITLES:
                told = {"code": int(fault.code), "title": TITLES[fault.code], "detail": fault.message}
                answers.append(dumped({"event": "error", "stream_id": self.ids.stream, "payload": told}))
        return answers

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        message = judged(_MESSAGE, loaded(frame, MALFORMED, RULE), MALFORMED, RULE)
        if self.began is None:
            raise Broken(UNKNOWN, "a message before the stream has started", "telephony 0 rule 7")
        if message.stream_id not in (None, self.ids.stream):
            raise Broken(MALFORMED, f"no such stream: {message.stream_id!r}", RULE)
        match message:
            case _Media():
                self._play(message.media.payload, now)
                return []
            case _Mark():
                self.playback.mark(message.mark.name, now)
                return self.tick(now)
            case _Clear():
                return [one for mark in self.playback.clear(now) for one in self.marked(mark)]

    def _play(self, audio: bytes, now: float) -> None:
        if self.mode != "rtp":
            raise Broken(INVALID, "sound without stream_bidirectional_mode rtp is not MP3", "telephony 2.4")
        if audio.startswith(b"RIFF"):
            raise Broken(INVALID, "a WAV header in the payload", "telephony 0 rule 2")
        if len(audio) % self.hears.sample_bytes:
            raise Broken(INVALID, "half a sample", RULE)
        ms = len(audio) / self.hears.bytes_per_s * 1000
        if not CHUNK_MS[0] <= ms <= CHUNK_MS[1]:
            raise Broken(INVALID, f"{ms:g} ms in one message; 20 ms to 30 s are allowed", RULE)
        self.playback.play(audio, now)


class TelnyxCall(Call[TelnyxStream]):
    """A call whose stream is open on a real socket."""

    @classmethod
    @asynccontextmanager
    async def dial(
        cls,
        url: str,
        *,
        stream: TelnyxStream | None = None,
        token: str | None = None,
        parameters: Mapping[str, str] | None = None,
        via: str | None = None,
        manners: Manners = GOOD,
    ) -> AsyncIterator[TelnyxCall]:
        """Open a media stream to `url`, the application's `stream_url`, presenting its `stream_auth_token`; `stream`
        says the rest, and then `token` and `parameters` are its own. `via` is where the URL's host really listens.
        Raises sockets.Refused."""
        stream = stream or TelnyxStream(token=token, parameters=parameters)
        async with websocket(url, stream.headers(), via=via) as socket:
            call = cls(stream, socket, manners)
            async with calling(call):
                yield call
