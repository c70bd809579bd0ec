"""The carrier's side of the stream that Twilio designed and SignalWire speaks (reference/telephony.md, 1.2, 1.3)."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.softphone.line import Facts
from gateway.softphone.orders import Broken, Clear, Connect, Keys, Mark, Order, Play
from gateway.softphone.strict import audio_of, json_object, only
from gateway.wire import Codec, Encoding, Message

__all__ = ["TwilioSide"]

FRAME_MS = 20
LIMIT_S = 600.0
INVALID = "31951 invalid message"


class TwilioSide:
    """Marks come back when they are reached, and at once when the queue is thrown away."""

    limit_s = LIMIT_S

    def __init__(
        self, call: Facts, connect: Connect, stream: str, *, version: str = "1.0.0", keys: bool = False
    ) -> None:
        self.says: Encoding = connect.says
        self.plays: Encoding = connect.plays
        self._call = call
        self._parameters = dict(connect.parameters)
        self.id = stream
        self._version = version
        self._keys = keys
        self._sequence = 0
        self._chunk = 0

    def opening(self) -> Sequence[Message]:
        linear = self.says.codec is Codec.L16
        start = {
            "accountSid": self._call.account,
            "streamSid": self.id,
            "callSid": self._call.call,
            "tracks": ["inbound"],
            "mediaFormat": {
                "encoding": "audio/x-L16" if linear else "audio/x-mulaw",
                "sampleRate": self.says.rate,
                "channels": 1,
            },
            "customParameters": self._parameters,
        }
        connected = {"event": "connected", "protocol": "Call", "version": self._version}
        return [json.dumps(connected), self._numbered("start", start)]

    def media(self, audio: bytes) -> Sequence[Message]:
        self._chunk += 1
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(self._chunk * FRAME_MS),
            "payload": b64encode(audio).decode(),
        }
        return [self._numbered("media", media)]

    def key(self, digit: str) -> Sequence[Message]:
        return [self._numbered("dtmf", {"track": "inbound_track", "digit": digit})]

    def closing(self) -> Sequence[Message]:
        return [self._numbered("stop", {"accountSid": self._call.account, "callSid": self._call.call})]

    def marked(self, name: str) -> Sequence[Message]:
        return [self._numbered("mark", {"name": name})]

    def cleared(self, names: Sequence[str]) -> Sequence[Message]:
        return [one for name in names for one in self.marked(name)]

    def receive(self, message: Message) -> Sequence[Order]:
        if isinstance(message, bytes):
            raise Broken("a binary message: Twilio takes text only", "31950 malformed message")
        told = json_object(message, "31950 malformed message")
        event = told.get("event")
        match event:
            case "media":
                body = self._body(told, "media", {"payload": str})
                return [Play(audio_of(body["payload"], INVALID, self.plays))]
            case "mark":
                return [Mark(str(self._body(told, "mark", {"name": str})["name"]))]
            case "clear":
                only(told, {"event": str, "streamSid": str}, INVALID)
                self._mine(told)
                return [Clear()]
            case "dtmf" if self._keys:
                return [Keys(str(self._body(told, "dtmf", {"digit": str})["digit"]))]
            case _:
                raise Broken(f"an event that is not known: {event!r}"[:120], INVALID)

    def _body(self, told: dict[str, Any], name: str, fields: dict[str, type]) -> Any:
        only(told, {"event": str, "streamSid": str, name: dict}, INVALID)
        self._mine(told)
        return only(told[name], fields, INVALID)

    def _mine(self, told: dict[str, Any]) -> None:
        if told["streamSid"] != self.id:
            raise Broken("a message to another stream than this", INVALID)

    def _numbered(self, event: str, body: Mapping[str, object]) -> str:
        self._sequence += 1
        head = {"event": event, "sequenceNumber": str(self._sequence), "streamSid": self.id}
        return json.dumps({**head, event: body})
