"""What the carriers that put audio into JSON text have in common: Twilio, SignalWire, Telnyx, Plivo, Exotel."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.carriers.dialects.media import LONGEST
from gateway.wire import Audio, Digit, Played, Started, Stopped, Stream, StreamFault
from tests.carriers.wire import WIRES, Wire, heard, said

pytestmark = pytest.mark.unit

every = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)


def frame(number: int) -> bytes:
    """Twenty milliseconds of µ-law, or ten of PCM16, unlike any other."""
    return number.to_bytes(4, "big") * 40


def audios(stream: Stream, messages: list[dict[str, Any]]) -> list[Audio]:
    return [event for one in messages for event in heard(stream, one) if isinstance(event, Audio)]


@every
def test_the_start_tells_who_calls_and_hands_back_the_token(wire: Wire) -> None:
    stream = wire.stream()
    assert heard(stream, {"event": "connected", "protocol": "Call", "version": "1.0.0"}) == []
    (started,) = heard(stream, wire.start())
    assert isinstance(started, Started)
    assert started.stream_id
    assert started.call_id
    assert started.parameters["token"] == "abc123"
    assert started.caller
    assert started.called


@every
def test_audio_comes_out_as_it_went_in(wire: Wire) -> None:
    stream = wire.started()
    frames = [wire.media(chunk, (chunk - 1) * 20, frame(chunk)) for chunk in range(1, 6)]
    assert audios(stream, frames) == [Audio(frame(chunk), (chunk - 1) * 20) for chunk in range(1, 6)]


@every
def test_a_gap_is_a_gap_in_time(wire: Wire) -> None:
    stream = wire.started()
    spoken = [wire.media(1, 0, frame(1)), *(wire.media(n, n * 20 + 400, frame(n)) for n in range(9, 12))]
    assert [audio.at_ms for audio in audios(stream, [*spoken, wire.stop])] == [0, 580, 600, 620]


@every
def test_what_is_played_ourselves_is_not_the_caller(wire: Wire) -> None:
    stream = wire.started()
    message = wire.media(1, 0, frame(1))
    if "track" in message["media"]:
        message["media"]["track"] = "outbound"
        assert heard(stream, message) == []


@every
def test_numbers_come_as_numbers_or_as_text(wire: Wire) -> None:
    stream = wire.started()
    one, two = wire.media(1, 0, frame(1)), wire.media(2, 20, frame(2))
    for name in ("chunk", "timestamp"):
        one["media"][name] = int(one["media"][name])
        two["media"][name] = str(two["media"][name])
    assert audios(stream, [one, two]) == [Audio(frame(1), 0), Audio(frame(2), 20)]


@every
def test_without_numbers_order_is_as_it_comes(wire: Wire) -> None:
    stream = wire.started()
    messages = [wire.media(chunk, 0, frame(chunk)) for chunk in (1, 2, 2)]
    for message in messages:
        del message["media"]["chunk"], message["media"]["timestamp"]
    assert audios(stream, messages) == [Audio(frame(1)), Audio(frame(2)), Audio(frame(2))]
    # Where only times are told, they tell what was there before.
    stream = wire.started()
    timed = [wire.media(0, at, frame(at)) for at in (0, 20, 20, 0, 40)]
    for message in timed:
        del message["media"]["chunk"]
    assert [audio.at_ms for audio in audios(stream, timed)] == [0, 20, 40]


@every
def test_an_empty_frame_is_nothing(wire: Wire) -> None:
    assert heard(wire.started(), wire.media(1, 0, b"")) == []


@every
def test_keys(wire: Wire) -> None:
    stream = wire.started()
    pressed = [event for key in "0123456789*#ABCDa" for event in heard(stream, wire.dtmf(key))]
    assert pressed == [Digit(key) for key in "0123456789*#ABCDA"]
    assert heard(stream, wire.dtmf(5)) == [Digit("5")]
    for nothing in ("", "w", "12"):
        assert heard(stream, wire.dtmf(nothing)) == []
    for wrong in (None, True, 12, ["5"]):
        with pytest.raises(StreamFault):
            heard(wire.started(), wire.dtmf(wrong))


@every
def test_a_key_that_is_told_twice_was_pressed_once(wire: Wire) -> None:
    stream = wire.started()
    message = wire.dtmf("7")
    message["sequence_number" if "stream_" in wire.binds else "sequenceNumber"] = 9
    assert heard(stream, message) == [Digit("7")]
    assert heard(stream, message) == []


@every
def test_a_mark_is_played_once_and_only_if_it_was_ours(wire: Wire) -> None:
    stream = wire.started()
    assert heard(stream, wire.mark("m1")) == []
    assert len(stream.mark("m1")) == 1
    assert heard(stream, wire.mark("m1")) == [Played("m1")]
    assert heard(stream, wire.mark("m1")) == []


@every
def test_the_stop_is_told_once_and_is_the_last(wire: Wire) -> None:
    stream = wire.started()
    (stopped,) = heard(stream, wire.stop)
    assert isinstance(stopped, Stopped)
    assert heard(stream, wire.stop) == []
    assert heard(stream, wire.media(1, 0, frame(1))) == []
    assert heard(stream, wire.dtmf("1")) == []


@every
def test_unknown_kinds_are_nothing(wire: Wire) -> None:
    stream = wire.started()
    for unknown in ({}, {"event": "surprise", "more": [1]}, {"event": None}, {"type": "ping"}):
        assert heard(stream, unknown) == []


@every
@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff\x00",
        b'{"event":"connected"}',
        "",
        "{",
        "[]",
        "null",
        "7",
        '"start"',
        '{"event":7}',
        "\ud800",
        "[" * 2000,
    ],
    ids=ascii,
)
def test_what_is_no_message_is_a_fault(wire: Wire, garbage: str | bytes) -> None:
    for stream in (wire.stream(), wire.started()):
        with pytest.raises(StreamFault):
            stream.receive(garbage)


@every
def test_a_fault_quotes_nothing(wire: Wire) -> None:
    stream = wire.started()
    for message in (
        said(wire.dtmf({"secret": 1})),
        '{"secret',
        said(wire.media(1, 0, b"") | {"media": "secret"}),
    ):
        with pytest.raises(StreamFault) as caught:
            stream.receive(message)
        assert "secret" not in str(caught.value)
        assert " " in str(caught.value)


@every
def test_a_message_that_is_too_long_is_a_fault(wire: Wire) -> None:
    with pytest.raises(StreamFault, match="longer"):
        wire.started().receive(said({"event": "surprise", "x": "x" * LONGEST}))


@every
@pytest.mark.parametrize(
    "wrong",
    [
        {"payload": None},
        {"payload": 7},
        {"payload": "%"},
        {"payload": "abc"},
        {"payload": "ab=c"},
        {"payload": "\u00e4aaa"},
        {"chunk": "x"},
        {"chunk": "-1"},
        {"chunk": -1},
        {"chunk": 1.5},
        {"chunk": True},
        {"chunk": "1" * 16},
        {"chunk": 10**15},
        {"chunk": "\u0661"},
        {"timestamp": ""},
        {"timestamp": [20]},
    ],
    ids=str,
)
def test_media_that_is_not_as_documented_is_a_fault(wire: Wire, wrong: dict[str, Any]) -> None:
    message = wire.media(1, 0, frame(1))
    message["media"] |= wrong
    with pytest.raises(StreamFault):
        heard(wire.started(), message)
    with pytest.raises(StreamFault):
        heard(wire.started(), message | {"media": None})


@every
def test_messages_of_another_stream_are_a_fault(wire: Wire) -> None:
    for message in (wire.media(1, 0, frame(1)), wire.dtmf("1"), wire.mark("m"), wire.stop):
        with pytest.raises(StreamFault, match="another stream"):
            heard(wire.started(), message | {wire.binds: "other"})
        with pytest.raises(StreamFault):
            heard(wire.started(), message | {wire.binds: 7})


@every
def test_a_start_that_comes_again_says_nothing_new(wire: Wire) -> None:
    stream = wire.started()
    assert heard(stream, wire.start()) == []
    other = said(wire.start()).replace("MZ01", "MZ02").replace('"s1"', '"s2"')
    with pytest.raises(StreamFault, match="another stream"):
        stream.receive(other)


@every
@pytest.mark.parametrize("wrong", [None, [], "x", {}], ids=str)
def test_a_start_without_what_it_must_tell_is_a_fault(wire: Wire, wrong: object) -> None:
    with pytest.raises(StreamFault):
        heard(wire.stream(), wire.start() | {"start": wrong})
    name = "mediaFormat" if "mediaFormat" in wire.start()["start"] else "media_format"
    with pytest.raises(StreamFault):
        heard(wire.stream(), wire.start(**{name: wrong}))


@every
def test_nothing_is_sent_before_the_start(wire: Wire) -> None:
    stream = wire.stream()
    assert stream.mark("m") == stream.clear() == stream.send_digits("1") == stream.hang_up() == []
    with pytest.raises(RuntimeError):
        stream.play(frame(1))


@every
def test_a_key_before_the_start_is_a_fault(wire: Wire) -> None:
    for message in (wire.dtmf("1"), wire.mark("m") | {wire.binds: "s1"}):
        with pytest.raises(StreamFault, match="before start"):
            heard(wire.stream(), message)


@every
@given(data=st.data())
def test_any_order_keeps_time_and_says_nothing_twice(wire: Wire, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    picks = data.draw(st.lists(st.integers(1, count), max_size=30))
    gaps = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    times = [20 * sum(gap + 1 for gap in gaps[: number + 1]) for number in range(count)]
    stream = wire.started()
    messages = [wire.media(pick, times[pick - 1], frame(pick)) for pick in picks]
    if data.draw(st.booleans()):
        messages.append(wire.stop)
    told = audios(stream, messages)
    at = [audio.at_ms for audio in told]
    assert None not in at
    assert at == sorted(at, key=lambda one: one or 0)
    assert len({audio.data for audio in told}) == len(told)


@every
@given(text=st.text(max_size=60) | st.binary(max_size=60))
def test_noise_is_a_fault_and_nothing_else(wire: Wire, text: str | bytes) -> None:
    for stream in (wire.stream(), wire.started()):
        try:
            stream.receive(text)
        except StreamFault:
            continue


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@every
@given(data=st.data())
def test_messages_of_the_wrong_shape_are_faults_and_nothing_else(wire: Wire, data: st.DataObject) -> None:
    """Valid messages with some of their values replaced: plain noise never gets past the first check."""
    stream = wire.stream() if data.draw(st.integers(0, 3)) == 0 else wire.started()
    whole = [
        wire.start(),
        wire.media(1, 0, frame(1)),
        wire.dtmf("1"),
        wire.mark("m"),
        wire.stop,
        {"event": "error"},
    ]
    at, told = 0, set()
    for _ in range(data.draw(st.integers(1, 5))):
        message = data.draw(st.sampled_from(whole))
        mended = changed(message, data)
        try:
            events, answers = stream.receive(said(mended))
        except StreamFault:
            continue
        assert answers == []
        for event in events:
            if isinstance(event, Audio) and event.at_ms is not None:
                assert event.at_ms >= at
                at = event.at_ms
            told.add(type(event))
    for sent in (stream.mark("m"), stream.clear(), stream.send_digits("1")):
        assert all(isinstance(one, str) for one in sent)


def changed(message: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in message.items():
        fate = data.draw(st.integers(0, 9))
        if fate == 0:
            continue
        if fate == 1:
            result[name] = data.draw(values)
        elif isinstance(value, dict):
            result[name] = changed(value, data)
        else:
            result[name] = value
    return result
