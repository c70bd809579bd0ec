"""Twilio's stream: each rule catches who breaks it, and a good application breaks none."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any

import pytest
from aiohttp import web

from tests.carrier_peers.application import pace, sockets
from tests.carrier_peers.codecs import MULAW
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.sockets import Refused
from tests.carrier_peers.twilio_signing import signature
from tests.carrier_peers.twilio_stream import BUFFER_S, Identity, TwilioCall, TwilioStream

TOKEN = "0123456789abcdef0123456789abcdef"
URL = "wss://voice.example.test/twilio/media"
WHO = Identity("AC01", "CA01", "MZ01")
SID = {"streamSid": "MZ01"}
SECOND = b64encode(MULAW.tone(1000)).decode()

VOICE = {
    "CallSid": "CA00000000000000000000000000000001",
    "From": "+15550100001",
    "To": "+15550100002",
    "CallStatus": "ringing",
    "Direction": "inbound",
}


def media(payload: str = SECOND, **other: Any) -> str:
    return json.dumps({"event": "media", **SID, "media": {"payload": payload}, **other})


def mark(name: str) -> str:
    return json.dumps({"event": "mark", **SID, "mark": {"name": name}})


def clear() -> str:
    return json.dumps({"event": "clear", **SID})


def began() -> TwilioStream:
    stream = TwilioStream(WHO, {"token": "abc123"})
    stream.open(0.0)
    stream.begin(0.0)
    return stream


def names(frames: list[Frame]) -> list[str]:
    return [json.loads(frame)["mark"]["name"] for frame in frames]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("url", "form", "sha256", "expected"),
    [
        ("https://voice.example.test/twilio/voice?tenant=7", VOICE, False, "ZrrnClmofFZC0KToW7Xx8zCnPHY="),
        (
            "https://voice.example.test/twilio/voice?tenant=7",
            VOICE,
            True,
            "mYMI0Ng55WQhJ9L1XU7AsZ1Rv1k5JtHY4Z3whrAJFdM=",
        ),
        (URL, {}, False, "jO+qLHLp+lz9/rbFAwoUaDtDsdc="),
        (URL + "/", {}, False, "Vazs6/5LJcjSGck+tdYu+vCzHKs="),
        (
            "https://voice.example.test/twilio/json?bodySHA256="
            "2c0666189e06a136563bd761c2f72f38f9bac28ae28ac660caca87f3e6e3fa6f",
            {},
            False,
            "PLqfysQXIXrhNF/DEaKn9DCEgn0=",
        ),
    ],
)
def test_signatures_are_those_of_the_reference(
    url: str, form: dict[str, str], sha256: bool, expected: str
) -> None:
    assert signature(TOKEN, url, form, sha256) == expected


@pytest.mark.unit
def test_names_that_come_twice_are_signed_once_per_value() -> None:
    once = signature(TOKEN, URL, [("a", "1"), ("a", "2")])
    assert signature(TOKEN, URL, [("a", "2"), ("a", "1"), ("a", "1")]) == once


@pytest.mark.unit
def test_the_messages_are_those_of_the_reference() -> None:
    stream = TwilioStream(WHO, {"token": "abc123"})
    sent = [*stream.open(0.0), *stream.begin(0.1), *stream.media(bytes(160), silent=True)]
    sent += [*stream.digit("5"), *stream.marked("m1"), *stream.finish()]
    messages = [json.loads(frame) for frame in sent]
    assert messages[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert messages[1]["start"] == {
        "accountSid": "AC01",
        "streamSid": "MZ01",
        "callSid": "CA01",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": "abc123"},
    }
    assert messages[2]["media"] == {
        "track": "inbound",
        "chunk": "1",
        "timestamp": "20",
        "payload": b64encode(bytes(160)).decode(),
    }
    assert messages[3]["dtmf"] == {"track": "inbound_track", "digit": "5"}
    assert messages[4]["mark"] == {"name": "m1"}
    assert messages[5]["stop"] == {"accountSid": "AC01", "callSid": "CA01"}
    assert [one["sequenceNumber"] for one in messages[1:]] == ["1", "2", "3", "4", "5"]
    assert {one["streamSid"] for one in messages[1:]} == {"MZ01"}


BAD: dict[str, tuple[Frame, str]] = {
    "binary": (b"\xff" * 160, "31950"),
    "no JSON": ("hello", "31951"),
    "no object": ("[]", "31951"),
    "unknown event": (json.dumps({"event": "stop", **SID}), "31951"),
    "no event": (json.dumps(SID), "31951"),
    "extra field": (media(extra=1), "31951"),
    "extra field inside": (
        json.dumps({"event": "media", **SID, "media": {"payload": SECOND, "track": "outbound"}}),
        "31951",
    ),
    "no streamSid": (json.dumps({"event": "clear"}), "31951"),
    "wrong streamSid": (json.dumps({"event": "clear", "streamSid": "MZ02"}), "31951"),
    "snake case": (json.dumps({"event": "clear", "stream_sid": "MZ01"}), "31951"),
    "no payload": (json.dumps({"event": "media", **SID, "media": {}}), "31951"),
    "no base64": (media("~~~~"), "31951"),
    "unpadded base64": (media("/w"), "31951"),
    "a number for a name": (json.dumps({"event": "mark", **SID, "mark": {"name": 1}}), "31951"),
    "a WAV header": (media(b64encode(b"RIFF0000WAVE").decode()), "riff"),
}


@pytest.mark.unit
@pytest.mark.parametrize("offence", BAD)
def test_each_rule_catches_its_offender(offence: str) -> None:
    frame, code = BAD[offence]
    stream = began()
    assert stream.take(frame, 1.0) == []
    (fault,) = stream.faults
    assert fault.code == code
    assert code in str(fault)
    assert stream.playback.arrived_bytes == 0


@pytest.mark.unit
def test_nothing_may_come_before_the_start() -> None:
    stream = TwilioStream(WHO)
    stream.open(0.0)
    stream.take(media(), 0.0)
    assert [fault.code for fault in stream.faults] == ["31951"]


@pytest.mark.unit
def test_a_one_way_stream_takes_nothing() -> None:
    stream = TwilioStream(WHO, bidirectional=False)
    stream.begin(0.0)
    stream.take(media(), 0.0)
    assert [fault.code for fault in stream.faults] == ["31924"]


@pytest.mark.unit
def test_more_than_ten_minutes_are_thrown_away() -> None:
    stream = began()
    for _ in range(int(BUFFER_S) + 1):
        stream.take(media(), 0.0)
    assert [fault.code for fault in stream.faults] == ["31931"]
    assert stream.playback.pending_s(0.0) == BUFFER_S
    stream.take(media(), 1.0)
    assert len(stream.faults) == 1


@pytest.mark.unit
def test_marks_come_when_played_and_at_once_when_cleared() -> None:
    stream = began()
    assert names(stream.take(mark("empty"), 0.0)) == ["empty"]
    for name in ("a", "b"):
        stream.take(media(), 0.0)
        stream.take(mark(name), 0.0)
    assert stream.due == pytest.approx(1.0)
    assert names(stream.tick(1.0)) == ["a"]
    stream.take(media(), 1.0)
    stream.take(mark("c"), 1.0)
    assert names(stream.take(clear(), 1.5)) == ["b", "c"]
    assert stream.take(clear(), 1.6) == []
    assert stream.faults == []


@pytest.mark.unit
def test_what_crosses_the_stop_is_nobodys_fault() -> None:
    stream = began()
    stream.finish()
    assert stream.take("garbage", 1.0) == []
    assert stream.faults == []


# ── on real sockets ───────────────────────────────────────────────────────────────────────────────────────


async def good(socket: web.WebSocketResponse) -> None:
    """Greets with a second of tone, paced, and asks when it is played; a key clears it."""

    async def greet(sid: str) -> None:
        async def send(frame: bytes) -> None:
            message = {"event": "media", "streamSid": sid, "media": {"payload": b64encode(frame).decode()}}
            await socket.send_str(json.dumps(message))

        await pace(send, MULAW.tone(1000), 160)
        await socket.send_str(named("greeted", sid))

    async with asyncio.TaskGroup() as group:
        async for received in socket:
            message = json.loads(received.data)
            if message["event"] == "start":
                group.create_task(greet(message["streamSid"]))
            if message["event"] == "dtmf":
                await socket.send_str(json.dumps({"event": "clear", "streamSid": message["streamSid"]}))
            if message["event"] == "mark" and message["mark"]["name"] == "greeted":
                await socket.send_str(named("again", message["streamSid"]))


def named(name: str, sid: str) -> str:
    return json.dumps({"event": "mark", "streamSid": sid, "mark": {"name": name}})


@pytest.mark.integration
async def test_a_good_application_has_no_faults() -> None:
    requests: list[web.BaseRequest] = []
    async with (
        sockets(good, requests) as base,
        TwilioCall.dial(URL, secret=TOKEN, via=base, parameters={"token": "t"}) as call,
    ):
        await call.say("common_yes")
        echoed = await call.received.until("mark", 2)
        await call.quiet(100)
        assert call.faults == []
        assert call.underruns == 0
        assert 100 < call.lead_ms_max < 300
        assert call.heard.played_ms == pytest.approx(1000)
        assert call.ms(echoed.at) > 1000
    assert call.ended is not None
    assert call.ended.by == "carrier"
    assert requests[0].headers["X-Twilio-Signature"] == "jO+qLHLp+lz9/rbFAwoUaDtDsdc="
    assert requests[0].headers["Host"] == "voice.example.test"
    kinds = call.sent.kinds
    assert kinds[:2] == ["connected", "start"]
    assert kinds[-1] == "stop"
    late_ms = [call.ms(one.at) - 20 * nth for nth, one in enumerate(call.sent.of("media"), 1)]
    assert max(map(abs, late_ms)) < 200


@pytest.mark.integration
async def test_clear_stops_what_the_caller_hears() -> None:
    async with sockets(good) as base, TwilioCall.dial(URL, secret=TOKEN, via=base) as call:
        await call.played(300)
        await call.press("5")
        await call.received.until("clear")
        await call.quiet(50)
        assert call.carrier.playback.cleared_s > 0.02


@pytest.mark.integration
async def test_a_refused_socket_says_so() -> None:
    async with sockets(good, status=403) as base:
        with pytest.raises(Refused) as refused:
            async with TwilioCall.dial(URL, secret="wrong", via=base):
                pass
    assert refused.value.status == 403
