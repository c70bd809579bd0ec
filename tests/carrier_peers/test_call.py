"""A call on a real socket: how it is ended, waited for, cut, held up, and misled."""

from __future__ import annotations

import asyncio
import json
import wave
from base64 import b64encode
from pathlib import Path

import pytest
from aiohttp import web

from tests.carrier_peers.application import sockets
from tests.carrier_peers.codecs import MULAW
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.genesys_stream import GenesysStream
from tests.carrier_peers.manners import Manners
from tests.carrier_peers.telnyx_stream import TelnyxStream
from tests.carrier_peers.twilio_stream import TwilioCall

pytestmark = pytest.mark.integration

URL = "wss://voice.example.test/stream"
TONE = json.dumps({"event": "media", "media": {"payload": b64encode(MULAW.tone(40)).decode()}})


async def listening(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass


async def test_an_application_that_hangs_up_is_noticed() -> None:
    async def rude(socket: web.WebSocketResponse) -> None:
        await socket.receive()
        await socket.close(code=1000)

    async with sockets(rude) as base, TwilioCall.dial(URL, secret="s", via=base) as call:
        ended = await call.over()
        assert (await call.say("common_yes")).from_ms >= ended.at_ms
        await call.press("5")
    assert (ended.by, ended.code) == ("application", 1000)
    assert "stop" not in call.sent.kinds


async def test_manners_can_be_bad() -> None:
    got: list[str] = []
    garbage = asyncio.Event()

    async def noting(socket: web.WebSocketResponse) -> None:
        async for received in socket:
            if received.data == "{":
                garbage.set()
                continue
            message = json.loads(received.data)
            got.append(message["event"] + message.get("media", {}).get("chunk", ""))

    bad = Manners(starts=False, stops=False, swap=2, repeat_every=3, lose_every=4)
    async with (
        sockets(noting) as base,
        TwilioCall.dial(URL, secret="s", via=base, manners=bad, signed="") as call,
    ):
        await call.speak(*[MULAW.tone(20)] * 8)
        await call.send("{")
        await garbage.wait()
        call.drop()
        assert (await call.over()).by == "carrier"
    assert got[:8] == ["connected", "media2", "media1", "media3", "media3", "media6", "media6", "media5"]
    assert "stop" not in got


async def test_a_silent_carrier_sends_no_media() -> None:
    quiet = Manners(opens=False, streams=False)
    async with (
        sockets(listening) as base,
        TwilioCall.dial(URL, secret="s", via=base, manners=quiet) as call,
    ):
        await call.speak(*[MULAW.tone(20)] * 3)
    assert call.sent.kinds == ["start", "stop"]


async def test_an_application_that_does_not_read_loses_sound() -> None:
    async def slow(socket: web.WebSocketResponse) -> None:
        await asyncio.sleep(0.9)
        await listening(socket)

    async with sockets(slow) as base, TwilioCall.dial(URL, secret="s", via=base) as call:
        await call.started()
        await call.send(*["x" * 3_900_000] * 4)
        await call.speak(MULAW.tone(20))
    assert "31930" in [fault.code for fault in call.faults]


async def test_waiting_has_an_end_and_says_what_came_instead() -> None:
    async def once(socket: web.WebSocketResponse) -> None:
        await socket.send_str('{"event":"clear"}')
        await listening(socket)

    async with sockets(once) as base, dialling(TelnyxStream(), URL, via=base) as call:
        await call.received.until("clear")
        with pytest.raises(TimeoutError, match="there was clear"):
            await call.received.until("mark", within_s=0.05)
        for waiting in (call.over(0.05), call.played(100, 0.05), call.quiet(1000, 0.05)):
            with pytest.raises(TimeoutError):
                await waiting
        await call.quiet(30)


async def test_a_failing_test_fails_as_itself() -> None:
    async with sockets(listening) as base:
        with pytest.raises(ZeroDivisionError):
            async with dialling(TelnyxStream(), URL, via=base):
                _ = 1 / 0


async def test_what_was_heard_can_be_kept(tmp_path: Path) -> None:
    async def tells(socket: web.WebSocketResponse) -> None:
        async for received in socket:
            if json.loads(received.data)["event"] == "start":
                await socket.send_str(TONE)

    async with sockets(tells) as base, dialling(TelnyxStream(), URL, via=base) as call:
        await call.played(39)
        await call.quiet(20)
    call.heard.save(tmp_path / "heard.wav")
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        assert file.getnframes() == pytest.approx(call.heard.length_ms * 8, abs=200)


async def test_an_end_that_is_not_answered_is_a_fault() -> None:
    stream = GenesysStream()
    async with sockets(listening) as base, dialling(stream, URL, via=base) as call:
        await call.started()
    assert [fault.code for fault in stream.faults] == ["farewell"]
    assert call.sent.kinds[-1] == "close"
