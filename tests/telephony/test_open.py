"""`PARLEY_TELEPHONY_OPEN`: whoever plays a carrier on this machine needs no proof; nobody else gets in."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit
from xml.etree import ElementTree

import aiohttp
import pytest

from tests.carrier_peers import twilio_hooks
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.http import deliver
from tests.carrier_peers.sockets import Refused
from tests.carrier_peers.twilio_hooks import Account, PhoneCall
from tests.carrier_peers.twilio_stream import TwilioStream
from tests.carrier_peers.vonage_stream import VonageStream
from tests.e2e.server import Server, running
from tests.telephony.record import idle, only_call

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("open"), PARLEY_TELEPHONY_OPEN="1") as server:
        yield server


def place(server: Server, path: str) -> str:
    return f"ws://{urlsplit(server.url).netloc}/telephony/{path}"


async def test_a_socket_without_a_webhook_is_a_call(server: Server) -> None:
    stream = TwilioStream(parameters={"persona": "bank_dispute"})
    async with dialling(stream, place(server, "twilio/stream")) as call:
        await call.played(300)
    assert call.faults == []
    async with dialling(VonageStream(16000), place(server, "vonage/stream")) as other:
        await other.played(300)
    assert other.faults == []
    await idle(server)


async def test_an_unsigned_webhook_is_answered(server: Server) -> None:
    phone = PhoneCall()
    asked = twilio_hooks.voice(Account(), phone, f"{server.url}/telephony/twilio/voice")
    answered = await deliver(asked.with_headers(X_Twilio_Signature=""))
    assert answered.status == 200
    stream = ElementTree.fromstring(answered.text).find("Connect/Stream")
    assert stream is not None
    given = {one.attrib["name"]: one.attrib["value"] for one in stream.findall("Parameter")}
    async with dialling(TwilioStream(parameters=given), stream.attrib["url"]) as call:
        await call.played(300)
    await idle(server)
    assert only_call(server, phone.sid).leg == "twilio"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "192.0.2.1"},
        {"Host": "voice.example.test"},
        {"Origin": "https://elsewhere.example"},
    ],
    ids=["proxied", "another-name", "another-page"],
)
async def test_others_find_nothing(server: Server, headers: dict[str, str]) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{server.url}/telephony/twilio/voice", headers=headers) as answer,
    ):
        assert answer.status == 404
    with pytest.raises(Refused, match="404"):
        async with dialling(TwilioStream(), place(server, "twilio/stream"), headers=headers):
            pass


async def test_a_persona_that_is_not_there_gets_no_line(server: Server) -> None:
    stream = TwilioStream(parameters={"persona": "nobody"})
    async with dialling(stream, place(server, "twilio/stream")) as call:
        assert (await call.over()).by == "application"
    await idle(server)


def test_the_start_warns(server: Server) -> None:
    assert "PARLEY_TELEPHONY_OPEN" in server.written()
