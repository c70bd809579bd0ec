"""Two workers as their users start them: what comes to the wrong one is answered by the right one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from typing import Any

import aiohttp
import pytest

from gateway.errors import DRAINED
from tests.e2e.server import settles
from tests.whole.dial import credentials, dial
from tests.workers.carriers import KEY
from tests.workers.crew import READER, Crewed, called, comes, over, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


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


async def test_one_page_of_figures_tells_of_all_workers(two: Crewed) -> None:
    async with (
        called(two), called(two), called(two),
        aiohttp.ClientSession() as http, http.get(f"{two.url}/metrics") as response,
    ):  # fmt: skip
        text = await response.text()
    assert re.search(r"^parley_calls_live 3\.0$", text, re.M), text
    assert re.search(r"^parley_calls_max 50\.0$", text, re.M)


async def test_a_worker_that_is_killed_is_replaced_and_its_calls_end_and_no_others(two: Crewed) -> None:
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
        await over(socket)

        async def ended() -> bool:
            return (await two.endings())[one] is not None

        assert await comes(ended)
        assert (await two.endings())[one] == "crashed"
        for call in kept:
            await calls[call].send_json({"type": "session.update", "session": {"type": "realtime"}})
            await until(calls[call], "session.updated")

        async def replaced() -> bool:
            try:
                return two.pid(home) != before
            except LookupError:
                return False

        assert await comes(replaced)
    assert f"worker {home} is gone (signal 9)" in two.server.written()


async def taken(two: Crewed) -> bool:
    """Whether one more call is; it is over at once."""
    async with aiohttp.ClientSession() as http:
        try:
            socket = await http.ws_connect(
                f"{two.url}/v1/realtime?model=gpt-realtime", headers={"Authorization": f"Bearer {KEY}"}
            )
        except aiohttp.WSServerHandshakeError as refusal:
            if refusal.status == 503:
                return False
            raise
        await socket.close()
        return True


async def test_a_stop_lets_calls_go_on_until_a_second_one(two: Crewed) -> None:
    """The last test of the server."""
    parent = two.server.process
    async with contextlib.AsyncExitStack() as stack:
        calls: dict[int, tuple[str, Any]] = {}
        # Until each worker has one; one of them may have been started anew.
        async with asyncio.timeout(60):
            while len(calls) < 2:
                call_id, socket = await stack.enter_async_context(called(two))
                if calls.setdefault(READER.home_of_call(call_id), (call_id, socket))[0] != call_id:
                    await socket.close()
        (first, one), (second, other) = calls[0], calls[1]
        parent.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(settles, lambda: "parley stops: " in two.server.written(), 30)
        assert "for 300 s" in two.server.written()
        for socket in (one, other):
            await socket.send_json({"type": "session.update", "session": {"type": "realtime"}})
            await until(socket, "session.updated")
        # The signal may come to the workers a moment later; then they take no more calls.
        async with asyncio.timeout(30):
            while await taken(two):
                pass
        await one.close()

        async def hung_up() -> bool:
            return (await two.endings())[first] == "hung-up"

        assert await comes(hung_up)
        assert (await two.endings())[second] is None
        assert parent.poll() is None
        parent.send_signal(signal.SIGTERM)
        await over(other)
        assert await asyncio.to_thread(settles, lambda: parent.poll() is not None, 60)
    assert parent.returncode == 0, two.server.written()[-2000:]
    assert (await two.endings())[second] == DRAINED.reason
