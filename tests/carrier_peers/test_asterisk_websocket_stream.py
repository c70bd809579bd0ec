"""chan_websocket: commands, buffering, and a queue that tells when it is full."""

from __future__ import annotations

import json

import pytest

from tests.carrier_peers.asterisk_websocket_stream import XOFF, AsteriskWebSocketStream
from tests.carrier_peers.codecs import MULAW

pytestmark = pytest.mark.unit

FRAME = MULAW.tone(20)


def began(**options: object) -> AsteriskWebSocketStream:
    stream = AsteriskWebSocketStream(**options)  # type: ignore[arg-type]  # the options are the test's own
    stream.open(0.0)
    stream.begin(0.0)
    return stream


def codes(stream: AsteriskWebSocketStream) -> list[str]:
    return [fault.code for fault in stream.faults]


def test_it_starts_in_either_way_of_writing() -> None:
    plain, written = (
        AsteriskWebSocketStream(),
        AsteriskWebSocketStream("slin16", "json", variables={"T": "x"}),
    )
    (start,) = plain.begin(0.0)
    assert isinstance(start, str)
    assert start.startswith("MEDIA_START connection_id:")
    assert "format:ulaw optimal_frame_size:160 ptime:20" in start
    (start,) = written.begin(0.0)
    message = json.loads(start)
    assert (message["event"], message["optimal_frame_size"]) == ("MEDIA_START", 640)
    assert message["channel_variables"] == {"T": "x"}
    assert plain.digit("5") == ["DTMF_END digit:5"]
    assert json.loads(written.digit("5")[0])["digit"] == "5"
    assert plain.subprotocols() == ("media",)


def test_json_commands_work_and_plain_ones_do_not() -> None:
    stream = began(control="json")
    stream.take(FRAME, 0.0)
    assert stream.take('{"command":"MARK_MEDIA","correlation_id":"m1"}', 0.0) == []
    (told,) = stream.tick(0.02)
    assert json.loads(told)["event"] == "MEDIA_MARK_PROCESSED"
    assert json.loads(told)["correlation_id"] == "m1"
    stream.take("FLUSH_MEDIA", 0.0)
    assert codes(stream) == ["unknown-command"]


def test_nothing_is_heard_until_the_application_answers() -> None:
    stream = began(answered=False)
    assert stream.media(FRAME, False) == []
    stream.take("ANSWER", 0.0)
    assert stream.media(FRAME, False) == [FRAME]
    stream.take("HANGUP", 0.0)
    assert stream.done


def test_buffering_takes_any_size_and_fills_the_last_frame_up() -> None:
    stream = began()
    stream.take("START_MEDIA_BUFFERING", 0.0)
    for _ in range(3):
        stream.take(FRAME[:100], 0.0)
    assert stream.take("STOP_MEDIA_BUFFERING b1", 0.0) == []
    assert stream.playback.pending_s(0.0) == pytest.approx(0.04)
    assert stream.tick(0.04) == ["MEDIA_BUFFERING_COMPLETED b1"]
    stream.take(FRAME[:100] + FRAME, 0.1)
    assert codes(stream) == ["remainder"]
    assert stream.playback.pending_s(0.1) == pytest.approx(0.02)


def test_xoff_and_xon_and_what_is_dropped_in_silence() -> None:
    stream = began()
    told = [answer for _ in range(XOFF) for answer in stream.take(FRAME, 0.0)]
    assert told == ["MEDIA_XOFF"]
    for _ in range(101):
        stream.take(FRAME, 0.0)
    assert codes(stream) == ["queue-full"]
    due = stream.due
    assert due is not None
    assert due == pytest.approx((1000 - 799.5) * 0.02)
    assert stream.tick(due) == ["MEDIA_XON"]
    assert stream.tick(9.0) == []


def test_the_queue_can_be_flushed_held_and_asked_about() -> None:
    stream = began()
    stream.take(FRAME * 10, 0.0)
    stream.take("MARK_MEDIA m", 0.0)
    stream.take("PAUSE_MEDIA", 0.05)
    (status,) = stream.take("GET_STATUS", 5.0)
    assert isinstance(status, str)
    assert "queue_length:8" in status
    assert "media_paused:True" in status
    stream.take("CONTINUE_MEDIA", 5.0)
    assert stream.tick(5.2) == ["MEDIA_MARK_PROCESSED m"]
    stream.take(FRAME * 10, 6.0)
    stream.take("REPORT_QUEUE_DRAINED", 6.0)
    assert stream.tick(6.2) == ["QUEUE_DRAINED"]
    stream.take(FRAME * 10, 7.0)
    stream.take("MARK_MEDIA n", 7.0)
    assert stream.take("FLUSH_MEDIA", 7.1) == []
    assert stream.tick(9.0) == []
    for command in ("SET_MEDIA_DIRECTION both", "SET_MEDIA_DIRECTION sideways"):
        stream.take(command, 9.0)
    assert codes(stream) == ["unknown-command"]
