"""Telnyx (reference/telephony.md, section 2), as a TeXML application: a Voice API application is answered by commands
to Telnyx' API, which the softphone is not. Only Telnyx can sign its webhooks."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from uuid import uuid4
from xml.etree.ElementTree import Element

from gateway.config import Settings
from gateway.softphone import twiml
from gateway.softphone.laml_hooks import LamlHooks
from gateway.softphone.line import Answer, Facts, Side
from gateway.softphone.orders import PCMU, Broken, Clear, Connect, Mark, Order, Play, Verb
from gateway.softphone.strict import audio_of, json_object, only
from gateway.wire import Codec, Encoding, Message

__all__ = ["line"]

ATTRIBUTES = frozenset(
    {
        "url",
        "name",
        "track",
        "codec",
        "bidirectionalMode",
        "bidirectionalCodec",
        "bidirectionalSamplingRate",
        "statusCallback",
        "statusCallbackMethod",
    }
)
PCMA = Encoding(Codec.PCMA, 8000)
SAID = {"PCMU": PCMU, "PCMA": PCMA}
NAMES = {Codec.PCMU: "PCMU", Codec.PCMA: "PCMA", Codec.L16: "L16"}
RATES = (8000, 16000, 22050, 24000, 48000)
SHORTEST_MS, LONGEST_MS = 20, 30_000
MALFORMED, INVALID = "100003 malformed_frame", "100004 invalid_media"
FRAME_MS = 20


class _Telnyx(LamlHooks):
    title = "Telnyx"
    secret = "TELNYX_PUBLIC_KEY"
    signs = False
    signable = False

    def __init__(self) -> None:
        super().__init__(lambda url, fields: {})

    def facts(self, caller: str, called: str) -> Facts:
        return Facts(f"v3:{uuid4()}", str(uuid4()), caller, called)

    def read(self, answer: Answer) -> Sequence[Verb]:
        return twiml.read(answer, answer.url, _attributes)

    def handshake(self, connect: Connect, now: float) -> Mapping[str, str]:
        return {}

    def open(self, call: Facts, connect: Connect) -> Side:
        return _Side(call, connect)


class _Side:
    """Marks come back as they are reached, and at once when the queue is thrown away."""

    limit_s = 600.0

    def __init__(self, call: Facts, connect: Connect) -> None:
        self.id = str(uuid4())
        self.says, self.plays = connect.says, connect.plays
        self._call = call
        self._parameters = dict(connect.parameters)
        self._sequence = 0
        self._chunk = 0

    def opening(self) -> Sequence[Message]:
        start = {
            "user_id": self._call.account,
            "call_control_id": self._call.call,
            "call_session_id": str(uuid4()),
            "from": self._call.caller,
            "to": self._call.called,
            "tags": [],
            "custom_parameters": self._parameters,
            "media_format": {
                "encoding": NAMES[self.says.codec],
                "sample_rate": self.says.rate,
                "channels": 1,
            },
        }
        return [json.dumps({"event": "connected", "version": "1.0.0"}), self._numbered("start", start)]

    def media(self, audio: bytes) -> Sequence[Message]:
        self._chunk += 1
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str((self._chunk - 1) * FRAME_MS),
            "payload": b64encode(audio).decode(),
        }
        return [self._numbered("media", media)]

    def key(self, digit: str) -> Sequence[Message]:
        return [self._numbered("dtmf", {"digit": digit})]

    def closing(self) -> Sequence[Message]:
        return [self._numbered("stop", {"user_id": self._call.account, "call_control_id": self._call.call})]

    def marked(self, name: str) -> Sequence[Message]:
        return [self._numbered("mark", {"name": name})]

    def cleared(self, names: Sequence[str]) -> Sequence[Message]:
        return [one for name in names for one in self.marked(name)]

    def receive(self, message: Message) -> Sequence[Order]:
        told = json_object(message, MALFORMED)
        if told.get("stream_id", self.id) != self.id:
            raise Broken("a message to another stream than this", MALFORMED)
        optional = {"stream_id": str}
        match told.get("event"):
            case "media":
                only(told, {"event": str, "media": dict}, MALFORMED, optional)
                payload = only(told["media"], {"payload": str}, MALFORMED)["payload"]
                audio = audio_of(payload, INVALID, self.plays)
                ms = len(audio) / self.plays.bytes_per_ms
                if not SHORTEST_MS <= ms <= LONGEST_MS:
                    raise Broken(f"{ms:g} ms in one message; 20 ms to 30 s are taken", INVALID)
                return [Play(audio)]
            case "mark":
                only(told, {"event": str, "mark": dict}, MALFORMED, optional)
                return [Mark(str(only(told["mark"], {"name": str}, MALFORMED)["name"]))]
            case "clear":
                only(told, {"event": str}, MALFORMED, optional)
                return [Clear()]
            case event:
                raise Broken(f"an event that is not known: {event!r}"[:120], MALFORMED)

    def _numbered(self, event: str, body: Mapping[str, object]) -> str:
        self._sequence += 1
        head = {"event": event, "sequence_number": str(self._sequence), "stream_id": self.id}
        return json.dumps({**head, event: body})


def line(settings: Settings) -> _Telnyx:
    return _Telnyx()


def _attributes(stream: Element) -> tuple[Encoding, Encoding, str | None]:
    twiml.known(stream, ATTRIBUTES)
    if stream.get("bidirectionalMode", "mp3") != "rtp":
        raise Broken(
            'without bidirectionalMode="rtp" the caller hears nothing', "<Stream bidirectionalMode>"
        )
    named, rate = stream.get("bidirectionalCodec", "PCMU"), stream.get("bidirectionalSamplingRate", "8000")
    codec = next((codec for codec, name in NAMES.items() if name == named), None)
    if codec is None or rate not in map(str, RATES) or (codec is not Codec.L16 and rate != "8000"):
        raise Broken(f"{named} at {rate} is not played here", "<Stream bidirectionalCodec>", fatal=True)
    # Without a wish it is the codec of the caller's line: A-law in most of the world.
    return Encoding(codec, int(rate)), SAID.get(stream.get("codec", "PCMA"), PCMA), None
