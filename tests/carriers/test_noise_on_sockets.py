"""Whatever comes over the sockets of these carriers, their streams raise StreamFault or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.carriers import (
    acs,
    asterisk_audiosocket,
    asterisk_websocket,
    freeswitch,
    genesys,
    jambonz,
    vonage,
)
from gateway.wire import Audio, Message, Started, Stopped, Stream, StreamFault

pytestmark = pytest.mark.unit

UUID = "22222222-2222-2222-2222-222222222222"
AUDIOHOOK = {"version": "2", "id": UUID, "serverseq": 0, "position": "PT0S"}
OPEN = {
    **AUDIOHOOK,
    "type": "open",
    "seq": 1,
    "parameters": {
        "conversationId": "c",
        "media": [{"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}],
    },
}
METADATA = {
    "kind": "AudioMetadata",
    "audioMetadata": {"encoding": "PCM", "sampleRate": 16000, "channels": 1},
}
MEDIA_START = "MEDIA_START connection_id:c channel_id:1 format:ulaw optimal_frame_size:160 ptime:20"

STREAMS: dict[str, tuple[Callable[[], Stream], Message]] = {
    "acs": (acs.Stream, json.dumps(METADATA)),
    "asterisk_audiosocket": (asterisk_audiosocket.Stream, b"\1\0\x10" + bytes(16)),
    "asterisk_websocket": (asterisk_websocket.Stream, MEDIA_START),
    "freeswitch": (freeswitch.Stream, '{"call":"c"}'),
    "genesys": (genesys.Stream, json.dumps(OPEN)),
    "jambonz": (jambonz.Stream, '{"sampleRate":8000,"callSid":"c"}'),
    "vonage": (vonage.Stream, '{"event":"websocket:connected","content-type":"audio/l16;rate=8000"}'),
}

SAID = """
    websocket:connected websocket:dtmf websocket:cleared websocket:notify dtmf mark playout cleared
    AudioMetadata AudioData DtmfData open close ping error discarded resumed update playback_started
    playback_completed MEDIA_START MEDIA_XOFF MEDIA_XON MEDIA_MARK_PROCESSED DTMF_END ERROR
    audio/l16;rate=16000 PT1.5S ulaw 5 2 QUJD 2026-01-01T00:00:00Z
"""
NAMED = """
    event type kind data payload mark digit dtmf name content-type silent timestamp audioMetadata
    audioData dtmfData participantRawID sampleRate channels encoding code version id seq serverseq
    parameters media start discarded retryAfter reason format optimal_frame_size channel_variables
    correlation_id error_text participant mixType
"""
WORDS, NAMES = SAID.split(), NAMED.split()
scalars = st.one_of(
    st.sampled_from(WORDS),
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=8)
pairs = st.sampled_from([*WORDS, "digit:5", "x:", ":", "error_text:"])
in_words = st.lists(pairs, max_size=8).map(" ".join)
messages: st.SearchStrategy[Message] = st.one_of(
    objects.map(json.dumps),
    objects.map(lambda one: json.dumps({**AUDIOHOOK, "seq": 2, **one})),
    in_words,
    st.text(max_size=40),
    st.binary(max_size=700),
)


def check(stream: Stream, message: Message) -> None:
    events, answers = stream.receive(message)
    assert all(isinstance(answer, str | bytes) for answer in answers)
    for event in events:
        if isinstance(event, Audio):
            assert event.data


@pytest.mark.parametrize("name", STREAMS)
@given(st.booleans(), st.lists(messages, max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_noise(name: str, begun: bool, noise: list[Message]) -> None:
    make, first = STREAMS[name]
    stream = make()
    if begun:
        events, _ = stream.receive(first)
        assert isinstance(events[0], Started)
    for message in noise:
        with suppress(StreamFault):
            check(stream, message)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize(
    "message",
    [
        "\ud800",
        "\0",
        "[" * 100_000,
        '{"a":' * 20_000,
        '{"event":"\\ud800"}',
        '{"n":1e999}',
        "9" * 5000,
        b"\xff" * 100,
    ],
    ids=range(8),
)
def test_nasty_messages(name: str, message: Message) -> None:
    make, first = STREAMS[name]
    for begun in (False, True):
        stream = make()
        if begun:
            stream.receive(first)
        with suppress(StreamFault):
            check(stream, message)


@pytest.mark.parametrize("name", STREAMS)
def test_before_and_after_the_start(name: str) -> None:
    make, first = STREAMS[name]
    stream = make()
    with pytest.raises(RuntimeError, match="before the stream began"):
        stream.play(b"\1\0" * 160)
    assert stream.mark("m") == stream.send_digits("1") == []
    started = stream.receive(first)[0][0]
    assert isinstance(started, Started)
    assert stream.play(b"") == []
    frame = bytes(started.plays.bytes_per_ms * started.pacing.frame_ms)
    assert len(stream.play(frame)) == 1


KINDS = st.sampled_from(["ping", "dtmf", "playback_started", "playback_completed", "error", "update"])


@given(st.lists(st.tuples(KINDS, values), max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_genesys_counts_through_anything(said: list[tuple[str, Any]]) -> None:
    stream = genesys.Stream()
    heard = [json.loads(str(one)) for one in stream.receive(json.dumps(OPEN))[1]]
    for n, (kind, parameters) in enumerate(said, start=2):
        message = {**AUDIOHOOK, "type": kind, "seq": n, "parameters": parameters}
        heard += [json.loads(str(one)) for one in stream.receive(json.dumps(message))[1]]
        heard += [json.loads(str(one)) for one in stream.clear()]
    assert [one["seq"] for one in heard] == list(range(1, len(heard) + 1))
    last = {**AUDIOHOOK, "type": "close", "seq": len(said) + 2, "parameters": {"reason": "end"}}
    assert stream.receive(json.dumps(last))[0][-1] == Stopped("end")
