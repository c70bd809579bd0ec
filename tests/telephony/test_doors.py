"""What is particular about the carriers that come by themselves: probes, goodbyes, ports and addresses."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from pathlib import Path

import aiohttp
import pytest

from gateway.config import from_env
from gateway.errors import ConfigError
from tests.carrier_peers.audiosocket_call import dialling_tcp
from tests.carrier_peers.audiosocket_stream import AudioSocketStream
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.genesys_signing import Hook, signed_headers
from tests.carrier_peers.genesys_stream import PROBE, GenesysStream
from tests.carrier_peers.manners import GOOD
from tests.carrier_peers.sockets import Refused
from tests.telephony.bringing import GENESYS, SECRET, SOCKETS, WAYS, Wrong
from tests.telephony.office import office
from tests.telephony.record import basic, idle

pytestmark = pytest.mark.integration

URL = f"{SOCKETS}/telephony/genesys/stream"
AUDIOSOCKET = {"PARLEY_ASTERISK_SECRET": SECRET, "PARLEY_AUDIOSOCKET": "127.0.0.1:0"}


async def test_genesys_tries_the_connection_and_no_call_is_made(tmp_path: Path) -> None:
    async with office(tmp_path, WAYS["genesys"].settings) as made:
        hook = Hook("demo-api-key", GENESYS)
        stream = GenesysStream(hook, PROBE)
        async with dialling(stream, URL, headers=signed_headers(hook, URL), via=made.url) as call:
            await call.received.until("opened")
        assert call.faults == []
        assert made.model.sessions == {}
        assert await made.kept("%") == 0


@pytest.mark.parametrize("age_s", [-30, 30], ids=["from the future", "old"])
async def test_a_handshake_of_another_time_is_403(tmp_path: Path, age_s: int) -> None:
    async with office(tmp_path, WAYS["genesys"].settings) as made:
        hook = Hook("demo-api-key", GENESYS)
        headers = signed_headers(hook, URL, round(time.time()) - age_s)
        with pytest.raises(Refused, match="403"):
            async with dialling(GenesysStream(hook), URL, headers=headers, via=made.url):
                pass


@pytest.mark.parametrize(
    "name", ["genesys", "jambonz", "asterisk_websocket", "asterisk_audiosocket", "exotel, fixed address"]
)
async def test_when_we_hang_up_the_carrier_hears_of_it_in_its_own_words(tmp_path: Path, name: str) -> None:
    way = WAYS[name]
    async with office(tmp_path, way.settings) as made:
        async with way.bring(made, Wrong(), GOOD) as brought:
            await brought.call.played(200)
            [call_id] = made.model.sessions
            made.supervisor.hang_up(call_id)
            await brought.call.over()
        assert brought.call.faults == []
        await idle(made)


async def test_a_uuid_from_an_address_that_was_named_is_good_once(tmp_path: Path) -> None:
    settings = {**AUDIOSOCKET, "PARLEY_AUDIOSOCKET_FROM": "192.0.2.1, 127.0.0.0/8"}
    async with office(tmp_path, settings) as made:
        channel = uuid.uuid4()
        async with dialling_tcp(AudioSocketStream(8000, channel), *made.audiosocket) as call:
            await call.played(200)
        await idle(made)
        told = await made.told(str(channel), 2)
        assert told.events == [("inbound_received", "ringing"), ("call_completed", "completed")]
        async with dialling_tcp(AudioSocketStream(8000, channel), *made.audiosocket) as again:
            await again.over()
        assert again.heard.played_ms == 0
        assert await made.kept("%") == 1


async def test_a_uuid_from_elsewhere_has_to_be_ours(tmp_path: Path) -> None:
    settings = {**AUDIOSOCKET, "PARLEY_AUDIOSOCKET_FROM": "192.0.2.1"}
    async with office(tmp_path, settings) as made:
        async with dialling_tcp(AudioSocketStream(8000), *made.audiosocket) as call:
            await call.over()
        assert call.heard.played_ms == 0
        assert await made.kept("%") == 0


async def test_a_connection_that_says_nothing_costs_the_others_nothing(tmp_path: Path) -> None:
    settings = {**AUDIOSOCKET, "PARLEY_AUDIOSOCKET_FROM": "127.0.0.1"}
    async with office(tmp_path, settings, max_calls=2) as made:
        silent = [await asyncio.open_connection(*made.audiosocket) for _ in range(30)]
        # 2 lines and 20 to spare: the others were dropped at once.
        dropped = 0
        for reader, _ in silent:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    dropped += await reader.read(1) == b""
        assert dropped == 8
        for _, writer in silent:
            writer.close()
        await asyncio.sleep(0.1)
        async with dialling_tcp(AudioSocketStream(8000), *made.audiosocket) as call:
            await call.played(100)
        await idle(made)


async def test_a_socket_that_was_let_in_holds_the_line_until_it_is_gone(tmp_path: Path) -> None:
    url = "/telephony/asterisk_websocket/stream"
    headers = {"Authorization": basic("parley", SECRET)}
    async with (
        office(tmp_path, {"PARLEY_ASTERISK_SECRET": SECRET}, max_calls=1) as made,
        aiohttp.ClientSession(made.url, headers=headers) as http,
    ):
        async with http.ws_connect(url):
            # It has not said yet what call it is.
            with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                await http.ws_connect(url)
        for _ in range(300):
            try:
                async with http.ws_connect(url):
                    break
            except aiohttp.WSServerHandshakeError:
                await asyncio.sleep(0.1)
        else:
            pytest.fail("the line is still taken")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PARLEY_AUDIOSOCKET", "9092"),
        ("PARLEY_AUDIOSOCKET", "127.0.0.1:many"),
        ("PARLEY_AUDIOSOCKET_FROM", "asterisk.example.com"),
        ("GENESYS_CLIENT_SECRET", "not base64!"),
        ("ACS_CONNECTION_STRING", "endpoint=https://else.example;accesskey=s3cret!"),
    ],
)
def test_settings_that_cannot_be_meant_are_told(variable: str, value: str) -> None:
    with pytest.raises(ConfigError) as error:
        from_env({variable: value})
    assert [fault for fault in error.value.faults if fault.startswith(variable)]
    assert value not in str(error.value) or variable.startswith("PARLEY_")
