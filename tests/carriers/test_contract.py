"""What every carrier's stream keeps of its port (gateway/wire.py). A carrier is found by its file; nothing is added
here."""

from __future__ import annotations

import base64
import inspect
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import (
    Audio,
    Codec,
    Digit,
    Message,
    Played,
    Started,
    Stopped,
    Stream,
    StreamEvent,
    StreamFault,
)
from tests.carriers.shelf import CARRIERS, SITUATIONS, Line, module, opened, wire

pytestmark = pytest.mark.contract

each = pytest.mark.parametrize("carrier", CARRIERS)
written = pytest.mark.parametrize("carrier", [one for one in CARRIERS if wire(one, "start")])
"""Those of which wires were written down, by somebody who never saw the stream."""

OPTIONAL = {"startPaused"}
"""Fields that the documents leave to us."""
FRAMING = 3
"""Bytes before the audio, where a carrier has no WebSocket to frame it."""
KEYS = frozenset("0123456789*#ABCD")
GARBAGE: list[Message] = [
    "",
    "{",
    "[]",
    "null",
    "7",
    "\ud800",
    "x" * 200_000,
    "[" * 5000,
    b"",
    b"\0",
    b"\xff" * 7,
    b"x" * 200_000,
]


def begun(carrier: str) -> tuple[Stream, Started]:
    stream = opened(carrier)
    events = [
        event for line in wire(carrier, "start") if line.inward for event in stream.receive(line.message)[0]
    ]
    (started,) = (event for event in events if isinstance(event, Started))
    return stream, started


def replay(stream: Stream, lines: list[Line]) -> list[StreamEvent]:
    """What is heard when a wire is played back. What it holds of ours, the stream has to have answered by itself, or is
    asked for: it has to be the same."""
    heard: list[StreamEvent] = []
    answered: list[Any] = []
    for line in lines:
        if line.inward:
            events, answers = stream.receive(line.message)
            heard += events
            answered += map(plain, answers)
        elif not line.fault:
            said = plain(line.message)
            if said in answered:
                answered.remove(said)
            else:
                assert any(covers(plain(one), said) for one in asked(stream, line.message))
    assert not answered
    return heard


def plain(message: Message) -> Any:
    """What a message says, whatever the order of its fields, and without those that say nothing."""
    try:
        return json.loads(message, object_hook=without_optional) if isinstance(message, str) else message
    except ValueError:
        return message


def without_optional(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in OPTIONAL}


def covers(ours: Any, theirs: Any) -> bool:
    """The same; or the same audio, in a piece that is filled up with silence."""
    if isinstance(ours, bytes) and isinstance(theirs, bytes):
        return ours.rstrip(b"\0") == theirs.rstrip(b"\0")
    return bool(ours == theirs)


def asked(stream: Stream, message: Message) -> list[Message]:
    """Our own messages to the same end: audio where there is audio, a mark where one is named, else clearing."""
    if isinstance(message, bytes):
        return stream.play(message) + stream.play(message[FRAMING:])
    if audio := re.search(r'"([A-Za-z0-9+/]{40,}={0,2})"', message):
        return stream.play(base64.b64decode(audio[1]))
    if name := re.search(r"\bm\d\b", message):
        return stream.mark(name[0])
    return stream.clear()


# ── each, whatever is known of it ─────────────────────────────────────────────────────────────────────────


@each
def test_a_carrier_is_its_name_and_its_stream(carrier: str) -> None:
    found = module(carrier)
    assert carrier == found.NAME
    assert {"NAME", "Stream"} <= set(found.__all__)
    assert all(hasattr(found, name) for name in found.__all__)
    stream = opened(carrier)
    assert stream.subprotocol is None or isinstance(stream.subprotocol, str)


@each
def test_its_wires_are_written_down(carrier: str) -> None:
    assert all(wire(carrier, situation) for situation in ("start", "media", "hostile"))


@each
def test_proofs_begin_alike(carrier: str) -> None:
    for name, words in (
        ("verify_socket", ["url", "headers"]),
        ("verify_webhook", ["url", "headers", "body"]),
    ):
        if proof := getattr(module(carrier), name, None):
            parameters = inspect.signature(proof).parameters.values()
            assert [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD] == words
    if answer := getattr(module(carrier), "answer", None):
        assert next(iter(inspect.signature(answer).parameters)) == "url"
        assert "token" in inspect.signature(answer).parameters


@each
def test_nothing_happens_before_the_beginning(carrier: str) -> None:
    stream = opened(carrier)
    for sent in (stream.mark("m"), stream.clear(), stream.send_digits("1")):
        assert all(isinstance(one, str | bytes) for one in sent)


@each
@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda one: ascii(one)[:20])
def test_garbage_is_a_fault_or_nothing(carrier: str, garbage: Message) -> None:
    try:
        events, _ = opened(carrier).receive(garbage)
    except StreamFault as fault:
        sentence = str(fault)
    else:
        sentence = "no fault"
        assert not any(isinstance(event, Audio | Digit | Played) for event in events)
    assert " " in sentence
    assert len(sentence) < 200


@each
@given(messages=st.lists(st.text(max_size=80) | st.binary(max_size=80), max_size=4))
def test_noise_is_a_fault_and_nothing_else(carrier: str, messages: list[Message]) -> None:
    stream = opened(carrier)
    try:
        for message in messages:
            stream.receive(message)
    except StreamFault:
        return


# ── each of which a wire was written down ─────────────────────────────────────────────────────────────────


@written
def test_the_beginning_tells_what_is_needed(carrier: str) -> None:
    stream, started = begun(carrier)
    for encoding in (started.hears, started.plays):
        assert encoding.bytes_per_ms > 0
        assert encoding.codec is Codec.L16 or encoding.rate == 8000
    assert 0 < started.pacing.frame_ms <= started.pacing.lead_ms <= 400
    assert all(isinstance(text, str) for pair in started.parameters.items() for text in pair)
    again = [line.message for line in wire(carrier, "start") if line.inward]
    told: list[StreamEvent] = []
    for message in again:
        try:
            told += stream.receive(message)[0]
        except StreamFault:
            continue
    assert not any(isinstance(event, Started) for event in told)


@written
def test_frames_of_the_told_size_are_played(carrier: str) -> None:
    stream, started = begun(carrier)
    size = started.plays.bytes_per_ms * started.pacing.frame_ms
    assert len(stream.play(bytes(size))) == 1
    assert len(stream.play(bytes(size * started.pacing.frames))) == 1
    whole, short = stream.play(bytes(size))[0], stream.play(bytes(2))
    assert len(short) == 1
    if started.pacing.exact:
        assert len(short[0]) == len(whole)
    for sent in (
        stream.mark("m"),
        stream.clear(),
        stream.clear(),
        stream.send_digits("1#"),
        stream.hang_up(),
    ):
        assert all(isinstance(one, str | bytes) for one in sent)


@written
@pytest.mark.parametrize("situation", ["start", "media", "dtmf", "marks", "clear", "stop"])
def test_a_wire_is_understood_and_spoken(carrier: str, situation: str) -> None:
    lines = wire(carrier, situation)
    heard = replay(opened(carrier), lines)
    if not lines:
        return
    assert sum(isinstance(event, Started) for event in heard) == 1
    (started,) = (event for event in heard if isinstance(event, Started))
    audio = [event for event in heard if isinstance(event, Audio)]
    at = [event.at_ms for event in audio if event.at_ms is not None]
    assert at == sorted(at)
    assert not any(isinstance(event, Stopped) for event in heard[:-1])
    match situation:
        case "media":
            assert len(audio) == 5
            assert len({len(event.data) for event in audio}) == 1
            assert len(audio[0].data) % started.hears.bytes_per_ms == 0
        case "dtmf":
            keys = [event.digit for event in heard if isinstance(event, Digit)]
            assert keys
            assert set(keys) <= KEYS
        case "marks":
            named = [name[0] for line in lines if not line.inward and (name := marked(line.message))]
            assert [event.mark for event in heard if isinstance(event, Played)] == named
        case "clear":
            assert not any(isinstance(event, Played) for event in heard)
        case _:
            assert not any(isinstance(event, Digit | Played) for event in heard)


def marked(message: Message) -> re.Match[str] | None:
    if isinstance(message, bytes) or len(message) > 300:
        return None
    return re.search(r"\bm\d\b", message)


@written
@pytest.mark.parametrize("situation", ["errors", "hostile"])
def test_a_hostile_wire_ends_in_faults_and_nothing_else(carrier: str, situation: str) -> None:
    """Among the errors are answers to what we never send: a carrier that takes us for somebody else."""
    stream = opened(carrier)
    started, at, over = 0, 0, False
    for line in wire(carrier, situation):
        if not line.inward:
            continue
        try:
            events, _ = stream.receive(line.message)
        except StreamFault:
            continue
        for event in events:
            assert not over
            started += isinstance(event, Started)
            over = isinstance(event, Stopped)
            if isinstance(event, Audio) and event.at_ms is not None:
                assert event.at_ms >= at
                at = event.at_ms
    assert started <= 1


values: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.builds(list)
    | st.builds(dict)
)


@written
@given(data=st.data())
def test_wires_that_were_tampered_with_are_faults_and_nothing_else(
    carrier: str, data: st.DataObject
) -> None:
    """Messages of every situation in any order, some of them changed, cut short or told twice."""
    known = [line.message for situation in SITUATIONS for line in wire(carrier, situation) if line.inward]
    stream = begun(carrier)[0] if data.draw(st.booleans()) else opened(carrier)
    for _ in range(data.draw(st.integers(1, 6))):
        message = tampered(data.draw(st.sampled_from(known)), data)
        try:
            events, answers = stream.receive(message)
        except StreamFault:
            continue
        assert all(isinstance(one, str | bytes) for one in answers)
        assert all(len(event.data) <= 1 << 17 for event in events if isinstance(event, Audio))


def tampered(message: Message, data: st.DataObject) -> Message:
    fate = data.draw(st.integers(0, 4))
    if fate == 0:
        return message
    if fate == 1:
        return message[: data.draw(st.integers(0, len(message)))]
    fields = plain(message)
    if not isinstance(fields, dict) or not fields:
        return message
    path, inner = data.draw(st.sampled_from(sorted(fields))), fields
    while isinstance(inner[path], dict) and inner[path] and data.draw(st.booleans()):
        inner = inner[path]
        path = data.draw(st.sampled_from(sorted(inner)))
    if fate == 2:
        del inner[path]
    else:
        inner[path] = data.draw(values)
    return json.dumps(fields)
