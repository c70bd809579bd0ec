"""What is taken of a message of the known shape is what reading it as JSON gives."""

from __future__ import annotations

import base64
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.carriers import signalwire, twilio
from gateway.carriers.dialects.shape import LESSONS, Shape
from gateway.wire import Audio, Codec, Encoding, Message, Stream, StreamEvent, StreamFault
from tests.carriers.shelf import SITUATIONS, opened, wire

pytestmark = pytest.mark.unit

MULAW = Encoding(Codec.PCMU, 8000)
START = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "streamSid": "MZ1",
        "callSid": "CA1",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    },
    "streamSid": "MZ1",
}


def media(number: int, audio: bytes = b"\xff" * 160, **changes: Any) -> dict[str, Any]:
    fields = {
        "track": "inbound",
        "chunk": str(number),
        "timestamp": str(20 * number),
        "payload": base64.b64encode(audio).decode(),
    }
    return {
        "event": "media",
        "sequenceNumber": str(number + 1),
        "media": {**fields, **changes},
        "streamSid": "MZ1",
    }


class Forgetful(Shape):
    """Knows no shape: every message is read as JSON."""

    def learn(self, message: object, media: object, heard: object) -> None:
        pass


def plain(stream: Any) -> Stream:
    stream._shape = Forgetful()
    return stream  # type: ignore[no-any-return]


def told(stream: Stream, message: Message) -> list[StreamEvent] | str:
    try:
        return stream.receive(message)[0]
    except StreamFault as fault:
        return str(fault)


def started(make: Any) -> tuple[Stream, Stream]:
    pair = make(), plain(make())
    for stream in pair:
        stream.receive(json.dumps(START))
    return pair


def test_a_known_message_is_not_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, _ = started(twilio.Stream)
    assert len(stream.receive(json.dumps(media(1)))[0]) == 1
    monkeypatch.setattr(orjson, "loads", None)
    for number in range(2, 200):
        (audio,) = stream.receive(json.dumps(media(number, bytes([number]) * 160)))[0]
        assert audio == Audio(bytes([number]) * 160, 20 * number)


ODD: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"track": "outbound"}, {"chunk": "1"}, {"chunk": "x"}, {"chunk": 7}, {"chunk": "07"}, {"timestamp": "-1"},
        {"timestamp": "9" * 16}, {"timestamp": None}, {"payload": "!"}, {"payload": ""}, {"payload": "A"},
        {"payload": "////"}, {"payload": 5}, {"more": 1},
    ]
)  # fmt: skip
TEXT = st.text(max_size=6)


@pytest.mark.parametrize("make", [twilio.Stream, signalwire.Stream])
@given(data=st.data())
def test_both_ways_of_reading_say_the_same(make: Any, data: st.DataObject) -> None:
    known, read = started(make)
    spaced = data.draw(st.booleans())
    for number in range(1, data.draw(st.integers(2, 12))):
        fields = media(
            number,
            data.draw(st.binary(max_size=20)),
            **(data.draw(ODD) if data.draw(st.booleans()) else {}),
        )
        message = json.dumps(fields, separators=(", ", ": ") if spaced else (",", ":"))
        match data.draw(
            st.sampled_from(["as it is", "as it is", "as it is", "escaped", "torn", "changed", "stop"])
        ):
            case "escaped":
                message = message.replace("/", "\\/")
            case "torn":
                message = message[: data.draw(st.integers(0, len(message)))]
            case "changed":
                at = data.draw(st.integers(0, len(message)))
                message = message[:at] + data.draw(TEXT) + message[at + data.draw(st.integers(0, 6)) :]
            case "stop":
                message = json.dumps({"event": "stop", "streamSid": "MZ1"})
            case _:
                pass
        assert told(known, message) == told(read, message)


def test_a_name_that_stands_elsewhere_is_no_lesson() -> None:
    shape = Shape()
    fields = {"chunk": 1, "media": {"timestamp": 20, "payload": "////"}}
    shape.learn(json.dumps(fields), fields["media"], MULAW)  # type: ignore[arg-type]
    assert shape.read(json.dumps(fields)) is None
    twice = {"chunk": 1, "timestamp": 20, "payload": "////", "also": "payload"}
    shape.learn(json.dumps(twice), twice, MULAW)
    assert shape.read(json.dumps(twice)) is None


def test_a_stream_of_ever_new_shapes_is_not_learned_for_ever() -> None:
    shape = Shape()
    for number in range(LESSONS + 3):
        fields = {"chunk": number, "timestamp": 20, "payload": "////", f"new{number}": 1}
        message = json.dumps(fields)
        shape.learn(message, fields, MULAW)
        assert (shape.read(message) is None) is (number >= LESSONS)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("carrier", ["exotel", "plivo", "signalwire", "telnyx", "twilio"])
def test_recorded_wires_are_read_the_same_both_ways(carrier: str, situation: str) -> None:
    known, read = opened(carrier), plain(opened(carrier))
    for line in wire(carrier, situation):
        if line.inward:
            assert told(known, line.message) == told(read, line.message)


@pytest.mark.parametrize("carrier", ["exotel", "plivo", "signalwire", "telnyx", "twilio"])
def test_every_carriers_shape_is_learned(carrier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line.message for line in wire(carrier, "media") if line.inward]
    first = next(
        at for at, message in enumerate(lines) if '"media"' in str(message) and "payload" in str(message)
    )
    stream = opened(carrier)
    for message in lines[: first + 1]:
        stream.receive(message)
    monkeypatch.setattr(orjson, "loads", None)
    assert stream._shape.read(lines[first]) is not None  # type: ignore[attr-defined]
