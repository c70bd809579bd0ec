"""Twilio Media Streams (reference 1.2 to 1.4)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from tests.carrier_peers.call import Call
from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import MULAW
from tests.carrier_peers.dialling import calling
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.ids import sid
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.sockets import websocket
from tests.carrier_peers.strict import Base64, Strict, dumped, judged, loaded
from tests.carrier_peers.twilio_signing import signature

__all__ = ["BUFFER_S", "Identity", "TwilioCall", "TwilioStream"]

BUFFER_S = 600.0
"""Sound that Twilio queues; what comes beyond is thrown away with warning 31931."""

UNSIGNED = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose call and which stream it is."""

    account: str = field(default_factory=lambda: sid("AC"))
    call: str = field(default_factory=lambda: sid("CA"))
    stream: str = field(default_factory=lambda: sid("MZ"))


class _Payload(Strict):
    payload: Base64


class _Name(Strict):
    name: str


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


_MESSAGE: TypeAdapter[_Media | _Mark | _Clear] = TypeAdapter(
    Annotated[_Media | _Mark | _Clear, Field(discriminator="event")]
)


class TwilioStream(Carrier[str]):
    """One stream; `bidirectional` is that of `<Connect>`, otherwise of `<Start>`."""

    congestion = "31930"

    def __init__(
        self,
        who: Identity | None = None,
        parameters: Mapping[str, str] | None = None,
        bidirectional: bool = True,
    ) -> None:
        super().__init__(MULAW)
        self.who = who or Identity()
        self.parameters = dict(parameters or {})
        self.bidirectional = bidirectional
        self._sequence = 0
        self._chunk = 0

    # ── from Twilio ───────────────────────────────────────────────────────────────────────────────────────

    def opening(self) -> list[Frame]:
        return [dumped({"event": "connected", "protocol": "Call", "version": "1.0.0"})]

    def start(self) -> list[Frame]:
        return self._numbered(
            "start",
            {
                "accountSid": self.who.account,
                "streamSid": self.who.stream,
                "callSid": self.who.call,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": self.parameters,
            },
        )

    def media(self, audio: bytes, silent: bool) -> list[Frame]:

        self._chunk += 1
        return self._numbered(
            "media",
            {
                "track": "inbound",
                "chunk": str(self._chunk),
                "timestamp": str(self._chunk * self.frame_ms),
                "payload": b64encode(audio).decode(),
            },
        )

    def digit(self, digit: str) -> list[Frame]:
        return self._numbered("dtmf", {"track": "inbound_track", "digit": digit})

    def stop(self) -> list[Frame]:
        return self._numbered("stop", {"accountSid": self.who.account, "callSid": self.who.call})

    def marked(self, mark: str) -> list[Frame]:
        return self._numbered("mark", {"name": mark})

    def _numbered(self, event: str, body: dict[str, object]) -> list[Frame]:
        self._sequence += 1
        message = {"event": event, "sequenceNumber": str(self._sequence), "streamSid": self.who.stream}
        return [dumped({**message, event: body})]

    # ── to Twilio ─────────────────────────────────────────────────────────────────────────────────────────

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        if isinstance(frame, bytes):
            raise Broken("31950", "a binary frame", "error 31950")
        if not self.bidirectional:
            raise Broken("31924", "a message on a one-way stream", "telephony 1.1, error 31924")
        message = judged(_MESSAGE, loaded(frame, "31951", "error 31951"), "31951", "telephony 1.3")
        if self.began is None:
            raise Broken("31951", "a message before the stream has an id", "telephony 0 rule 7")
        if message.streamSid != self.who.stream:
            raise Broken("31951", f"no such stream: {message.streamSid!r}", "error 31951")
        match message:
            case _Media():
                return self._play(message.media.payload, now)
            case _Mark():
                self.playback.mark(message.mark.name, now)
                return self.tick(now)
            case _Clear():
                return [one for mark in self.playback.clear(now) for one in self.marked(mark)]

    def _play(self, audio: bytes, now: float) -> list[Frame]:
        if audio.startswith(b"RIFF"):
            raise Broken("riff", "a WAV header in the payload plays as a click", "telephony 1.3")
        if self.playback.pending_s(now) + len(audio) / self.hears.bytes_per_s > BUFFER_S:
            raise Broken("31931", "more than ten minutes queued: thrown away", "telephony 1.3")
        self.playback.play(audio, now)
        return []


class TwilioCall(Call[TwilioStream]):
    """A call whose stream is open on a real socket."""

    @classmethod
    @asynccontextmanager
    async def dial(
        cls,
        url: str,
        *,
        secret: str,
        parameters: Mapping[str, str] | None = None,
        who: Identity | None = None,
        via: str | None = None,
        manners: Manners = GOOD,
        signed: str | None = None,
        bidirectional: bool = True,
    ) -> AsyncIterator[TwilioCall]:
        """Open a media stream to `url` exactly as the TwiML has it.

        `secret` is the account's auth token; `signed` overrides the signature made with it (empty: none is sent);
        `via` is where the URL's host really listens, such as `http://127.0.0.1:8080`. Raises sockets.Refused, which
        at Twilio is error 31920.
        """
        stream = TwilioStream(who, parameters, bidirectional)
        headers = {"User-Agent": "Twilio.TmeWs/1.0"}
        if (signed := signature(secret, url) if signed is None else signed) != UNSIGNED:
            headers["X-Twilio-Signature"] = signed
        async with websocket(url, headers, via=via) as socket:
            call = cls(stream, socket, manners)
            async with calling(call):
                yield call
