"""Callers who do what no caller should: each gets a clear answer, and nothing of them stays."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.clients.peer import Caller
from tests.e2e.server import Server, running, settles
from tests.whole.dial import credentials, dial, place

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("hostile")
    # With a server key set nobody counts as a server for merely being on this machine.
    limits = {"PARLEY_SETUP_S": "3", "PARLEY_MAX_CALLS": "3", "PARLEY_API_KEYS": "sk-of-another"}
    with running(folder, **limits) as server:
        yield server


async def ended(server: Server, count: int, ending: str, within_s: float = 15.0) -> None:
    """Wait until so many calls have ended with this ending."""
    assert await asyncio.to_thread(
        settles, lambda: server.written().count(f"ending={ending}") >= count, within_s
    ), server.written()


def endings(server: Server, ending: str) -> int:
    return server.written().count(f"ending={ending}")


async def refused(server: Server, token: str, offer: str) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as http:
        status, body, _ = await place(http, server.url, token, offer)
        return status, json.loads(body)["error"]


async def granted(server: Server) -> str:
    async with aiohttp.ClientSession() as http:
        return str((await credentials(http, server.url, "dental_reception"))["token"])


@pytest.mark.parametrize(
    "offer",
    ["", "garbage", "v=0\r\n", "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 X 0\r\n" * 3],
)
async def test_an_sdp_of_garbage(server: Server, offer: str) -> None:
    status, error = await refused(server, await granted(server), offer)
    assert status == 400
    assert error["code"] == "invalid_offer"
    assert len(str(error["message"])) > 20


async def test_an_offer_with_video_only(server: Server) -> None:
    caller = Caller(channel=None)
    try:
        caller.pc.addTransceiver("video", "recvonly")
        await caller.pc.setLocalDescription(await caller.pc.createOffer())
        status, error = await refused(server, await granted(server), caller.pc.localDescription.sdp)
    finally:
        await caller.close()
    assert (status, error["code"]) == (400, "invalid_offer")
    assert "audio" in str(error["message"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: "",
        lambda t: "ek_x",
        lambda t: t[:-2] + "AA",
        lambda t: t.replace("ek_e", "ek_f"),
        lambda t: "sk-" + t,
    ],
)
async def test_a_forged_token(server: Server, spoil: object) -> None:
    assert callable(spoil)
    status, error = await refused(server, spoil(await granted(server)), "v=0\r\n")
    assert status == 401
    assert error["type"] == "authentication_error"


async def test_a_call_that_never_connects(server: Server) -> None:
    before = endings(server, "caller/never-connected")
    caller = Caller()
    try:
        async with aiohttp.ClientSession() as http:
            status, _, _ = await place(http, server.url, await granted(server), await caller.offer())
        assert status == 201
    finally:
        await caller.close()
    await ended(server, before + 1, "caller/never-connected")


async def test_two_calls_with_one_session(server: Server) -> None:
    async with aiohttp.ClientSession() as http, dial(server.url) as call:
        await call.event("session.created")
        second = Caller()
        try:
            status, body, _ = await place(http, server.url, call.token, await second.offer())
        finally:
            await second.close()
        assert status == 409
        assert "live call" in json.loads(body)["error"]["message"]


async def test_a_full_server_says_so_and_takes_the_next_call_later(server: Server) -> None:
    async with dial(server.url) as one, dial(server.url) as two, dial(server.url) as three:
        for call in (one, two, three):
            await call.event("session.created")
        caller = Caller()
        try:
            async with aiohttp.ClientSession() as http:
                status, body, headers = await place(
                    http, server.url, await granted(server), await caller.offer()
                )
        finally:
            await caller.close()
        assert status == 503
        assert int(headers["Retry-After"]) > 0
        assert "lines" in json.loads(body)["error"]["message"]

    async def again() -> None:
        async with dial(server.url) as call:
            await call.event("session.created")

    async with asyncio.timeout(10):
        while True:
            try:
                await again()
                break
            except AssertionError:
                await asyncio.sleep(0.2)


async def test_a_data_channel_full_of_nonsense(server: Server) -> None:
    async with dial(server.url) as call:
        await call.event("session.created")
        for message in (
            "",
            "{",
            "[]",
            "null",
            '"x"',
            '{"type": 7}',
            '{"type": "no.such.event", "event_id": "mine"}',
            "\x00" * 50,
            "[" * 5000,
        ):
            call.caller.channel.send(message)
        error = await call.event("error")
        assert error["error"]["message"]
        call.caller.channel.send(b"\xff\xfe" * 10)
        call.send(type="session.update", session={"type": "realtime"})
        await call.event("session.updated")
    assert "Traceback" not in server.written()


async def test_a_message_of_a_mebibyte(server: Server) -> None:
    before = server.written().count("call ended")
    async with dial(server.url) as call:
        await call.event("session.created")
        # A polite peer would keep to the answer's max-message-size; this one does not.
        assert call.caller.pc.sctp is not None
        call.caller.pc.sctp._remote_max_message_size = 0
        call.caller.channel.send(json.dumps({"type": "conversation.item.create", "junk": "x" * 2**20}))
        await asyncio.sleep(2.0)
    assert await asyncio.to_thread(settles, lambda: server.written().count("call ended") > before, 20.0)
    assert "Traceback" not in server.written()
    async with dial(server.url) as call:
        await call.event("session.created")


async def test_nothing_of_what_is_said_or_secret_is_logged(server: Server) -> None:
    async with dial(server.url) as call:
        await call.event("session.created")
        call.send(
            type="conversation.item.create",
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "my card is 4111111111111111"}],
            },
        )
        call.send(type="response.create")
        done = await call.event("response.output_audio_transcript.done")
    await ended(server, 1, "caller/hung-up")
    log = server.written()
    assert "4111111111111111" not in log
    assert str(done["transcript"])[:25] not in log
    assert "ek_" not in log
    assert call.access not in log


async def test_kill_9_in_the_middle_of_a_call_keeps_it(tmp_path: Path) -> None:
    """The next start closes the call with an ending, and its transcript is there."""
    data = {"PARLEY_DATA_DIR": str(tmp_path / "data")}
    environment = {**os.environ, **data, "PARLEY_ICE_ADDRESSES": "127.0.0.1"}
    process = await asyncio.to_thread(
        lambda: subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "--port", "0"], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2],
        )
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = await asyncio.to_thread(process.stdout.readline)
        found = re.search(r"http://\S+", line)
        assert found, line
        async with dial(found[0]) as call:
            await call.event("output_audio_buffer.stopped", 20)
            await asyncio.sleep(0.6)  # longer than the journal's batch of 250 ms
            process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(process.wait)
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        process.stdout.close()
    with running(tmp_path) as server:
        status, session = await asyncio.to_thread(
            lambda: server.get(f"/api/sessions/{call.session_id}", **{"x-session-access": call.access})
        )
    assert status == 200
    assert session["transcript"][0]["role"] == "assistant"
    (end,) = [event for event in session["timelineEvents"] if event["type"] == "call_ended"]
    assert "gateway/crashed" in end["description"]


def test_it_starts_quickly(tmp_path: Path) -> None:
    began = time.monotonic()
    with running(tmp_path):
        assert time.monotonic() - began < 20, "start-up takes seconds, even on a machine that is busy"
