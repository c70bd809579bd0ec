"""Telnyx's stream: each rule catches who breaks it, and a good application breaks none."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from aiohttp import web

from tests.carrier_peers.application import pace, sockets
from tests.carrier_peers.codecs import ALAW, L16_16K, MULAW
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.manners import Manners
from tests.carrier_peers.telnyx_stream import TOKEN_HEADER, CallIds, TelnyxCall, TelnyxStream

IDS = CallIds(control="v3:x", session="cs", stream="s1", user="u")
TONE = MULAW.tone(1000)


def media(audio: bytes = TONE, **other: Any) -> str:
    return json.dumps({"event": "media", "media": {"payload": b64encode(audio).decode()}, **other})


def mark(name: str) -> str:
    return json.dumps({"event": "mark", "mark": {"name": name}})


CLEAR = json.dumps({"event": "clear"})


def began(**options: Any) -> TelnyxStream:
    stream = TelnyxStream(ids=IDS, **options)
    stream.open(0.0)
    stream.begin(0.0)
    return stream


@pytest.mark.unit
def test_the_messages_are_those_of_the_reference() -> None:
    stream = TelnyxStream(
        ids=IDS, parameters={"token": "abc"}, token="secret", client_state="eyJ9", says=ALAW
    )
    sent = [*stream.open(0.0), *stream.begin(0.0), *stream.media(bytes(160), False), *stream.digit("1")]
    messages = [json.loads(frame) for frame in [*sent, *stream.marked("m1"), *stream.finish()]]
    assert messages[0] == {"event": "connected", "version": "1.0.0", "connected": {TOKEN_HEADER: "secret"}}
    assert messages[1]["stream_id"] == "s1"
    assert messages[1]["start"] == {
        "user_id": "u",
        "call_control_id": "v3:x",
        "call_session_id": "cs",
        "from": "+15550100001",
        "to": "+15550100002",
        "tags": [],
        "client_state": "eyJ9",
        "custom_parameters": {"token": "abc"},
        "media_format": {"encoding": "PCMA", "sample_rate": 8000, "channels": 1},
    }
    assert messages[2]["media"]["chunk"] == "1"
    assert messages[2]["media"]["timestamp"] == "0"
    assert messages[3]["dtmf"] == {"digit": "1"}
    assert messages[4]["mark"] == {"name": "m1"}
    assert messages[5]["stop"] == {"user_id": "u", "call_control_id": "v3:x"}
    assert [one["sequence_number"] for one in messages[1:]] == ["1", "2", "3", "4", "5"]


BAD: dict[str, tuple[Frame, int]] = {
    "binary": (TONE, 100003),
    "no JSON": ("hello", 100003),
    "unknown event": ('{"event":"stop"}', 100003),
    "extra field": (media(extra=1), 100003),
    "Twilio's field": (media(streamSid="s1"), 100003),
    "wrong stream": (media(stream_id="s2"), 100003),
    "no base64": ('{"event":"media","media":{"payload":"~"}}', 100003),
    "less than 20 ms": (media(TONE[:159]), 100004),
    "more than 30 s": (media(TONE * 31), 100004),
    "a WAV header": (media(b"RIFF" + TONE), 100004),
}


@pytest.mark.unit
@pytest.mark.parametrize("offence", BAD)
def test_each_rule_catches_its_offender(offence: str) -> None:
    frame, code = BAD[offence]
    stream = began()
    (told,) = stream.take(frame, 1.0)
    assert json.loads(told)["payload"]["code"] == code
    assert [fault.code for fault in stream.faults] == [str(code)]
    assert stream.playback.arrived_bytes == 0


@pytest.mark.unit
def test_sound_needs_the_right_mode_and_whole_samples() -> None:
    wrong = began(mode="mp3")
    wrong.take(media(), 0.0)
    wide = began(hears=L16_16K)
    wide.take(media(L16_16K.tone(40)[:-1]), 0.0)
    wide.take(media(L16_16K.tone(40)), 0.0)
    early = TelnyxStream(ids=IDS)
    early.take(media(), 0.0)
    assert [one.faults[0].code for one in (wrong, wide, early)] == ["100004", "100004", "100002"]
    assert wide.playback.pending_s(0.0) == pytest.approx(0.04)


@pytest.mark.unit
def test_a_stream_id_is_not_needed_and_not_wrong() -> None:
    stream = began()
    stream.take(media(), 0.0)
    stream.take(media(stream_id="s1"), 0.0)
    assert stream.faults == []


@pytest.mark.unit
def test_marks_come_when_played_and_at_once_when_cleared() -> None:
    stream = began()
    stream.take(media(), 0.0)
    assert stream.take(mark("a"), 0.0) == []
    assert [json.loads(one)["mark"]["name"] for one in stream.tick(1.0)] == ["a"]
    stream.take(media(), 1.0)
    stream.take(mark("b"), 1.0)
    assert [json.loads(one)["mark"]["name"] for one in stream.take(CLEAR, 1.2)] == ["b"]


@pytest.mark.integration
async def test_a_good_application_has_no_faults() -> None:
    async def good(socket: web.WebSocketResponse) -> None:
        async def send(frame: bytes) -> None:
            await socket.send_str(media(frame))

        async for received in socket:
            if json.loads(received.data)["event"] == "start":
                await pace(send, TONE, 160)
                await socket.send_str(mark("m"))

    requests: list[web.BaseRequest] = []
    async with (
        sockets(good, requests) as base,
        TelnyxCall.dial("wss://voice.example.test/s", token="t", via=base) as call,
    ):
        await call.received.until("mark")
        await call.sent.until("mark")
        assert (call.faults, call.underruns) == ([], 0)
        assert call.lead_ms_max < 300
    assert requests[0].headers[TOKEN_HEADER] == "t"
    assert call.sent.kinds[-1] == "stop"


@pytest.mark.integration
async def test_a_socket_may_open_while_the_phone_rings_and_never_start() -> None:
    async def listening(socket: web.WebSocketResponse) -> None:
        async for _ in socket:
            pass

    ringing = Manners(start_after_s=60, stops=False)
    async with (
        sockets(listening) as base,
        TelnyxCall.dial("wss://voice.example.test/s", via=base, manners=ringing) as call,
    ):
        await call.sent.until("connected")
        await call.hang_up()
    assert call.sent.kinds == ["connected"]
