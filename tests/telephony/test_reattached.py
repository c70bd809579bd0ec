"""A socket that breaks is attached again to the same conversation, over the other carriers that ask how to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.http import Asked
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.manners import Manners
from tests.carrier_peers.signalwire_stream import SignalWireStream
from tests.carrier_peers.telnyx_stream import CallIds, TelnyxStream
from tests.carrier_peers.twilio_stream import Identity
from tests.telephony.bringing import CALLED, CALLER, SECRET, asks
from tests.telephony.office import Office, office
from tests.telephony.record import idle
from tests.telephony.whole import TELNYX, signalwire_asks, texml_asks

pytestmark = pytest.mark.integration

IDS = CallIds()
WHO = Identity(new_uuid(), new_uuid(), new_uuid())
Ask = Callable[[str, list[tuple[str, str]], str], Asked]


def signalwire(order: ElementTree.Element, server: Office) -> AbstractAsyncContextManager[Any]:
    stream = SignalWireStream(who=WHO, parameters=given(order), bearer=order.attrib["authBearerToken"])
    return dialling(stream, order.attrib["url"], via=server.url, manners=Manners(stops=False))


def texml(order: ElementTree.Element, server: Office) -> AbstractAsyncContextManager[Any]:
    stream = TelnyxStream(ids=IDS, parameters=given(order))
    return dialling(stream, order.attrib["url"], via=server.url, manners=Manners(stops=False))


def given(order: ElementTree.Element) -> dict[str, str]:
    return {one.attrib["name"]: one.attrib["value"] for one in order.findall("Parameter")}


@pytest.mark.parametrize(
    ("call", "settings", "ask", "dial"),
    [
        (WHO.call, {"SIGNALWIRE_SIGNING_KEY": SECRET}, signalwire_asks, signalwire),
        (IDS.control, {"TELNYX_PUBLIC_KEY": TELNYX.public}, texml_asks, texml),
    ],
    ids=["signalwire", "telnyx, by document"],
)
async def test_a_lost_socket_is_attached_to_the_same_conversation(
    tmp_path: Path, call: str, settings: dict[str, str], ask: Ask, dial: Any
) -> None:
    about = [("CallSid", call), ("AccountSid", "A"), ("From", CALLER), ("To", CALLED)]

    async def told(path: str, status: str, server: Office) -> ElementTree.Element:
        fields = [*about, ("CallStatus", status), ("Direction", "inbound")]
        answered = await asks(server, ask(path, fields, SECRET))
        order = ElementTree.fromstring(answered.text).find("Connect/Stream")
        assert order is not None
        return order

    async with office(tmp_path, settings) as made:
        async with dial(await told("voice", "ringing", made), made) as first:
            await first.played(300)
            first.drop()
        # The carrier asks as soon as the socket is gone.
        async with dial(await told("after", "in-progress", made), made) as second:
            await second.played(300)
            assert made.supervisor.live == 1
            assert second.faults == []
            await asyncio.sleep(0.2)
            await asks(
                made, ask("status", [*about, ("CallStatus", "completed"), ("CallDuration", "4")], SECRET)
            )
            await second.over()
        await idle(made)
        assert await made.kept("%") == 1
        assert len(made.model.sessions) == 1
        assert (await made.told(call)).ending == "caller/hung-up"
