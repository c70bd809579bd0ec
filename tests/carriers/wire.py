"""What the carriers that put audio into JSON text send, by telephony.md: one builder for the tests of them all."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.carriers import exotel, plivo, signalwire, telnyx, twilio
from gateway.wire import Started, Stream, StreamEvent

__all__ = ["EPOCH", "WIRES", "Wire", "b64", "heard", "said"]

EPOCH = 1_760_000_000_000
"""Where Plivo's timestamps begin."""

MULAW = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def twilio_start(**changed: Any) -> dict[str, Any]:
    start = {
        "accountSid": "AC01",
        "streamSid": "MZ01",
        "callSid": "CA01",
        "tracks": ["inbound"],
        "mediaFormat": MULAW,
        "customParameters": {"token": "abc123", "caller": "+15550100001", "called": "+15550100002"},
    }
    return {"event": "start", "sequenceNumber": "1", "streamSid": "MZ01", "start": start | changed}


def twilio_media(chunk: int, at: int, payload: bytes) -> dict[str, Any]:
    media = {"track": "inbound", "chunk": str(chunk), "timestamp": str(at), "payload": b64(payload)}
    return {"event": "media", "sequenceNumber": str(chunk + 1), "streamSid": "MZ01", "media": media}


def signalwire_start(**changed: Any) -> dict[str, Any]:
    full = twilio_start(**changed)
    return {name: full[name] for name in full.keys() - {"streamSid"}}


def signalwire_media(chunk: int, at: int, payload: bytes) -> dict[str, Any]:
    full = twilio_media(chunk, at, payload)
    return {name: full[name] for name in full.keys() - {"streamSid"}}


def telnyx_start(**changed: Any) -> dict[str, Any]:
    start = {
        "user_id": "u",
        "call_control_id": "v3:x",
        "call_session_id": "cs",
        "from": "+15550100001",
        "to": "+15550100002",
        "tags": [],
        "client_state": "eyJ9",
        "custom_parameters": {"token": "abc123"},
        "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
    }
    return {"event": "start", "sequence_number": "1", "stream_id": "s1", "start": start | changed}


def telnyx_media(chunk: int, at: int, payload: bytes) -> dict[str, Any]:
    media = {"track": "inbound", "chunk": str(chunk), "timestamp": str(at), "payload": b64(payload)}
    return {"event": "media", "sequence_number": str(chunk + 2), "stream_id": "s1", "media": media}


def plivo_start(**changed: Any) -> dict[str, Any]:
    start = {
        "callId": "c1",
        "streamId": "s1",
        "accountId": "MA1",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
    }
    extra = "token=abc123;hexcaller=2b3135353530313030303031;called=15550100002"
    return {"event": "start", "sequenceNumber": 1, "start": start | changed, "extra_headers": extra}


def plivo_media(chunk: int, at: int, payload: bytes) -> dict[str, Any]:
    media = {"track": "inbound", "timestamp": str(EPOCH + at), "chunk": chunk, "payload": b64(payload)}
    return {"event": "media", "sequenceNumber": chunk + 1, "streamId": "s1", "media": media}


def exotel_start(**changed: Any) -> dict[str, Any]:
    start = {
        "stream_sid": "s1",
        "call_sid": "c1",
        "account_sid": "a1",
        "from": "08001234567",
        "to": "08017654321",
        "custom_parameters": {"token": "abc123"},
        "media_format": {"encoding": "audio/x-raw", "sample_rate": "8000", "bit_rate": "16"},
    }
    return {"event": "start", "sequence_number": 1, "stream_sid": "s1", "start": start | changed}


def exotel_media(chunk: int, at: int, payload: bytes) -> dict[str, Any]:
    media = {"chunk": str(chunk), "timestamp": str(at), "payload": b64(payload)}
    return {"event": "media", "sequence_number": chunk + 1, "stream_sid": "s1", "media": media}


@dataclass(frozen=True, slots=True)
class Wire:
    """One carrier, as far as the tests of all of them need it."""

    stream: Callable[[], Stream]
    start: Callable[..., dict[str, Any]]
    media: Callable[[int, int, bytes], dict[str, Any]]
    """Chunk, milliseconds since the stream began, audio."""
    stop: dict[str, Any]
    mark: Callable[[str], dict[str, Any]]
    dtmf: Callable[[object], dict[str, Any]]
    binds: str = "streamSid"
    """The field that names the stream."""

    def started(self, **changed: Any) -> Stream:
        stream = self.stream()
        (event,), answers = stream.receive(said(self.start(**changed)))
        assert isinstance(event, Started)
        assert answers == []
        return stream


def said(message: object) -> str:
    return json.dumps(message)


def heard(stream: Stream, message: object) -> list[StreamEvent]:
    events, answers = stream.receive(said(message))
    assert answers == []
    return events


WIRES = {
    "twilio": Wire(
        twilio.Stream,
        twilio_start,
        twilio_media,
        {"event": "stop", "sequenceNumber": "90", "streamSid": "MZ01", "stop": {"callSid": "CA01"}},
        lambda name: {"event": "mark", "sequenceNumber": "14", "streamSid": "MZ01", "mark": {"name": name}},
        lambda digit: {
            "event": "dtmf",
            "streamSid": "MZ01",
            "dtmf": {"track": "inbound_track", "digit": digit},
        },
    ),
    "signalwire": Wire(
        signalwire.Stream,
        signalwire_start,
        signalwire_media,
        {"event": "stop", "sequenceNumber": "90", "stop": {"callSid": "CA01"}},
        lambda name: {"event": "mark", "sequenceNumber": "14", "streamSid": "MZ01", "mark": {"name": name}},
        lambda digit: {"event": "dtmf", "streamSid": "MZ01", "dtmf": {"digit": digit, "duration": 160}},
    ),
    "telnyx": Wire(
        telnyx.Stream,
        telnyx_start,
        telnyx_media,
        {"event": "stop", "stream_id": "s1", "sequence_number": "99", "stop": {"call_control_id": "v3:x"}},
        lambda name: {"event": "mark", "stream_id": "s1", "sequence_number": "8", "mark": {"name": name}},
        lambda digit: {"event": "dtmf", "stream_id": "s1", "dtmf": {"digit": digit}},
        "stream_id",
    ),
    "plivo": Wire(
        plivo.Stream,
        plivo_start,
        plivo_media,
        {"event": "stop", "streamId": "s1"},
        lambda name: {"event": "playedStream", "streamId": "s1", "name": name},
        lambda digit: {"event": "dtmf", "streamId": "s1", "dtmf": {"track": "inbound", "digit": digit}},
        "streamId",
    ),
    "exotel": Wire(
        exotel.Stream,
        exotel_start,
        exotel_media,
        {"event": "stop", "stream_sid": "s1", "stop": {"call_sid": "c1", "reason": "callended"}},
        lambda name: {"event": "mark", "stream_sid": "s1", "mark": {"name": name}},
        lambda digit: {"event": "dtmf", "stream_sid": "s1", "dtmf": {"digit": digit, "duration": "500"}},
        "stream_sid",
    ),
}
