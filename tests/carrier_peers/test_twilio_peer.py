"""Twilio, whole: a call comes in, one is made, one is transferred; and who does it wrong is told."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.carrier_peers.application import served
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.http import Answered, deliver
from tests.carrier_peers.twilio_hooks import Account, PhoneCall, voice
from tests.carrier_peers.twilio_peer import TwilioPeer
from tests.carrier_peers.twilio_rest import Refusal, change, dialled
from tests.carrier_peers.twilio_signing import signature
from tests.carrier_peers.twiml import answered_twiml, document, stream_order

PUBLIC = "https://voice.example.test"
SOCKET = "wss://voice.example.test/stream"
ACCOUNT = Account("AC01")
TALK = f"""<?xml version="1.0" encoding="UTF-8"?>
<Response><Connect action="{PUBLIC}/after"><Stream url="{SOCKET}" statusCallback="{PUBLIC}/stream-status">
<Parameter name="token" value="abc"/></Stream></Connect></Response>"""


class App:
    """A good application with a switch for everything that may go otherwise."""

    def __init__(self) -> None:
        self.answer = TALK
        self.kind = "text/xml"
        self.after = "<Response><Hangup/></Response>"
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.forged = 0
        self.tokens: list[str] = []
        self.hangs_up = asyncio.Event()
        self.judged = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        routes = [web.post(path, self.hook) for path in ("/voice", "/after", "/status", "/stream-status")]
        async with served([*routes, web.get("/stream", self.stream)]) as base:
            yield base

    async def hook(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((request.path, form))
        if "AnsweredBy" in form:
            self.judged.set()
        expected = signature(ACCOUNT.token, f"{PUBLIC}{request.path_qs}", form)
        self.forged += request.headers.get("X-Twilio-Signature") != expected
        text = {"/voice": self.answer, "/after": self.after}.get(request.path, "")
        return web.Response(text=text, content_type=self.kind)

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        self.forged += request.headers.get("X-Twilio-Signature") != signature(ACCOUNT.token, SOCKET)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async with asyncio.TaskGroup() as group:
            closing = group.create_task(self.close(socket))
            async for received in socket:
                message = received.json()
                if message["event"] == "start":
                    self.tokens.append(message["start"]["customParameters"]["token"])
                    payload = {"payload": b64encode(b"\x30" * 1600).decode()}
                    sid = message["streamSid"]
                    await socket.send_json({"event": "media", "streamSid": sid, "media": payload})
            closing.cancel()
        return socket

    async def close(self, socket: web.WebSocketResponse) -> None:
        await self.hangs_up.wait()
        await socket.close()

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@pytest.fixture
async def app() -> App:
    return App()


@pytest.mark.integration
async def test_a_call_comes_in_and_the_caller_hangs_up(app: App) -> None:
    async with app.open() as base, TwilioPeer.open(ACCOUNT, via=base) as twilio:
        async with twilio.ring(f"{PUBLIC}/voice", status_url=f"{PUBLIC}/status") as phone:
            call = await phone.stream()
            await call.played(100)
        assert (await phone.over()).status == "completed"
    assert twilio.faults == []
    assert call.faults == []
    assert (app.forged, app.tokens) == (0, ["abc"])
    assert app.paths() == ["/voice", "/stream-status", "/stream-status", "/status"]
    assert app.asked[0][1]["CallStatus"] == "ringing"
    assert [form.get("StreamEvent") for _, form in app.asked[1:3]] == ["stream-started", "stream-stopped"]
    assert app.asked[3][1]["CallStatus"] == "completed"
    assert app.asked[3][1]["CallbackSource"] == "call-progress-events"


@pytest.mark.integration
async def test_an_application_hangs_up_and_is_asked_what_is_next(app: App) -> None:
    app.after = "<Response><Dial><Number>+15550100003</Number></Dial></Response>"
    async with app.open() as base, TwilioPeer.open(ACCOUNT, via=base) as twilio:
        async with twilio.ring(f"{PUBLIC}/voice") as phone:
            call = await phone.stream()
            app.hangs_up.set()
            assert (await call.over()).by == "application"
            dial = await phone.doing("Dial")
        assert [verb.name for verb in phone.did] == ["Connect", "Dial"]
        assert dial.children[0].text == "+15550100003"
    assert twilio.faults == []


async def ask(
    twilio: TwilioPeer, path: str, form: dict[str, Any] | list[tuple[str, str]]
) -> tuple[int, Any]:
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT.sid, ACCOUNT.token)}
    url = f"{twilio.base}/2010-04-01/Accounts/AC01/{path}"
    async with aiohttp.ClientSession() as session, session.post(url, data=form, headers=headers) as answer:
        return answer.status, await answer.json()


DIAL = [("To", "+15550100009"), ("From", "+15550100002"), ("Url", f"{PUBLIC}/voice")]
WATCHED = [("StatusCallback", f"{PUBLIC}/status")] + [
    ("StatusCallbackEvent", event) for event in ("initiated", "ringing", "answered", "completed")
]


@pytest.mark.integration
async def test_a_call_is_made_redirected_and_ended_by_the_api(app: App) -> None:
    async with app.open() as base, TwilioPeer.open(ACCOUNT, via=base) as twilio:
        made, resource = await ask(twilio, "Calls.json", DIAL + WATCHED)
        assert (made, resource["status"]) == (201, "queued")
        placed = await twilio.placed()
        path = f"Calls/{resource['sid']}.json"
        assert (await ask(twilio, path, {"Url": f"{PUBLIC}/voice"}))[1]["code"] == 21220
        async with placed.answer() as phone:
            await phone.stream()
            done, _ = await ask(twilio, path, {"Twiml": f"<Response>{TALK[TALK.index('<Connect') :]}"})
            assert done == 200
            second = await phone.stream(2)
            await second.played(100)
            assert (await ask(twilio, path, {"Status": "completed"}))[0] == 200
            assert (await second.over()).by == "carrier"
            await phone.over()
        ended, refused = await ask(twilio, path, {"Status": "completed"})
        assert (ended, refused["code"]) == (404, 20404)
    told = [form["CallStatus"] for path, form in app.asked if path == "/status"]
    assert told == ["initiated", "ringing", "in-progress", "completed"]
    assert [form["SequenceNumber"] for path, form in app.asked if path == "/status"] == ["0", "1", "2", "3"]
    assert {fault.code for fault in twilio.faults} == {"21220", "20404"}
    assert app.forged == 0


@pytest.mark.integration
async def test_nobody_picks_up_or_a_machine_does(app: App) -> None:
    amd = [
        ("MachineDetection", "Enable"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", f"{PUBLIC}/status"),
    ]
    async with app.open() as base, TwilioPeer.open(ACCOUNT, via=base) as twilio:
        await ask(twilio, "Calls.json", DIAL + WATCHED)
        await (await twilio.placed()).fail("busy")
        assert app.asked[-1][1]["CallStatus"] == "busy"
        await ask(twilio, "Calls.json", DIAL + amd)
        async with (await twilio.placed()).answer("machine_end_beep", 0.05) as phone:
            await phone.stream()
            async with asyncio.timeout(2):
                await app.judged.wait()
        await ask(twilio, "Calls.json", DIAL + amd[:1])
        async with (await twilio.placed()).answer("human") as phone:
            await phone.stream()
    verdicts = [(path, form["AnsweredBy"]) for path, form in app.asked if "AnsweredBy" in form]
    assert verdicts == [("/status", "machine_end_beep"), ("/voice", "human")]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (TALK, "application/json", "12300"),
        ("<Response>", "text/xml", "12100"),
        ("<Answer/>", "text/xml", "12200"),
        (TALK.replace("wss:", "ws:"), "text/xml", "31922"),
        (TALK.replace('/stream"', '/nowhere"'), "text/xml", "31920"),
    ],
)
async def test_a_bad_answer_is_a_fault(app: App, answer: str, kind: str, code: str) -> None:
    app.answer, app.kind = answer, kind
    async with (
        app.open() as base,
        TwilioPeer.open(ACCOUNT, via=base) as twilio,
        twilio.ring(f"{PUBLIC}/voice") as phone,
    ):
        await phone.over()
    assert [fault.code for fault in twilio.faults] == [code]


@pytest.mark.integration
async def test_a_rejected_call_is_busy(app: App) -> None:
    app.answer = '<Response><Reject reason="busy"/></Response>'
    async with (
        app.open() as base,
        TwilioPeer.open(ACCOUNT, via=base) as twilio,
        twilio.ring(f"{PUBLIC}/voice") as phone,
    ):
        assert (await phone.over()).status == "busy"


@pytest.mark.integration
async def test_the_api_wants_credentials(app: App) -> None:
    async with TwilioPeer.open(ACCOUNT) as twilio, aiohttp.ClientSession() as session:
        url = f"{twilio.base}/2010-04-01/Accounts/AC01/Calls.json"
        async with session.post(url, data=dict(DIAL)) as answer:
            assert (answer.status, (await answer.json())["code"]) == (401, 20003)


# ── rules, without sockets ────────────────────────────────────────────────────────────────────────────────

STREAM = "<Connect><Stream url='wss://a.test/s'{}>{}</Stream></Connect>"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<Response><Connect/></Response>", "12200"),
        ("<Response>hello</Response>", "12200"),
        ("<Response><Speak/></Response>", "12200"),
        ("<response/>", "12200"),
        ("<!DOCTYPE x><Response/>", "12100"),
        ("<Response>" + STREAM.format(" speed='1'", "") + "</Response>", "12200"),
        ("<Response>" + STREAM.format(" track='both_tracks'", "") + "</Response>", "31941"),
        ("<Response>" + STREAM.format("", "").replace("/s'", "/s?token=1'") + "</Response>", "31922"),
        ("<Response>" + STREAM.format("", "<Parameter value='1'/>") + "</Response>", "12200"),
        (
            "<Response>" + STREAM.format("", f"<Parameter name='a' value='{'x' * 500}'/>") + "</Response>",
            "12200",
        ),
    ],
)
def test_twiml_is_read_strictly(xml: str, code: str) -> None:
    with pytest.raises(Broken) as broken:
        stream_order(document(xml)[0])
    assert broken.value.code == code


@pytest.mark.unit
def test_an_order_is_read() -> None:
    (verb,) = answered_twiml(Answered(200, {"Content-Type": "text/xml; charset=utf-8"}, TALK.encode(), 0.0))
    order = stream_order(verb)
    assert (order.url, order.parameters, order.action) == (SOCKET, {"token": "abc"}, f"{PUBLIC}/after")
    with pytest.raises(Broken, match="HTTP 403"):
        answered_twiml(Answered(403, {}, b"", 0.0))


@pytest.mark.unit
@pytest.mark.parametrize(
    ("form", "code"),
    [
        ([("To", "555"), *DIAL[1:]], 21211),
        (DIAL[1:], 21201),
        ([DIAL[0], ("From", "me"), DIAL[2]], 21212),
        (DIAL[:2], 21205),
        ([*DIAL, ("Twiml", "<Response/>")], 21205),
        ([*DIAL[:2], ("Twiml", "<Response>")], 12100),
        ([*DIAL[:2], ("Twiml", f"<Response><Say>{'x' * 4000}</Say></Response>")], 21617),
        ([*DIAL, ("Timeout", "601")], 20001),
        ([*DIAL, ("timeout", "60")], 20001),
        ([*DIAL, DIAL[0]], 20001),
        ([*DIAL, ("StatusCallbackEvent", "in-progress")], 20001),
        ([*DIAL, ("SendDigits", "hello")], 20001),
        ([*DIAL, ("SendDigits", "1"), ("MachineDetection", "Enable")], 20001),
        ([*DIAL, ("AsyncAmd", "true")], 20001),
        ([*DIAL, ("StatusCallback", "voice.example.test/status")], 21205),
    ],
)
def test_a_dial_is_judged(form: list[tuple[str, str]], code: int) -> None:
    with pytest.raises(Refusal) as refusal:
        dialled(form)
    assert refusal.value.body["code"] == code


@pytest.mark.unit
def test_only_a_live_call_can_be_changed() -> None:
    live = PhoneCall(status="in-progress")
    assert change([("Twiml", "<Response/>")], live).twiml == "<Response/>"
    for form, call, code in (
        ([("Status", "completed")], live.now("completed"), "20404"),
        ([("Status", "canceled")], live, "21220"),
        ([("Status", "busy")], live, "20001"),
        ([], live, "21205"),
        ([("Url", f"{PUBLIC}/x")], live.now("ringing"), "21220"),
    ):
        with pytest.raises(Refusal) as refusal:
            change(form, call)
        assert refusal.value.code == code


@pytest.mark.integration
async def test_a_retry_carries_the_same_token_and_a_forgery_does_not_verify(app: App) -> None:
    asked = voice(ACCOUNT, PhoneCall(), f"{PUBLIC}/voice")
    async with app.open() as base:
        for one in (asked, asked):
            assert (await deliver(one, base)).status == 200
        assert app.forged == 0
        await deliver(asked.with_body(asked.body + b"&Digits=1"), base)
        await deliver(asked.with_headers(x_twilio_signature=""), base)
        await deliver(voice(Account("AC01", "another"), PhoneCall(), f"{PUBLIC}/voice"), base)
    assert app.forged == 3
