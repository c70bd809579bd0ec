"""Two workers as their users start them: what comes to the wrong one is answered by the right one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.crew import Crew
from tests.whole.dial import credentials, dial
from tests.workers.crew import Crewed, called, crewed, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

READER = Crew(0, 2)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crewed]:
    with crewed(tmp_path_factory.mktemp("two")) as server:
        yield server


async def test_calls_are_spread(two: Crewed) -> None:
    async with contextlib.AsyncExitStack() as stack:
        calls = [(await stack.enter_async_context(called(two)))[0] for _ in range(6)]
        homes = [READER.home_of_call(call) for call in calls]
    assert 2 <= sum(homes) <= 4


async def test_a_call_is_hung_up_by_way_of_the_other_worker(two: Crewed) -> None:
    async with called(two) as (call_id, socket):

        async def hang_up(http: aiohttp.ClientSession) -> int:
            async with http.post(f"{two.url}/v1/realtime/calls/{call_id}/hangup") as response:
                return response.status

        assert await two.wrongly(READER.home_of_call(call_id), hang_up) == 200
        async with asyncio.timeout(20):
            while (await socket.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                pass
        # The socket closes before the call is written down and forgotten; until then it may be hung up again.
        async with asyncio.timeout(20):
            while (status := await two.wrongly(READER.home_of_call(call_id), hang_up)) == 200:
                pass
        assert status == 404


async def test_a_sideband_joins_by_way_of_the_other_worker_and_both_ways_flow(two: Crewed) -> None:
    async with called(two) as (call_id, socket):

        async def join(http: aiohttp.ClientSession) -> dict[str, Any]:
            async with http.ws_connect(f"{two.url}/v1/realtime?call_id={call_id}") as side:
                await until(side, "session.created")
                await side.send_json(
                    {"type": "session.update", "session": {"type": "realtime", "instructions": "Hum."}}
                )
                return await until(side, "session.updated")

        told = await two.wrongly(READER.home_of_call(call_id), join)
        assert (
            told["session"]["instructions"]
            == (await until(socket, "session.updated"))["session"]["instructions"]
        )


@pytest.mark.parametrize("what", ["hold", "refer"])
async def test_what_is_asked_of_a_call_comes_to_it(two: Crewed, what: str) -> None:
    async with called(two) as (call_id, _):

        async def ask(http: aiohttp.ClientSession) -> str:
            place = f"{two.url}/v1/realtime/calls/{call_id}/{what}"
            async with http.post(place, json={"target_uri": "tel:+15550100001"}) as response:
                return str((await response.json())["error"]["code"])

        # The call is found; that it has no telephone to hold or put through is another matter.
        assert await two.wrongly(READER.home_of_call(call_id), ask) != "call_id_not_found"


async def test_a_session_has_one_live_call_at_whichever_worker_the_second_asks(two: Crewed) -> None:
    async with aiohttp.ClientSession() as http:
        minted = await credentials(http, two.url, "assistant")
    token = minted["token"]
    async with called(two, token) as (call_id, _):

        async def again(http: aiohttp.ClientSession) -> int:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await http.ws_connect(
                    f"{two.url}/v1/realtime", headers={"Authorization": f"Bearer {token}"}
                )
            return refusal.value.status

        assert await two.wrongly(READER.home_of_call(call_id), again) == 409


async def test_a_browsers_call_and_what_is_asked_of_it_anywhere(two: Crewed) -> None:
    """The offer, the session's state and record, and the hang-up, each at the worker that has not got it."""
    async with dial(two.url, persona="assistant") as call:
        await call.event("session.created")
        call_id = call.location.rpartition("/")[2]
        home = READER.home_of_call(call_id)
        assert READER.home(call.session_id) == home, "the call is where its session was opened"
        mine = {"X-Session-Access": call.access}

        async def state(http: aiohttp.ClientSession) -> tuple[int, str]:
            place = f"{two.url}/api/sessions/{call.session_id}/state"
            async with http.get(place, headers=mine) as response:
                return response.status, (await response.json())["sessionId"]

        # What is in the database any worker answers.
        async with aiohttp.ClientSession() as http:
            assert await state(http) == (200, call.session_id)

        async def again(http: aiohttp.ClientSession) -> int:
            headers = {"Authorization": f"Bearer {call.token}", "Content-Type": "application/sdp"}
            offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
            async with http.post(f"{two.url}/v1/realtime/calls", data=offer, headers=headers) as response:
                return response.status

        assert await two.wrongly(home, again) == 409

        async def hang_up(http: aiohttp.ClientSession) -> int:
            headers = {"Authorization": f"Bearer {call.token}"}
            place = f"{two.url}/v1/realtime/calls/{call_id}/hangup"
            async with http.post(place, headers=headers) as response:
                return response.status

        assert await two.wrongly(home, hang_up) == 200


async def rung(two: Crewed, call: str) -> str:
    """The media socket that the voice webhook of a call names."""
    async with aiohttp.ClientSession() as http:
        fields = {"CallSid": call, "From": "+15550100001", "To": "+15550100002", "Direction": "inbound"}
        async with http.post(f"{two.url}/telephony/twilio/voice", data=fields) as response:
            text = await response.text()
            assert response.status == 200, text
    found = re.search(r'url="(ws://[^"]+)"', text)
    assert found is not None, text
    return found[1]


def begun(call: str, token: str) -> list[dict[str, Any]]:
    start = {
        "streamSid": "MZ1", "accountSid": "AC1", "callSid": call, "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": token},
    }  # fmt: skip
    return [
        {"event": "connected", "protocol": "Call", "version": "1.0.0"},
        {"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": start},
    ]


async def test_a_phone_call_whose_socket_and_status_come_to_the_other_worker(two: Crewed) -> None:
    call = "CA" + os.urandom(16).hex()
    place = await rung(two, call)
    token = place.rpartition("/")[2]
    home = READER.home(token)

    async def speak(http: aiohttp.ClientSession) -> Any:
        socket = await http.ws_connect(place)
        for message in begun(call, token):
            await socket.send_json(message)
        silence = b64encode(b"\xff" * 160).decode()
        media = {
            "event": "media",
            "streamSid": "MZ1",
            "media": {"track": "inbound", "timestamp": "0", "payload": silence},
        }
        async with asyncio.timeout(20):
            while True:
                await socket.send_json(media)
                if json.loads(await socket.receive_str())["event"] == "media":
                    break

        async def told(other: aiohttp.ClientSession) -> int:
            fields = {"CallSid": call, "CallStatus": "completed", "SequenceNumber": "4"}
            async with other.post(f"{two.url}/telephony/twilio/status", data=fields) as response:
                return response.status

        assert await two.wrongly(home, told) == 200
        return socket

    async with aiohttp.ClientSession():
        socket = await two.wrongly(home, speak)
        await socket.close()

    async def again(http: aiohttp.ClientSession) -> int:
        socket = await http.ws_connect(place)
        for message in begun(call, token):
            await socket.send_json(message)
        async with asyncio.timeout(20):
            return int((await socket.receive()).type)

    # The token is used up, at the one place where it is known.
    assert await two.wrongly(home, again) in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_a_voice_webhook_that_is_sent_again_is_the_same_call(two: Crewed) -> None:
    call = "CA" + os.urandom(16).hex()
    home = READER.home((await rung(two, call)).rpartition("/")[2])
    again = await two.wrongly(home, lambda _: rung(two, call))
    assert READER.home(again.rpartition("/")[2]) == home


async def test_one_page_of_figures_tells_of_all_workers(two: Crewed) -> None:
    async with (
        called(two), called(two), called(two),
        aiohttp.ClientSession() as http, http.get(f"{two.url}/metrics") as response,
    ):  # fmt: skip
        text = await response.text()
    assert re.search(r"^parley_calls_live 3\.0$", text, re.M), text
    assert re.search(r"^parley_calls_max 50\.0$", text, re.M)


async def test_a_worker_that_is_killed_is_replaced_and_its_calls_end_and_no_others(tmp_path: Path) -> None:
    with crewed(tmp_path) as two:
        async with (
            called(two) as (one, socket),
            called(two) as (other, survivor),
            called(two) as (third, sock3),
        ):
            calls = {one: socket, other: survivor, third: sock3}
            home = READER.home_of_call(one)
            kept = [call for call in calls if READER.home_of_call(call) != home]
            assert kept
            before = two.pid(home)
            os.kill(before, signal.SIGKILL)
            async with asyncio.timeout(60):
                while (await socket.receive()).type not in (
                    aiohttp.WSMsgType.CLOSED,
                    aiohttp.WSMsgType.ERROR,
                ):
                    pass
                while True:
                    with sqlite3.connect(tmp_path / "data" / "parley.db") as database:
                        ended = dict(
                            database.execute("select id, reason from calls where ended_at is not null")
                        )
                    if one in ended:
                        break
                    await asyncio.sleep(0.2)
            assert ended[one] == "crashed"
            for call in kept:
                await calls[call].send_json({"type": "session.update", "session": {"type": "realtime"}})
                await until(calls[call], "session.updated")
            async with asyncio.timeout(60):
                while True:
                    try:
                        if two.pid(home) != before:
                            break
                    except LookupError:
                        pass
                    await asyncio.sleep(0.1)
        assert f"worker {home} is gone (signal 9)" in two.server.written()
