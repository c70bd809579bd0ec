"""Every carrier that the softphone plays: what it writes our desk and our stream take, what they answer it reads.

That both are right by the carrier's documents is for the vectors and for the peers of another hand to show."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from pydantic import SecretStr

from api.surfaces.telephony.counter import DESKS
from api.surfaces.telephony.desk import Asked, Document, Place
from api.switchboard import load_streams
from gateway import plugins
from gateway.config import Settings, from_env
from gateway.softphone import lines
from gateway.softphone.line import Answer, Line, Request, Side
from gateway.softphone.orders import (
    Broken,
    Clear,
    Connect,
    HangUp,
    Mark,
    Order,
    Play,
    Redirect,
    Reject,
    Say,
)
from gateway.wire import Audio, Cleared, Digit, Played, Started, Stopped, Stream, Unverified

pytestmark = pytest.mark.contract

NOW = 1_760_000_000.0
BASE = "https://voice.example.test/telephony"
NAMES = plugins.names(lines.__name__)
SIGNING = [name for name in NAMES if name != "telnyx"]
TOKEN = "0123456789abcdef0123456789abcdef"
SECRETS = {
    "twilio_auth_token": SecretStr("t" * 32),
    "signalwire_signing_key": SecretStr("s" * 32),
    "plivo_auth_token": SecretStr("p" * 32),
    "vonage_signature_secret": SecretStr("v" * 32),
}


def settings(secrets: bool = True) -> Settings:
    return from_env({}, **(SECRETS if secrets else {}))


def line(name: str, *, secrets: bool = True) -> Line:
    made: Line = plugins.find(lines.__name__, name).line(settings(secrets))
    return made


def asked(request: Request) -> Asked:
    return Asked(request.method, request.url, request.headers, request.body, NOW)


def place(name: str) -> Place:
    here = f"{BASE}/{name}"
    return Place(f"{here.replace('https', 'wss')}/stream/{TOKEN}", TOKEN, f"{here}/after", f"{here}/status")


def connected(name: str) -> tuple[Line, Connect, Side]:
    """A call that was answered, and its stream."""
    one, desk = line(name), DESKS[name]
    call = one.facts("+15550100001", "+15550100002")
    incoming = desk.incoming(asked(one.voice(call, f"{BASE}/{name}/voice?persona=a", NOW)))
    assert incoming is not None
    assert incoming.call == call.call
    assert incoming.caller.lstrip("+") == "15550100001"
    document = desk.answer(incoming, place(name), settings())
    assert isinstance(document, Document)
    connect = one.read(Answer(200, document.content_type, document.body, f"{BASE}/{name}/voice"))[0]
    assert isinstance(connect, Connect)
    return one, connect, one.open(call, connect)


@pytest.mark.parametrize("name", SIGNING)
def test_webhooks_and_sockets_are_proved(name: str) -> None:
    one, connect, _ = connected(name)
    desk = DESKS[name]
    call = one.facts("+15550100001", "+15550100002")
    requests = [
        one.voice(call, f"{BASE}/{name}/voice?persona=a", NOW),
        one.after(call, f"{BASE}/{name}/after", connect, NOW),
        one.status(call, f"{BASE}/{name}/status", "completed", 3, NOW),
        one.stream_status(call, connect, "s1", "started", NOW),
    ]
    for request in requests:
        if request is not None:
            desk.verify(asked(request), settings())
            with pytest.raises(Unverified):
                desk.verify(
                    asked(Request(request.method, f"{request.url}/x", request.headers, b"a=b")), settings()
                )
    proof = one.handshake(connect, NOW)
    desk.verify_socket(Asked("GET", connect.url, proof, b"", NOW), settings(), TOKEN)
    forged = {header: value[::-1] for header, value in proof.items()}
    with pytest.raises(Unverified):
        desk.verify_socket(Asked("GET", connect.url, forged, b"", NOW), settings(), TOKEN)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_secret_nothing_is_signed(name: str) -> None:
    one = line(name, secrets=False)
    assert not one.signs
    headers = one.voice(one.facts("a", "b"), f"{BASE}/{name}/voice", NOW).headers
    assert not [header for header in headers if "signature" in header.lower() or header == "Authorization"]


@pytest.mark.parametrize("name", NAMES)
def test_a_call_is_held(name: str) -> None:
    _, connect, side = connected(name)
    assert connect.url == place(name).stream
    assert connect.parameters["token"] == TOKEN
    stream: Stream = load_streams()[name]()
    began = [event for one in side.opening() for event in stream.receive(one)[0]]
    [start] = [event for event in began if isinstance(event, Started)]
    assert (start.hears, start.plays) == (side.says, side.plays)
    assert start.parameters["token"] == TOKEN
    frame = b"\x11" * (side.says.bytes_per_ms * 20)
    assert [event.data for one in side.media(frame) for event in heard(stream, one)] == [frame]
    assert [event for one in side.key("5") for event in stream.receive(one)[0]] == [Digit("5")]
    ours = b"\x22" * (side.plays.bytes_per_ms * 20)
    assert taken(side, stream.play(ours)) == [Play(ours)]
    [mark] = taken(side, stream.mark("m1"))
    assert isinstance(mark, Mark)
    assert [event for one in side.marked(mark.name) for event in stream.receive(one)[0]] == [Played("m1")]
    [mark] = taken(side, stream.mark("m2"))
    assert isinstance(mark, Mark)
    assert taken(side, stream.clear()) == [Clear()]
    told = [event for one in side.cleared([mark.name]) for event in stream.receive(one)[0]]
    assert told in ([], [Cleared()])
    ended = [event for one in side.closing() for event in stream.receive(one)[0]]
    assert ended in ([], [Stopped()])


def heard(stream: Stream, message: str | bytes) -> list[Audio]:
    return [event for event in stream.receive(message)[0] if isinstance(event, Audio)]


def taken(side: Side, messages: list[str | bytes]) -> list[Order]:
    return [order for message in messages for order in side.receive(message)]


@pytest.mark.parametrize("name", NAMES)
def test_refusals_and_apologies_are_read(name: str) -> None:
    one, desk = line(name), DESKS[name]
    incoming = desk.incoming(asked(one.voice(one.facts("+1", "+2"), f"{BASE}/{name}/voice", NOW)))
    assert incoming is not None

    def read(document: Any) -> list[object]:
        return list(one.read(Answer(200, document.content_type, document.body, f"{BASE}/{name}/voice")))

    assert isinstance(read(desk.refuse(incoming, settings()))[0], Reject | Say)
    assert read(desk.sorry("Sorry."))[0] == Say("Sorry.")
    assert read(desk.hang_up()) in ([HangUp()], [])


@pytest.mark.parametrize("name", NAMES)
def test_the_end_of_a_call_is_a_notice(name: str) -> None:
    one, desk = line(name), DESKS[name]
    call = one.facts("+15550100001", "+15550100002")
    told = one.status(call, f"{BASE}/{name}/status", "completed", 12, NOW)
    assert told is not None
    [notice] = desk.notices(asked(told))
    assert (notice.call, notice.status, notice.kind) == (call.call, "completed", "call_completed")
    assert notice.meta["callDurationSec"] == 12


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("message", ["{", "[]", "{}", '{"event":"nonsense"}', '{"event":5}', b"\x00" * 7])
def test_garbage_is_against_the_rules(name: str, message: str | bytes) -> None:
    _, _, side = connected(name)
    with pytest.raises(Broken):
        side.receive(message)


def sound(count: int, **more: object) -> str:
    return json.dumps({"event": "media", **more, "media": {"payload": b64encode(b"\xff" * count).decode()}})


@pytest.mark.parametrize(
    ("name", "message", "told"),
    [
        ("telnyx", sound(159), "19.875 ms in one message"),
        ("telnyx", sound(240_001), "20 ms to 30 s"),
        ("telnyx", sound(160, stream_id="another"), "another stream"),
        ("telnyx", sound(160, streamSid="s"), "unknown field 'streamSid'"),
        ("vonage", b"\0" * 640, "exactly 960 are 20 ms"),
        ("vonage", '{"action":"notify"}', "'payload' is missing"),
        ("vonage", '{"action":"clear","all":true}', "unknown field 'all'"),
        (
            "plivo",
            '{"event":"playAudio","media":{"contentType":"audio/x-l16","sampleRate":8000,"payload":""}}',
            "audio/x-l16 at 8000 on a stream of audio/x-mulaw at 8000",
        ),
        ("plivo", '{"event":"checkpoint","name":"m"}', "'streamId' is missing"),
        ("signalwire", '{"event":"clear"}', "'streamSid' is missing"),
    ],
)
def test_each_carriers_own_rules(name: str, message: str | bytes, told: str) -> None:
    _, _, side = connected(name)
    with pytest.raises(Broken, match=told):
        side.receive(message)


@pytest.mark.parametrize(
    ("name", "document", "told"),
    [
        ("telnyx", '<Connect><Stream url="wss://x.test/s"/></Connect>', "the caller hears nothing"),
        (
            "telnyx",
            '<Connect><Stream url="wss://x.test/s" bidirectionalMode="rtp" bidirectionalCodec="MP3"/></Connect>',
            "MP3 at 8000",
        ),
        ("signalwire", '<Connect><Stream url="wss://x.test/s" codec="OPUS"/></Connect>', "no codec 'OPUS'"),
        ("plivo", "<Stream>wss://x.test/s</Stream>", "the caller hears nothing"),
        ("plivo", '<Stream bidirectional="true">wss://x.test/s</Stream>', "the call goes on at once"),
        (
            "plivo",
            '<Stream bidirectional="true" keepCallAlive="true" extraHeaders="a=b-c">wss://x.test/s</Stream>',
            "letters and digits",
        ),
        (
            "plivo",
            '<Stream bidirectional="true" keepCallAlive="true" contentType="audio/ogg">wss://x.test/s</Stream>',
            "audio/ogg",
        ),
        ("plivo", "<Shout/>", "not known: <Shout>"),
    ],
)
def test_wrong_documents_are_told(name: str, document: str, told: str) -> None:
    with pytest.raises(Broken, match=told):
        line(name).read(Answer(200, "text/xml", f"<Response>{document}</Response>", BASE))


@pytest.mark.parametrize(
    ("ncco", "told"),
    [
        ("{", "no JSON"),
        ('{"action":"talk"}', "list of actions"),
        ('[{"action":"dance"}]', "not known: 'dance'"),
        ('[{"action":"connect","endpoint":[]}]', "one endpoint"),
        ('[{"action":"connect","endpoint":[{"type":"websocket","uri":"wss://x.test"}]}]', "not streamed"),
        (
            '[{"action":"connect","endpoint":[{"type":"websocket","uri":"https://x.test",'
            '"content-type":"audio/l16;rate=8000"}]}]',
            "begins with wss:",
        ),
    ],
)
def test_wrong_nccos_are_told(ncco: str, told: str) -> None:
    with pytest.raises(Broken, match=told):
        line("vonage").read(Answer(200, "application/json", ncco, BASE))


def test_a_line_of_telnyx_is_a_law_unless_mu_law_is_asked_for() -> None:
    one = line("telnyx")
    document = '<Connect><Stream url="wss://x.test/s" bidirectionalMode="rtp"/></Connect>'
    [connect] = one.read(Answer(200, "text/xml", f"<Response>{document}</Response>", BASE))
    assert isinstance(connect, Connect)
    assert (connect.says.codec.value, connect.plays.codec.value) == ("pcma", "pcmu")


def test_plivo_goes_on_after_the_stream() -> None:
    one = line("plivo")
    document = (
        '<Stream bidirectional="true" keepCallAlive="true">wss://x.test/s</Stream><Redirect>next</Redirect>'
    )
    verbs = one.read(Answer(200, "text/xml", f"<Response>{document}</Response>", f"{BASE}/plivo/voice"))
    assert verbs[1] == Redirect(f"{BASE}/plivo/next")
