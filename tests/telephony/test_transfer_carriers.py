"""Callers who are put through, over every carrier whose API can: cold by its command, warm by a second call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from media.level import rms
from tests.carrier_peers.manners import GOOD
from tests.carrier_peers.twilio_hooks import PhoneCall
from tests.carrier_peers.twilio_phone import Plan, TwilioPhone
from tests.carrier_peers.voice import spoken
from tests.e2e.server import Server, running
from tests.peers.openai_ga import KEY, OpenAiPeer
from tests.peers.script import Heard, Script
from tests.telephony.bringing import SECRET, Wrong
from tests.telephony.carriers import ACS_SECRET, APIS, CARRIERS, PUBLIC, carrier_call, ended
from tests.telephony.office import office
from tests.telephony.record import idle, only_call
from tests.telephony.test_transfer import CLAIMS, DESK, GREETING_MS, answered
from tests.telephony.whole import WHOLE

pytestmark = pytest.mark.integration

OTHERS = [name for name in CARRIERS if name != "twilio"]


@asynccontextmanager
async def house(folder: Path, carrier: str, persona: str) -> AsyncIterator[tuple[Server, Any]]:
    script = Script(answer=answered, spare_heard=Heard("can i speak to a person"))
    async with OpenAiPeer.open(script) as model, CARRIERS[carrier]() as (peer, environ):
        settings = {
            **environ,
            "PARLEY_PUBLIC_URL": PUBLIC,
            "PARLEY_PHONE_PERSONA": persona,
            "PARLEY_TRANSFER_TARGETS": f"front desk={DESK}, claims={CLAIMS}",
            "PARLEY_PROVIDERS": "upstream",
            "PARLEY_UPSTREAM_URL": model.url,
            "PARLEY_UPSTREAM_API_KEY": KEY,
        }
        process = running(folder, **settings)
        server = await asyncio.to_thread(process.__enter__)
        peer.via = server.url
        try:
            yield server, peer
            await idle(server)
            assert peer.faults == []
        finally:
            await asyncio.to_thread(process.__exit__, None, None, None)


def ring(carrier: str, peer: Any) -> AbstractAsyncContextManager[Any]:
    here = f"{PUBLIC}/telephony/{carrier}"
    made: AbstractAsyncContextManager[Any]
    match carrier:
        case "telnyx":
            made = peer.ring()
        case "vonage":
            made = peer.ring(f"{here}/voice")
        case "acs":
            made = peer.ring(f"{here}/voice?secret={ACS_SECRET}")
        case _:
            made = peer.ring(f"{here}/voice", hangup_url=f"{here}/status")
    return made


async def asks(phone: Any) -> Any:
    """The caller is greeted, and asks for a person."""
    call = await phone.stream()
    await call.played(GREETING_MS)
    await call.quiet()
    await call.say("common_yes")
    return call


def crossed(recording: str, by: Any, heard_by: Any) -> float:
    """How much of what one said was heard by the other, to the bit, of the frames that are not silent."""
    codec = by.carrier.says
    frames = [codec.decode(frame) for frame in spoken(recording, codec, by.carrier.frame_ms)]
    loud = [frame for frame in frames if rms(frame) > 100]
    heard = b"".join(sound.pcm for sound in heard_by.heard.sounds)
    return sum(frame in heard for frame in loud) / len(loud)


@pytest.mark.parametrize("carrier", OTHERS)
async def test_a_caller_is_put_through_cold(tmp_path: Path, carrier: str) -> None:
    async with house(tmp_path, carrier, "insurance_claim") as (server, peer):
        async with ring(carrier, peer) as phone:
            call = await asks(phone)
            await call.over(15)
            await asyncio.sleep(2)
            assert not ended(carrier, phone), "nobody hangs up on who was put through"
        assert only_call(server, carrier_call(carrier, phone)).ending == "agent/transferred"


async def test_a_person_whom_azure_does_not_reach_sends_the_agent_back(tmp_path: Path) -> None:
    """Azure answers the command at once, and tells later that it came to nothing."""
    async with house(tmp_path, "acs", "insurance_claim") as (server, peer):
        async with ring("acs", peer) as phone:
            phone.reaches = False
            call = await asks(phone)
            await phone.heard_of("CallTransferFailed", 15)
            before = call.heard.played_ms
            await call.played(before + 1000)
            assert call.ended is None
            assert not ended("acs", phone)
        told = only_call(server, carrier_call("acs", phone))
        assert told.ending == "caller/hung-up"
        assert ("call_status", "transfer_failed") in told.events


async def test_a_caller_whom_telnyx_puts_through_to_nobody_is_not_left_in_silence(tmp_path: Path) -> None:
    async with house(tmp_path, "telnyx", "insurance_claim") as (_, peer), ring("telnyx", peer) as phone:
        phone.reaches = False
        call = await asks(phone)
        await call.over(15)
        async with asyncio.timeout(10):
            while not ended("telnyx", phone):  # noqa: ASYNC110 - a carrier in this process
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("carrier", OTHERS)
async def test_a_warm_transfer_joins_the_two(tmp_path: Path, carrier: str) -> None:
    async with house(tmp_path, carrier, "dental_reception") as (server, peer):
        async with ring(carrier, peer) as phone:
            call = await asks(phone)
            order = await peer.placed(10)
            async with order.answer() as person:
                told = await person.stream()
                await told.played(1500)
                await told.press("1")
                await asyncio.sleep(0.5)
                await asyncio.gather(call.say("dental_01_book"), told.say("insurance_01_report"))
                await asyncio.sleep(0.6)
                assert crossed("dental_01_book", call, told) > 0.9
                assert crossed("insurance_01_report", told, call) > 0.9
                await phone.hang_up()
                await told.over(10)
                async with asyncio.timeout(10):
                    while not ended(carrier, person):  # noqa: ASYNC110 - a carrier in this process
                        await asyncio.sleep(0.05)
        for one in (phone, person):
            assert only_call(server, carrier_call(carrier, one)).ending == "agent/transferred"


async def test_signalwire_puts_a_caller_through_to_a_number_that_a_server_names(tmp_path: Path) -> None:
    """Its own stream, and its API after Twilio's."""
    async with APIS["signalwire"]() as (peer, environ):
        settings = {**environ, "SIGNALWIRE_SIGNING_KEY": SECRET}
        async with office(tmp_path, settings) as made:
            async with WHOLE["signalwire"].bring(made, Wrong(), GOOD) as brought:
                await brought.call.played(300)
                known = PhoneCall(status="in-progress", sid=brought.name)
                peer.phones[known.sid] = TwilioPhone(peer, known, Plan())
                [call_id] = made.model.sessions
                call = made.supervisor.find(call_id)
                assert call is not None
                await call.refer(CLAIMS)
                await brought.call.over()
                assert brought.call.faults == []
            await idle(made)
            told = await made.told(brought.name, 4)
        [order] = peer.requests
        assert order.path.endswith(f"/Calls/{brought.name}.json")
        twiml = dict(order.form)["Twiml"]
        assert CLAIMS in twiml
        assert "<Dial" in twiml
        assert told.ending == "agent/transferred"
        assert ("call_status", "transferred") in told.events
        assert peer.faults == []
