"""Servers that do what ours never should, and the course that a call takes with them."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from gateway.config import from_env
from gateway.softphone.asking import Where
from gateway.softphone.call import Phone
from gateway.softphone.caller import Caller, Wait
from gateway.softphone.course import Course, Event
from gateway.softphone.line import Answer
from gateway.softphone.lines import twilio
from gateway.softphone.sound import Heard

pytestmark = pytest.mark.integration

LOUD = b64encode(b"\x00\x80" * 80).decode()
"""20 ms of µ-law at full scale."""
Socket = Callable[[web.WebSocketResponse, str], Awaitable[None]]


class Talk:
    """A server of documents by path, and a media socket."""

    def __init__(self, **documents: str) -> None:
        self.documents = documents
        self.socket: Socket = stay
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.heard: list[dict[str, Any]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.path.rsplit("/", 1)[-1]
        if name == "stream":
            return await self.stream(request)
        self.asked.append((name, {key: str(value) for key, value in (await request.post()).items()}))
        document = self.documents.get(name)
        if document is None:
            return web.Response(status=200 if name == "status" else 500, text="no such page")
        kind = "application/json" if document.startswith("{") else "text/xml"
        body = document.replace("SOCKET", f"{self.url.replace('http', 'ws')}/stream")
        body = body.replace("STATUS", f"{self.url}/status")
        return web.Response(
            text=body if kind != "text/xml" else f"<Response>{body}</Response>", content_type=kind
        )

    async def stream(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        if not socket.can_prepare(request):
            return web.Response(status=400)
        await socket.prepare(request)
        await socket.receive()
        start = json.loads(await socket.receive_str())
        self.heard.append(start)
        await self.socket(socket, start["streamSid"])
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.heard.append(json.loads(message.data))
        return socket

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield
        finally:
            await runner.cleanup()


async def stay(socket: web.WebSocketResponse, stream: str) -> None:
    """Says nothing."""


def says(*messages: Any) -> Socket:
    """Sends these, then listens."""

    async def talk(socket: web.WebSocketResponse, stream: str) -> None:
        for message in messages:
            if isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_str(json.dumps({"streamSid": stream, **message}))

    return talk


async def close(socket: web.WebSocketResponse, stream: str) -> None:
    await socket.close()


def speech(frames: int = 1) -> dict[str, object]:
    return {"event": "media", "media": {"payload": b64encode(b"\x00\x80" * 80 * frames).decode()}}


CONNECT = '<Connect><Stream url="SOCKET"><Parameter name="token" value="t"/></Stream></Connect>'


async def held(
    talk: Talk, seconds: float = 0.6, during: Callable[[Phone], Coroutine[Any, Any, None]] | None = None
) -> tuple[Course, list[Event]]:
    """A call of so many seconds."""
    events: list[Event] = []
    async with talk.served():
        course = Course("Twilio", asyncio.get_running_loop().time(), events.append)
        line = twilio.line(from_env({}))
        phone = Phone(
            line,
            line.facts("+15550100001", "+15550100002"),
            Where(talk.url, talk.url),
            course,
            lambda rate: Caller([Wait(60)]),
            Heard(None),
            duration_s=seconds,
        )
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(phone.to_number("twilio", None))
            if during is not None:
                group.create_task(during(phone))
    return course, events


def told(events: list[Event], kind: str) -> list[str]:
    return [event.text for event in events if event.kind == kind]


async def test_every_broken_rule_is_told_and_the_call_goes_on() -> None:
    talk = Talk(voice=CONNECT)
    talk.socket = says(
        b"\x00" * 160,
        {"event": "media", "streamSid": "MZ0", "media": {"payload": LOUD}},
        {"event": "play"},
        {"event": "mark", "mark": {"name": "m1"}, "why": "so"},
        speech(),
    )
    course, _ = await held(talk)
    assert [rule.told for rule in course.summary.rules] == [
        "a binary message: Twilio takes text only",
        "a message to another stream than this",
        "an event that is not known: 'play'",
        "an unknown field 'why'",
    ]
    assert course.summary.heard_s > 0
    assert not course.summary.good


async def test_marks_come_back_after_the_audio_before_them_and_at_once_when_cleared() -> None:
    talk = Talk(voice=CONNECT)
    mark = {"event": "mark", "mark": {"name": "after"}}

    async def socket(socket: web.WebSocketResponse, stream: str) -> None:
        loop = asyncio.get_running_loop()
        sent = loop.time()
        await says(speech(20), mark)(socket, stream)
        while json.loads(await socket.receive_str())["event"] != "mark":
            pass
        assert loop.time() - sent >= 0.39
        await says(speech(50), {"event": "mark", "mark": {"name": "never"}})(socket, stream)
        await asyncio.sleep(0.1)
        cleared = loop.time()
        await says({"event": "clear"})(socket, stream)
        while (back := json.loads(await socket.receive_str()))["event"] != "mark":
            pass
        assert back["mark"] == {"name": "never"}
        assert loop.time() - cleared < 0.5
        talk.documents["done"] = "yes"

    talk.socket = socket
    course, _ = await held(talk, 3)
    assert talk.documents.get("done") == "yes"
    summary = course.summary
    assert (summary.marks, summary.marks_played, summary.marks_cleared, summary.clears) == (2, 1, 1, 1)
    assert summary.cleared_ms > 500
    assert summary.rules == []


async def test_a_server_that_closes_the_socket_is_asked_how_to_go_on() -> None:
    talk = Talk(
        voice='<Connect action="next"><Stream url="SOCKET"/></Connect>',
        next='<Dial action="last">+15550100003</Dial>',
        last="<Say>Good bye</Say><Hangup/>",
    )
    talk.socket = close
    course, events = await held(talk, 5)
    assert [name for name, _ in talk.asked] == ["voice", "next", "last", "status"]
    assert talk.asked[0][1]["CallStatus"] == "ringing"
    assert talk.asked[1][1]["CallStatus"] == "in-progress"
    assert talk.asked[2][1]["DialCallStatus"] == "completed"
    assert talk.asked[3][1]["CallStatus"] == "completed"
    assert course.summary.transferred == "+15550100003"
    assert told(events, "said") == ["the carrier says: Good bye"]
    assert course.summary.ended == "the server hung up"


async def test_streams_are_told_of_where_the_document_wants_it() -> None:
    talk = Talk(voice='<Connect><Stream url="SOCKET" statusCallback="STATUS"/></Connect>')
    talk.socket = says(speech())
    await held(talk, 0.4)
    events = [form.get("StreamEvent") for name, form in talk.asked if name == "status"]
    assert events == ["stream-started", "stream-stopped", None]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ('<Reject reason="busy"/>', "the server rejects the call: busy"),
        ("{}", "Twilio ends the call: a document of type application/json, not text/xml"),
        ("<Redirect>voice</Redirect>", "the server goes round in a circle: 20 documents"),
        ("<Redirect>nowhere</Redirect>", "500: no such page"),
        ('<Connect><Stream url="wss://127.0.0.1:1/stream"/></Connect>', "the media socket does not open"),
    ],
)
async def test_calls_that_come_to_nothing_say_why(document: str, why: str) -> None:
    course, _ = await held(Talk(voice=document))
    assert course.summary.failed.startswith(why)
    assert not course.summary.good


async def test_a_socket_that_is_refused_is_told_with_its_status() -> None:
    talk = Talk(voice='<Connect><Stream url="SOCKET-elsewhere"/></Connect>')
    course, _ = await held(talk)
    assert course.summary.failed == "the media socket is refused: 500 (31920 handshake error)"


async def test_a_document_of_nothing_ends_the_call() -> None:
    course, _ = await held(Talk(voice=""))
    assert course.summary.ended == "the server has nothing more to do with the call"


async def test_commands_of_the_api_take_the_call_out_of_its_stream() -> None:
    talk = Talk(voice=CONNECT)
    talk.socket = says(speech())

    async def during(phone: Phone) -> None:
        while phone.status != "in-progress" or not talk.heard:  # noqa: ASYNC110 - a server does it
            await asyncio.sleep(0.01)
        document = "<Response><Say>Hold on</Say><Hangup/></Response>"
        phone.order(Answer(200, "text/xml", document, talk.url))

    course, events = await held(talk, 10, during)
    assert told(events, "said") == ["the carrier says: Hold on"]
    assert course.summary.ended == "the server hung up"
    assert talk.heard[-1]["event"] == "stop"


async def test_what_is_queued_when_the_server_closes_was_never_heard() -> None:
    talk = Talk(voice=CONNECT)

    async def socket(socket: web.WebSocketResponse, stream: str) -> None:
        await says(speech(50))(socket, stream)
        await asyncio.sleep(0.2)
        await socket.close()

    talk.socket = socket
    course, _ = await held(talk, 5)
    assert 500 < course.summary.unplayed_ms < 1000
    assert course.summary.lead_ms == pytest.approx(1000, abs=30)
