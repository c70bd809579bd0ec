"""Twilio as the softphone plays it: signed as the reference's vectors, strict about what it is sent."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from pydantic import SecretStr

from gateway.carriers import twilio
from gateway.config import Settings, from_env
from gateway.softphone.line import Answer, Line, Side
from gateway.softphone.lines.twilio import line
from gateway.softphone.orders import (
    Broken,
    Clear,
    Connect,
    Dial,
    HangUp,
    Mark,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
)
from gateway.wire import Audio, Digit, Played, Started, Stopped, Unverified

pytestmark = pytest.mark.unit

SECRET = "0123456789abcdef0123456789abcdef"
HERE = "https://voice.example.test/telephony/twilio/voice"
SOCKET = "wss://voice.example.test/telephony/twilio/stream/t"


def settings(**more: object) -> Settings:
    return from_env({}, **more)


def signing() -> Line:
    return line(settings(twilio_auth_token=SecretStr(SECRET)))


def document(inner: str, kind: str = "text/xml") -> Answer:
    return Answer(200, kind, f'<?xml version="1.0"?><Response>{inner}</Response>', HERE)


def stream() -> Side:
    one = line(settings())
    return one.open(one.facts("+15550100001", "+15550100002"), Connect(SOCKET, {"token": "t"}))


def test_what_is_signed_is_taken_by_our_own_desk_and_another_secret_is_not() -> None:
    one = signing()
    asked = one.voice(one.facts("+15550100001", "+15550100002"), HERE, 0.0)
    twilio.verify_webhook(asked.url, asked.headers, asked.body, secret=SECRET)
    with pytest.raises(Unverified):
        twilio.verify_webhook(asked.url, asked.headers, asked.body, secret="another")
    twilio.verify_socket(SOCKET, one.handshake(Connect(SOCKET), 0.0), secret=SECRET)


def test_the_socket_is_signed_as_in_the_reference() -> None:
    told = signing().handshake(Connect("wss://voice.example.test/twilio/media"), 0.0)
    assert told == {"X-Twilio-Signature": "jO+qLHLp+lz9/rbFAwoUaDtDsdc="}


def test_without_the_secret_nothing_is_signed() -> None:
    one = line(settings())
    assert not one.signs
    assert "X-Twilio-Signature" not in one.voice(one.facts("a", "b"), HERE, 0.0).headers


def test_the_end_of_a_call_is_told_once() -> None:
    one = signing()
    call = one.facts("a", "b")
    assert one.status(call, HERE, "answered", None, 0.0) is None
    told = one.status(call, HERE, "completed", 61, 0.0)
    assert told is not None
    assert b"CallDuration=61&Duration=2" in told.body


# ── documents ─────────────────────────────────────────────────────────────────────────────────────────────


def test_our_own_document_is_read() -> None:
    written = twilio.answer(
        SOCKET, token="t", caller="+1", action="https://x.test/after", status_callback="https://x.test/s"
    )
    [verb] = line(settings()).read(Answer(200, "text/xml", written, HERE))
    assert verb == Connect(
        SOCKET, {"token": "t", "caller": "+1"}, "https://x.test/after", "https://x.test/s"
    )


def test_verbs_are_read_in_order() -> None:
    verbs = line(settings()).read(
        document(
            '<Say>Hello</Say><Pause length="3"/><Dial action="/next"><Number>+15550100003</Number></Dial>'
            "<Redirect>again</Redirect><Hangup/>"
        )
    )
    assert verbs == [
        Say("Hello"),
        Pause(3.0),
        Dial("+15550100003", "https://voice.example.test/next"),
        Redirect("https://voice.example.test/telephony/twilio/again"),
        HangUp(),
    ]
    assert line(settings()).read(document('<Reject reason="busy"/>')) == [Reject("busy")]
    assert line(settings()).read(Answer(200, "text/plain", "", HERE)) == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(200, "application/json", "{}", HERE), "type application/json"),
        (Answer(200, "text/xml", "<Response>", HERE), "no XML"),
        (Answer(200, "text/xml", "<Reply/>", HERE), "begins with <Reply>"),
        (Answer(200, "text/xml", '<!DOCTYPE r [<!ENTITY a "b">]><Response/>', HERE), "document type"),
        (Answer(200, "text/xml", f"<Response>{' ' * 70_000}</Response>", HERE), "more than 64 KB"),
        (document("<Conect/>"), "not known: <Conect>"),
        (document("<Say>x</Say><Reject/>"), "first verb"),
        (document("<Connect/>"), "without one <Stream>"),
        (document('<Connect><Stream url="https://x.test/s"/></Connect>'), "begins with wss:"),
        (document('<Connect><Stream url="ws://x.test/s"/></Connect>'), "begins with wss:"),
        (document('<Connect><Stream url="wss://x.test/s?a=b"/></Connect>'), "has a query"),
        (document('<Connect><Stream url="wss://x.test/s" codec="L16"/></Connect>'), "no attribute codec"),
        (document('<Connect><Stream url="wss://x.test/s" track="both_tracks"/></Connect>'), "track only"),
        (document('<Connect><Stream url="wss://x.test/s"><Param/></Stream></Connect>'), "<Parameter"),
        (document('<Pause length="-1"/>'), "number of seconds"),
        (
            document(
                f'<Connect><Stream url="wss://x.test/s"><Parameter name="n" value="{"v" * 500}"/></Stream></Connect>'
            ),
            "more than 500",
        ),
    ],
)
def test_wrong_documents_are_told(answer: Answer, told: str) -> None:
    with pytest.raises(Broken, match=told):
        line(settings()).read(answer)


# ── the stream ────────────────────────────────────────────────────────────────────────────────────────────


def test_our_own_stream_understands_it_whole() -> None:
    side, ours = stream(), twilio.Stream()
    told = [
        event
        for message in [*side.opening(), *side.media(b"\xff" * 160), *side.key("5"), *side.closing()]
        for event in ours.receive(message)[0]
    ]
    match told:
        case [Started(parameters=given), Audio(data), Digit("5"), Stopped()]:
            assert given == {"token": "t"}
            assert data == b"\xff" * 160
        case other:
            raise AssertionError(other)
    orders = [side.receive(one)[0] for one in [*ours.play(b"\x01" * 160), *ours.mark("m1"), *ours.clear()]]
    assert orders == [Play(b"\x01" * 160), Mark("m1"), Clear()]
    assert ours.receive(side.cleared(["m1"])[0])[0] == []  # a mark that was cleared was not played
    ours.mark("m2")
    assert ours.receive(side.marked("m2")[0])[0] == [Played("m2")]


def faulty(**fields: object) -> str:
    return json.dumps(fields)


WELL = {"event": "media", "media": {"payload": b64encode(b"\xff").decode()}}


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (b"\xff" * 160, "binary"),
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        (faulty(event="hello", streamSid="MINE"), "not known: 'hello'"),
        (faulty(**WELL), "'streamSid' is missing"),
        (faulty(**WELL, streamSid="MZ0"), "another stream"),
        (faulty(**WELL, streamSid="MINE", sequenceNumber="1"), "unknown field 'sequenceNumber'"),
        (faulty(event="media", streamSid="MINE", media={"payload": "%%"}), "no base64"),
        (faulty(event="media", streamSid="MINE", media={"payload": 5}), "no str"),
        (
            faulty(event="media", streamSid="MINE", media={"payload": b64encode(b"RIFFxxxx").decode()}),
            "file",
        ),
        (faulty(event="mark", streamSid="MINE", mark={}), "'name' is missing"),
        (faulty(event="clear", streamSid="MINE", clear={}), "unknown field 'clear'"),
        (faulty(event="dtmf", streamSid="MINE", dtmf={"digit": "5"}), "not known: 'dtmf'"),
    ],
)
def test_wrong_messages_are_told(message: str | bytes, told: str) -> None:
    side = stream()
    if isinstance(message, str):
        message = message.replace("MINE", side.id)
    with pytest.raises(Broken, match=told):
        side.receive(message)
