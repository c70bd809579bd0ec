"""Plivo, whole: a call comes in, one is made, one is transferred; and who does it wrong is told."""

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
from tests.carrier_peers.codecs import MULAW
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.plivo_hooks import NONCE, SIGNATURE, Account, signature
from tests.carrier_peers.plivo_peer import PlivoPeer
from tests.carrier_peers.plivo_xml import document, stream_order

PUBLIC = "https://voice.example.test"
ACCOUNT = Account()
STREAM = (
    '<Stream bidirectional="true" keepCallAlive="true" contentType="audio/x-mulaw;rate=8000" '
    f'statusCallbackUrl="{PUBLIC}/stream-status" extraHeaders="token=abc">wss://voice.example.test/stream</Stream>'
)
DIAL = {"from": "15550100002", "to": "15550100009", "answer_url": f"{PUBLIC}/answer"}


class App:
    """A good application: streams every call, and says 100 ms on it."""

    def __init__(self) -> None:
        self.xml = STREAM
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.forged = 0
        self.tokens: list[str] = []
        self.hangs_up = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PlivoPeer]:
        hooks = [
            web.route("*", path, self.hook)
            for path in ("/answer", "/hangup", "/ring", "/machine", "/stream-status")
        ]
        async with (
            served([*hooks, web.get("/stream", self.stream)]) as base,
            PlivoPeer.open(ACCOUNT, via=base) as plivo,
        ):
            yield plivo

    async def hook(self, request: web.Request) -> web.Response:
        form = dict(request.query) if request.method == "GET" else dict(await request.post())
        fields = {name: str(value) for name, value in form.items()}
        self.asked.append((request.path, fields))
        made = signature(
            ACCOUNT.token,
            request.method,
            f"{PUBLIC}{request.path}",
            list(fields.items()),
            request.headers[NONCE],
        )
        self.forged += made not in request.headers[SIGNATURE].split(",")
        return web.Response(text=f"<Response>{self.xml}</Response>", content_type="application/xml")

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async with asyncio.TaskGroup() as group:
            closing = group.create_task(self.close(socket))
            async for received in socket:
                message = received.json()
                if message["event"] == "start":
                    self.tokens.append(message["extra_headers"])
                    media = {
                        "contentType": "audio/x-mulaw",
                        "sampleRate": 8000,
                        "payload": b64encode(MULAW.tone(100)).decode(),
                    }
                    sid = message["start"]["streamId"]
                    await socket.send_json({"event": "playAudio", "streamId": sid, "media": media})
            closing.cancel()
        return socket

    async def close(self, socket: web.WebSocketResponse) -> None:
        await self.hangs_up.wait()
        await socket.close()

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


async def ask(
    plivo: PlivoPeer, method: str, path: str, body: Any = None, token: str = ACCOUNT.token
) -> tuple[int, Any]:
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT.auth_id, token)}
    url = f"{plivo.base}/v1/Account/{ACCOUNT.auth_id}/{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=body, headers=headers) as answered,
    ):
        return answered.status, await answered.json() if answered.status != 204 else None


@pytest.mark.integration
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_call_comes_in_and_the_caller_hangs_up(method: str) -> None:
    app = App()
    async with app.open() as plivo:
        async with plivo.ring(f"{PUBLIC}/answer", method=method, hangup_url=f"{PUBLIC}/hangup") as phone:
            call = await phone.stream()
            await call.played(100)
        assert [str(one) for one in (*plivo.faults, *call.faults)] == []
    assert app.paths() == ["/answer", "/stream-status", "/stream-status", "/hangup"]
    assert (app.forged, app.tokens) == (0, ["token=abc"])
    assert [form["Event"] for _, form in app.asked] == ["StartApp", "StartStream", "StopStream", "Hangup"]


@pytest.mark.integration
async def test_a_stream_that_does_not_keep_the_call_alive_does_not() -> None:
    app = App()
    app.xml = STREAM.replace('keepCallAlive="true" ', "")
    async with app.open() as plivo, plivo.ring(f"{PUBLIC}/answer") as phone:
        await phone.over()
        assert not phone.live
    app.xml += '<Wait length="30"/>'
    async with app.open() as plivo, plivo.ring(f"{PUBLIC}/answer") as phone:
        call = await phone.stream()
        await call.played(100)
        assert phone.live
    assert plivo.faults == []


@pytest.mark.integration
async def test_an_application_hangs_up_and_the_xml_goes_on() -> None:
    app = App()
    app.xml += "<Dial><Number>15550100003</Number></Dial>"
    async with app.open() as plivo, plivo.ring(f"{PUBLIC}/answer") as phone:
        await phone.stream()
        app.hangs_up.set()
        await phone.until(lambda: [one.name for one in phone.did] == ["Stream", "Dial"], "no Dial")


@pytest.mark.integration
async def test_a_call_is_made_transferred_and_ended_by_the_api() -> None:
    app = App()
    more = {"ring_url": f"{PUBLIC}/ring", "hangup_url": f"{PUBLIC}/hangup"}
    detects = {"machine_detection": "true", "machine_detection_url": f"{PUBLIC}/machine"}
    async with app.open() as plivo:
        status, made = await ask(plivo, "POST", "Call/", {**DIAL, **more, **detects})
        assert status == 201
        async with (await plivo.placed()).answer(machine=True) as phone:
            await phone.stream()
            told = dict(app.asked)["/ring"]
            assert told["RequestUUID"] == made["request_uuid"] != told["CallUUID"]
            path = f"Call/{told['CallUUID']}/"
            assert (await ask(plivo, "POST", f"{path}DTMF/", {"digits": "1#"}))[0] == 202
            moved = {"legs": "aleg", "aleg_url": f"{PUBLIC}/answer"}
            assert (await ask(plivo, "POST", path, moved))[0] == 202
            await phone.stream(2)
            assert (await ask(plivo, "DELETE", path)) == (204, None)
            await phone.over()
            assert (await ask(plivo, "DELETE", path))[0] == 404
        assert dict(app.asked)["/machine"]["Machine"] == "true"
        assert phone.pressed == ["1#"]
        await ask(plivo, "POST", "Call/", {**DIAL, **more, "machine_detection": "hangup"})
        await (await plivo.placed()).fail()
    assert app.asked[-1][1]["HangupCause"] == "USER_BUSY"
    assert app.forged == 0


@pytest.mark.integration
@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("Call", DIAL, 404),
        ("Call/", {"from": "15550100002", "to": "15550100009"}, 400),
        ("Call/", {**DIAL, "to": "five"}, 400),
        ("Call/", {**DIAL, "Answer_Url": "x"}, 400),
        ("Call/", {**DIAL, "answer_url": "voice.example.test"}, 400),
        ("Call/", {**DIAL, "answer_method": "PUT"}, 400),
        ("Call/", {**DIAL, "machine_detection": "yes"}, 400),
        ("Call/none/", {"legs": "aleg", "aleg_url": PUBLIC}, 404),
    ],
)
async def test_the_api_is_strict(path: str, body: Any, status: int) -> None:
    async with PlivoPeer.open(ACCOUNT) as plivo:
        assert (await ask(plivo, "POST", path, body))[0] == status
        assert (await ask(plivo, "POST", "Call/", DIAL, "wrong"))[0] == 401
        assert len(plivo.faults) == 2


@pytest.mark.unit
@pytest.mark.parametrize(
    "xml",
    [
        "<Answer/>",
        "<Response>",
        "<Response><Connect/></Response>",
        "<Response><Stream url='x'>wss://a.test</Stream></Response>",
        "<Response><Stream>ws://a.test</Stream></Response>",
        "<Response><Stream bidirectional='yes'>wss://a.test</Stream></Response>",
        "<Response><Stream contentType='audio/pcmu'>wss://a.test</Stream></Response>",
        "<Response><Stream bidirectional='true' audioTrack='both'>wss://a.test</Stream></Response>",
        "<Response><Stream extraHeaders='token=a-b'>wss://a.test</Stream></Response>",
        "<Response><Stream extraHeaders='token'>wss://a.test</Stream></Response>",
    ],
)
def test_xml_is_read_strictly(xml: str) -> None:
    with pytest.raises(Broken):
        stream_order(document(xml.encode())[0])


@pytest.mark.unit
@pytest.mark.parametrize(
    ("method", "query", "form", "expected"),
    [
        (
            "POST",
            "",
            [("CallUUID", "abc"), ("From", "15550100001"), ("To", "15550100002")],
            "afoBP8gRH7Vee2uoex79FrodwuwslO0YZ1ArojRlEz4=",
        ),
        (
            "POST",
            "?z=1&a=2",
            [("CallUUID", "abc"), ("From", "15550100001")],
            "jTZVSTEPfuYcqiAbf4nCpMJkM0q5DowCAIBVmGE829g=",
        ),
        (
            "GET",
            "?b=2",
            [("CallUUID", "abc"), ("From", "15550100001")],
            "dQwHf9TYqdWq9e/roDE/LHWK5gzrcx23nQT5zl1Bmog=",
        ),
        ("POST", "", [], "xqQbkF3RzDCwIZ75xFeUWvx0G2zWqf5FY9VbK59wdMo="),
    ],
)
def test_signatures_are_those_of_the_reference(
    method: str, query: str, form: list[tuple[str, str]], expected: str
) -> None:
    url = f"https://voice.example.test/plivo/answer{query}"
    assert signature(ACCOUNT.token, method, url, form, "12345") == expected
