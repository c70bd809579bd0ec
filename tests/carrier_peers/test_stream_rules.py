"""What is peculiar to each carrier's stream: each rule catches who breaks it."""

from __future__ import annotations

import json
import uuid
from base64 import b64encode
from typing import Any

import pytest

from tests.carrier_peers.acs_stream import AcsStream
from tests.carrier_peers.audiosocket_stream import AudioSocketStream, Splitter, packet
from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import L16_16K, L16_24K, MULAW
from tests.carrier_peers.exotel_stream import ExotelStream, split_credentials
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.freeswitch_stream import FreeSwitchStream
from tests.carrier_peers.jambonz_stream import JambonzStream
from tests.carrier_peers.plivo_stream import PlivoIds, PlivoStream
from tests.carrier_peers.signalwire_stream import SIGNATURE, SignalWireStream
from tests.carrier_peers.twilio_stream import Identity
from tests.carrier_peers.vonage_stream import BUFFER, VonageStream

pytestmark = pytest.mark.unit

FRAME = L16_16K.tone(20)


def began(stream: Carrier[Any]) -> list[dict[str, Any]]:
    """Start it; gives the start."""
    sent = [*stream.open(0.0), *stream.begin(0.0)]
    return [json.loads(one) for one in sent if isinstance(one, str)]


def codes(stream: Carrier[Any]) -> list[str]:
    return [fault.code for fault in stream.faults]


def texts(frames: list[Frame]) -> list[Any]:
    return [json.loads(frame) for frame in frames]


# ── Vonage ────────────────────────────────────────────────────────────────────────────────────────────────


def test_vonage_flattens_its_headers() -> None:
    stream = VonageStream(24000, {"call": "c-1"}, authorization="Bearer x")
    told = {"event": "websocket:connected", "content-type": "audio/l16;rate=24000", "call": "c-1"}
    assert began(stream) == [told]
    assert stream.headers() == {"Authorization": "Bearer x"}
    assert stream.media(b"ab", False) == [b"ab"]
    nested = VonageStream(nested_dtmf=True).digit("5")
    assert texts(nested) == [{"event": "websocket:dtmf", "dtmf": {"digit": "5"}, "duration": 260}]
    with pytest.raises(ValueError, match="512"):
        VonageStream(fields={"call": "x" * 512})


def test_vonage_drops_what_is_over_3072_messages() -> None:
    stream = VonageStream()
    began(stream)
    for _ in range(BUFFER + 1):
        stream.take(FRAME, 0.0)
    assert codes(stream) == ["buffer-full"]
    stream.take(FRAME, 0.02)
    assert len(stream.faults) == 1


@pytest.mark.parametrize("tells", [False, True])
def test_vonage_clears_and_may_or_may_not_tell_notifications(tells: bool) -> None:
    stream = VonageStream(tells_cleared_notifications=tells)
    began(stream)
    stream.take(FRAME, 0.0)
    assert stream.take('{"action":"notify","payload":{"m":"1"}}', 0.0) == []
    told = [one["event"] for one in texts(stream.take('{"action":"clear"}', 0.01))]
    assert told == (["websocket:notify"] if tells else []) + ["websocket:cleared"]
    assert stream.tick(9.0) == []


# ── Plivo ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_plivo_tells_numbers_as_numbers_and_headers_as_one_text() -> None:
    stream = PlivoStream(MULAW, PlivoIds("MA", "c", "s"), {"token": "abc", "tenant": "7"})
    (start,) = began(stream)
    assert start["sequenceNumber"] == 1
    assert start["extra_headers"] == "token=abc;tenant=7"
    (media,) = texts(stream.media(bytes(160), False))
    assert media["media"]["chunk"] == 1
    assert media["media"]["timestamp"].isdecimal()
    for bad in ({"token": "a-b"}, {"to_ken": "a"}, {"token": "x" * 600}):
        with pytest.raises(ValueError, match="extraHeaders"):
            PlivoStream(parameters=bad)


def test_plivo_never_tells_what_was_not_played() -> None:
    stream = PlivoStream(MULAW, PlivoIds("MA", "c", "s"))
    began(stream)
    sound = {
        "contentType": "audio/x-mulaw",
        "sampleRate": "8000",
        "payload": b64encode(MULAW.tone(100)).decode(),
    }
    stream.take(json.dumps({"event": "playAudio", "media": sound}), 0.0)
    stream.take(json.dumps({"event": "checkpoint", "streamId": "s", "name": "m"}), 0.0)
    (cleared,) = texts(stream.take(json.dumps({"event": "clearAudio", "streamId": "s"}), 0.05))
    assert cleared["event"] == "clearedAudio"
    assert stream.tick(9.0) == []
    stream.take(json.dumps({"event": "sendDTMF", "dtmf": "12"}), 1.0)
    assert (stream.digits, stream.faults) == (["12"], [])


def test_plivo_hears_nothing_on_a_one_way_stream() -> None:
    stream = PlivoStream(bidirectional=False)
    began(stream)
    stream.take(json.dumps({"event": "sendDTMF", "dtmf": "1"}), 0.0)
    assert codes(stream) == ["one-way"]


# ── Azure ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_acs_tells_its_format_and_when_nobody_speaks() -> None:
    stream = AcsStream("pcm24KMono", connection="n", correlation="r", bearer="t")
    (metadata,) = began(stream)
    assert metadata["audioMetadata"]["sampleRate"] == 24000
    assert metadata["audioMetadata"]["length"] == 960
    first, second = texts([*stream.media(bytes(960), True), *stream.media(bytes(960), False)])
    assert (first["audioData"]["silent"], second["audioData"]["silent"]) == (True, False)
    assert first["audioData"]["timestamp"] < second["audioData"]["timestamp"]
    assert stream.headers()["Authorization"] == "Bearer t"
    assert AcsStream(dtmf=False).digit("5") == []


def test_acs_plays_nothing_unless_it_is_bidirectional() -> None:
    stream = AcsStream("pcm24KMono", bidirectional=False)
    began(stream)
    sound = {
        "Kind": "AudioData",
        "AudioData": {"Data": b64encode(L16_24K.tone(20)).decode()},
        "StopAudio": None,
    }
    stream.take(json.dumps(sound), 0.0)
    assert codes(stream) == ["one-way"]


# ── Exotel, SignalWire ────────────────────────────────────────────────────────────────────────────────────


def test_exotel_wants_large_chunks_and_takes_either_name() -> None:
    stream = ExotelStream(16000, sids=("s", "c", "a"), credentials=("key", "token"))
    began(stream)
    sound = {"payload": b64encode(bytes(3200)).decode()}
    for name in ({"stream_sid": "s"}, {"streamSid": "s"}, {"stream_sid": "s", "streamSid": "s"}):
        stream.take(json.dumps({"event": "media", **name, "media": sound}), 0.0)
    assert stream.faults == []
    stream.take(json.dumps({"event": "clear", "stream_sid": "s", "streamSid": "t"}), 0.0)
    huge = {"payload": b64encode(bytes(100_160)).decode()}
    stream.take(json.dumps({"event": "media", "stream_sid": "s", "media": huge}), 0.0)
    assert codes(stream) == ["invalid-message", "chunk"]
    assert stream.headers() == {"Authorization": "Basic a2V5OnRva2Vu"}
    assert split_credentials("wss://key:token@a.test:1/x?y=z") == ("wss://a.test:1/x?y=z", ("key", "token"))


def test_signalwire_is_twilio_with_differences() -> None:
    who = Identity("a", "c", "s")
    signing = ("0123456789abcdef0123456789abcdef", "wss://voice.example.test/twilio/media")
    stream = SignalWireStream(L16_16K, who, bearer="b", signing=signing)
    connected, start = began(stream)
    assert connected["version"] == "0.2.0"
    assert "streamSid" not in start
    assert start["start"]["mediaFormat"] == {"encoding": "audio/x-L16", "sampleRate": 16000, "channels": 1}
    assert texts(stream.digit("5"))[0]["dtmf"] == {"digit": "5", "duration": 160}
    assert stream.headers() == {"Authorization": "Bearer b", SIGNATURE: "jO+qLHLp+lz9/rbFAwoUaDtDsdc="}
    stream.take(json.dumps({"event": "dtmf", "streamSid": "s", "dtmf": {"digit": "7"}}), 0.0)
    assert stream.digits == ["7"]


# ── jambonz ───────────────────────────────────────────────────────────────────────────────────────────────


def clip(name: str, queue: bool = True, ms: int = 100) -> str:
    sound = b64encode(bytes(16 * ms)).decode()
    data = {
        "audioContentType": "raw",
        "sampleRate": 8000,
        "audioContent": sound,
        "id": name,
        "queuePlay": queue,
    }
    return json.dumps({"type": "playAudio", "data": data})


def test_jambonz_plays_clips_one_after_the_other_and_at_most_ten_wait() -> None:
    stream = JambonzStream(streaming=False)
    began(stream)
    for at in range(11):
        stream.take(clip(f"p{at}"), 0.0)
    assert codes(stream) == ["queue-full"]
    assert [one["data"]["id"] for one in texts(stream.tick(0.25))] == ["p0", "p1"]
    stream.take(clip("now", queue=False), 0.3)
    assert stream.playback.pending_s(0.3) == pytest.approx(0.1)
    stream.take(bytes(320), 0.3)
    assert codes(stream) == ["queue-full", "not-streaming"]


def test_jambonz_tells_marks_with_what_became_of_them() -> None:
    stream = JambonzStream()
    began(stream)
    mark = json.dumps({"type": "mark", "data": {"name": "m"}})
    assert [one["data"] for one in texts(stream.take(mark, 0.0))] == [{"name": "m", "event": "playout"}]
    for command, left in (("killAudio", 0.0), ("clearMarks", 0.02)):
        stream.take(bytes(320), 1.0)
        stream.take(mark, 1.0)
        told = texts(stream.take(json.dumps({"type": command}), 1.0))
        assert [one["data"]["event"] for one in told] == ["cleared"]
        assert stream.playback.pending_s(1.0) == pytest.approx(left)
    stream.take('{"type":"disconnect"}', 2.0)
    assert stream.done
    assert stream.faults == []


# ── AudioSocket, FreeSWITCH ───────────────────────────────────────────────────────────────────────────────


def test_audiosocket_speaks_in_packets() -> None:
    channel = uuid.UUID(int=1)
    stream = AudioSocketStream(16000, channel)
    assert stream.open(0.0) == []
    assert stream.begin(0.0) == [b"\x01\x00\x10" + channel.bytes]
    assert stream.media(bytes(640), True)[0][:3] == b"\x12\x02\x80"
    assert stream.digit("#") == [b"\x03\x00\x01#"]
    splitter = Splitter()
    whole = packet(0x12, bytes(640)) + packet(0x00)
    assert splitter.push(whole[:100]) == []
    assert splitter.waiting == 100
    assert [one[0] for one in splitter.push(whole[100:])] == [0x12, 0x00]


def test_audiosocket_ends_after_two_silent_seconds() -> None:
    stream = AudioSocketStream()
    stream.begin(0.0)
    stream.take(packet(0x10, bytes(320)), 1.0)
    assert stream.due == pytest.approx(3.0)
    stream.tick(2.9)
    assert not stream.done
    stream.tick(3.0)
    assert stream.done
    assert codes(stream) == ["idle"]
    polite = AudioSocketStream()
    polite.begin(0.0)
    polite.take(packet(0x00), 0.1)
    assert (polite.done, polite.faults) == (True, [])


def test_freeswitch_plays_only_what_its_build_can() -> None:
    community, newer = FreeSwitchStream(variant="community"), FreeSwitchStream(variant="1.0.3")
    for stream in (community, newer):
        stream.begin(0.0)
        stream.take(bytes(320), 0.0)
        sound = {"audioDataType": "raw", "sampleRate": 8000, "audioData": b64encode(bytes(320)).decode()}
        stream.take(json.dumps({"type": "streamAudio", "data": sound}), 0.0)
        stream.take('{"type":"killAudio"}', 0.0)
    assert (codes(community), community.files) == (["one-way", "invalid-message"], 1)
    assert (codes(newer), newer.playback.arrived_bytes) == (["invalid-message"], 640)
    newer.take(bytes(120_002), 0.0)
    assert (newer.done, newer.faults[-1].code) == (True, "1006")
    with pytest.raises(ValueError, match="multiple"):
        FreeSwitchStream(buffer_ms=30)
