"""`parley phone carrier`: calls that a running server places ring here, and its commands are obeyed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from tests.caller_audio import caller
from tests.e2e.server import INHERITED, Server, running
from tests.softphone.phone import ROOT, carrier_calls, phone
from tests.telephony.record import only_call

pytestmark = pytest.mark.integration

TOKEN = "a secret"
ACCOUNT = "AC0"
ENVIRONMENT = {"TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_ACCOUNT_SID": ACCOUNT}
AUTH = aiohttp.encode_basic_auth(ACCOUNT, TOKEN)
DIAL = {"To": "+15550100009", "From": "+15550100002"}


@dataclass
class Carrier:
    """A running one, and what it tells."""

    process: asyncio.subprocess.Process
    api: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)

    async def next(self, kind: str) -> dict[str, Any]:
        """Read on until it tells that."""
        assert self.process.stdout is not None
        async with asyncio.timeout(40):
            while line := await self.process.stdout.readline():
                self.events.append(json.loads(line))
                if self.events[-1]["event"] == kind:
                    return self.events[-1]
        raise AssertionError(f"it never told {kind}: {self.events}")

    async def ended(self) -> int:
        async with asyncio.timeout(10):
            return await self.process.wait()


@asynccontextmanager
async def carrier(port: int, *arguments: str) -> AsyncIterator[Carrier]:
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | ENVIRONMENT
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "phone", "carrier", "--listen", f"127.0.0.1:{port}", "--json"),
        *("--answer-after", "0.3", *arguments),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        one = Carrier(process)
        told = await one.next("start")
        one.api = f"http://127.0.0.1:{port}/2010-04-01/Accounts/{ACCOUNT}/Calls"
        assert f"http://127.0.0.1:{port}" in told["text"]
        yield one
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


PORT = 18_423
"""Of the API: the server has to know it as it starts."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(
        tmp_path_factory.mktemp("outbound"),
        PARLEY_TELEPHONY_OPEN="1",
        PARLEY_TWILIO_API_URL=f"http://127.0.0.1:{PORT}",
        TWILIO_PHONE_NUMBER="+15550100002",
        **ENVIRONMENT,
    ) as server:
        yield server


async def place(server: Server) -> str:
    """Has the server call somebody; the session."""
    ask = {"phoneNumber": "+15550100009", "scenarioId": "dental-appointment"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{server.url}/api/cp/sessions/outbound", json=ask) as answer,
    ):
        told = await answer.json()
        assert answer.status == 200, told
        return str(told["sessionId"])


def told_of(server: Server, session: str) -> list[str]:
    """The particulars of a session's channel events."""
    [path] = (server.log.parent / "data").glob("*.db")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        query = "SELECT meta FROM channel_events WHERE session_id = ?"
        return [row[0] or "{}" for row in db.execute(query, (session,))]


async def post(url: str, form: dict[str, str], auth: str | None = AUTH) -> tuple[int, Any]:
    headers = {} if auth is None else {"Authorization": auth}
    async with aiohttp.ClientSession() as http, http.post(url, data=form, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_call_that_the_server_places_is_held(server: Server) -> None:
    async with carrier(PORT, "--calls", "1", "--say", str(caller("dental_01_book"))) as twilio:
        await place(server)
        await twilio.next("picked-up")
        summary = await twilio.next("summary")
        assert await twilio.ended() == 0
    assert summary["rules"] == []
    assert len(summary["reply_ms"]) == 1
    assert summary["greeting_ms"] < 1500
    [call] = carrier_calls(server)
    recorded = only_call(server, call)
    assert recorded.persona == "dental_reception"
    assert any("appointment" in text.lower() for role, text in recorded.said if role == "user")
    assert [status for _, status in recorded.events][-1] == "completed"
    assert "ringing" in [status for _, status in recorded.events]


async def test_who_picked_up_is_told_when_the_server_asks(server: Server) -> None:
    short = ("--calls", "1", "--answered-by", "human", "--verdict-after", "0.5", "--duration", "5")
    async with carrier(PORT, *short) as twilio:
        session = await place(server)
        await twilio.next("verdict")
        summary = await twilio.next("summary")
        assert await twilio.ended() == 0
    assert summary["rules"] == []
    assert any(json.loads(meta).get("answeredBy") == "human" for meta in told_of(server, session))


async def test_a_busy_line_is_told(server: Server) -> None:
    async with carrier(PORT, "--calls", "1", "--outcome", "busy") as twilio:
        await place(server)
        assert (await twilio.next("ended"))["text"] == "nobody answers: busy"
        assert await twilio.ended() == 0
    assert only_call(server, carrier_calls(server)[-1]).events[-1] == ("call_completed", "busy")


async def test_commands_are_obeyed_and_a_telephone_takes_one_call(
    server: Server, unused_tcp_port: int
) -> None:
    voice = f"{server.url}/telephony/twilio/voice"
    hello = {**DIAL, "Twiml": '<Response><Pause length="30"/></Response>'}
    async with carrier(unused_tcp_port) as twilio:
        status, told = await post(f"{twilio.api}.json", hello)
        assert status == 201
        call = f"{twilio.api}/{told['sid']}.json"
        assert (await post(f"{twilio.api}.json", hello))[0] == 429
        assert (await post(call, {"Url": voice}))[1]["code"] == 21220  # nobody has picked up yet
        await twilio.next("picked-up")
        dial = "<Response><Dial><Number>+15550100003</Number></Dial></Response>"
        assert (await post(call, {"Twiml": dial}))[0] == 200
        assert (await twilio.next("transferred"))["to"] == "+15550100003"
        assert (await twilio.next("summary"))["transferred"] == "+15550100003"
        assert (await post(call, {"Status": "completed"}))[1]["code"] == 20404
        _, told = await post(f"{twilio.api}.json", hello)
        call = f"{twilio.api}/{told['sid']}.json"
        await twilio.next("picked-up")
        assert (await post(call, {"Status": "completed"}))[0] == 200
        assert (await twilio.next("ended"))["text"] == "the server hung up"
        headers = {"Authorization": AUTH}
        async with aiohttp.ClientSession() as http, http.get(call, headers=headers) as answer:
            assert (await answer.json())["status"] == "completed"
        twilio.process.send_signal(signal.SIGINT)
        assert await twilio.ended() == 0


async def test_the_api_hangs_up_in_the_middle_of_a_stream(server: Server) -> None:
    async with carrier(PORT, "--calls", "1") as twilio:
        await place(server)
        await twilio.next("agent-speaks")
        sid = carrier_calls(server)[-1]
        assert (await post(f"{twilio.api}/{sid}.json", {"Status": "completed"}))[0] == 200
        assert (await twilio.next("ended"))["text"] == "the server hung up"
        assert await twilio.ended() == 0
    assert only_call(server, sid).ending == "caller/hung-up"


@pytest.mark.parametrize(
    ("form", "auth", "status", "code"),
    [
        ({**DIAL, "Url": "http://x"}, None, 401, 20003),
        ({**DIAL, "Url": "http://x"}, aiohttp.encode_basic_auth(ACCOUNT, "another"), 401, 20003),
        ({"From": "+15550100002", "Url": "http://x"}, AUTH, 400, 21211),
        ({**DIAL, "From": "me", "Url": "http://x"}, AUTH, 400, 21212),
        (DIAL, AUTH, 400, 21205),
        ({**DIAL, "Url": "http://x", "Twiml": "<Response/>"}, AUTH, 400, 21205),
        ({**DIAL, "Twiml": "x" * 4001}, AUTH, 400, 21617),
        ({**DIAL, "Url": "http://x", "Colour": "red"}, AUTH, 400, 20001),
        ({**DIAL, "Url": "http://x", "StatusCallbackEvent": "sneezed"}, AUTH, 400, 20001),
    ],
)
async def test_wrong_requests_are_refused_as_twilio_does(
    one_carrier: Carrier, form: dict[str, str], auth: str | None, status: int, code: int
) -> None:
    answered, told = await post(f"{one_carrier.api}.json", form, auth)
    assert (answered, told["code"]) == (status, code)


@pytest.fixture
async def one_carrier(unused_tcp_port: int) -> AsyncIterator[Carrier]:
    async with carrier(unused_tcp_port) as twilio:
        yield twilio


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--listen", "9090"], "is not HOST:PORT"),
        (["--calls", "0"], "--calls"),
        (["--listen", "192.0.2.1:9090"], "--listen 192.0.2.1:9090: "),
    ],
)
async def test_wrong_usage_is_told(arguments: list[str], told: str) -> None:
    ran = await phone("carrier", *arguments)
    assert ran.code == 2
    assert told in ran.err
