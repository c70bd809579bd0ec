"""Twilio's calls against a running server with the embedded engine: webhook, stream, conversation, end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.carrier_peers import twilio_hooks
from tests.carrier_peers.http import Asked, deliver
from tests.carrier_peers.sockets import Refused
from tests.carrier_peers.twilio_hooks import Account, PhoneCall
from tests.carrier_peers.twilio_peer import TwilioPeer
from tests.carrier_peers.twilio_phone import TwilioPhone
from tests.carrier_peers.twilio_stream import TwilioCall
from tests.carrier_peers.twiml import answered_twiml, stream_order
from tests.e2e.server import Server, running
from tests.telephony.record import calls_of, idle, only_call, sessions_of

pytestmark = pytest.mark.integration

PUBLIC = "https://voice.example.test"
ACCOUNT = Account()
LINES = 3
KEY = "sk-5f0c6a1f8f7d4b6a"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("twilio")
    with running(
        folder,
        TWILIO_AUTH_TOKEN=ACCOUNT.token,
        PARLEY_PUBLIC_URL=PUBLIC,
        PARLEY_MAX_CALLS=str(LINES),
        PARLEY_API_KEYS=KEY,
        PARLEY_PHONE_PERSONA="+15550100009=bank_dispute, dental_reception",
    ) as server:
        yield server


@asynccontextmanager
async def rung(server: Server, **more: Any) -> AsyncIterator[tuple[TwilioPeer, TwilioPhone]]:
    async with (
        TwilioPeer.open(ACCOUNT, via=server.url) as twilio,
        twilio.ring(
            f"{PUBLIC}/telephony/twilio/voice", status_url=f"{PUBLIC}/telephony/twilio/status", **more
        ) as phone,
    ):
        yield twilio, phone
    await idle(server)


async def asked_for_stream(server: Server, call: PhoneCall) -> Any:
    """The voice webhook, and what its answer tells about the stream."""
    asked = twilio_hooks.voice(ACCOUNT, call, f"{PUBLIC}/telephony/twilio/voice")
    answered = await deliver(asked, server.url)
    assert answered.status == 200
    return stream_order(answered_twiml(answered)[0])


@asynccontextmanager
async def dialled(server: Server, order: Any, **more: Any) -> AsyncIterator[TwilioCall]:
    given = {"secret": ACCOUNT.token, "parameters": order.parameters, "via": server.url, **more}
    async with TwilioCall.dial(order.url, **given) as call:
        yield call


async def test_a_caller_is_greeted_answered_and_remembered(server: Server) -> None:
    async with rung(server) as (twilio, phone):
        call = await phone.stream()
        await call.played(500, within_s=5)
        first = call.heard.first_sound_ms()
        assert first is not None
        assert first < 1000
        await call.quiet()
        greeted = call.heard.played_ms
        await call.say("dental_01_book")
        await call.played(greeted + 1000, within_s=15)
        assert call.underruns == 0
        assert call.lead_ms_max <= 250
        assert call.faults == []
    assert twilio.faults == []
    session = only_call(server, phone.call.sid)
    assert session.leg == "twilio"
    assert session.persona == "dental_reception"
    assert session.ending == "caller/hung-up"
    assert {role for role, _ in session.said} == {"user", "assistant"}
    assert session.events == [("inbound_received", "ringing"), ("call_completed", "completed")]


async def test_the_number_that_was_called_chooses_who_answers(server: Server) -> None:
    async with rung(server, to="+15550100009") as (_, phone):
        await (await phone.stream()).played(200)
    assert only_call(server, phone.call.sid).persona == "bank_dispute"


async def test_a_lost_socket_is_attached_to_the_same_conversation(server: Server) -> None:
    async with rung(server) as (twilio, phone):
        first = await phone.stream()
        await first.played(500)
        first.drop()
        second = await phone.stream(2)
        await second.played(300)
    assert twilio.faults == []
    assert [verb.name for verb in phone.did] == ["Connect", "Connect"]
    assert only_call(server, phone.call.sid).calls == 1


async def test_when_all_lines_are_busy_twilio_is_told_so(server: Server) -> None:
    async with TwilioPeer.open(ACCOUNT, via=server.url) as twilio, asyncio.TaskGroup() as group:
        over = asyncio.Event()

        async def hold(up: asyncio.Event) -> None:
            async with twilio.ring(f"{PUBLIC}/telephony/twilio/voice") as phone:
                await phone.stream()
                up.set()
                await over.wait()

        for _ in range(LINES):
            up = asyncio.Event()
            group.create_task(hold(up))
            await up.wait()
        async with twilio.ring(f"{PUBLIC}/telephony/twilio/voice") as late:
            assert (await late.over()).status == "busy"
        over.set()
    assert twilio.faults == []
    assert sessions_of(server, late.call.sid) == []
    await idle(server)


async def test_calls_that_all_come_at_once_are_taken_or_told_and_none_hangs(server: Server) -> None:
    async with TwilioPeer.open(ACCOUNT, via=server.url) as twilio, asyncio.TaskGroup() as group:
        phones: list[TwilioPhone] = []
        all_settled, settled = asyncio.Event(), 0

        async def ring() -> None:
            nonlocal settled
            async with twilio.ring(f"{PUBLIC}/telephony/twilio/voice") as phone:
                phones.append(phone)
                async with asyncio.timeout(15):
                    while not (heard(phone) or told(phone)):  # noqa: ASYNC110 - only the clock tells what is heard
                        await asyncio.sleep(0.02)
                settled += 1
                if settled == 12:
                    all_settled.set()
                await all_settled.wait()

        for _ in range(12):
            group.create_task(ring())
    assert twilio.faults == []
    assert sum(map(heard, phones)) == LINES
    assert sum(map(told, phones)) == 12 - LINES
    await idle(server)


def heard(phone: TwilioPhone) -> bool:
    """Whether a call was taken: the caller was greeted."""
    return any(stream.heard.played_ms > 0 for stream in phone.streams)


def told(phone: TwilioPhone) -> bool:
    """Whether the caller was told that all lines are busy."""
    return any(verb.name in ("Reject", "Say") for verb in phone.did)


async def test_a_call_that_we_end_is_hung_up(server: Server) -> None:
    async with rung(server) as (twilio, phone):
        await (await phone.stream()).played(200)
        [call_id] = calls_of(server, phone.call.sid)
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http,
            http.post(f"{server.url}/v1/realtime/calls/{call_id}/hangup") as answer,
        ):
            assert answer.status == 200
        assert (await phone.over()).status == "completed"
    assert twilio.faults == []
    assert [verb.name for verb in phone.did] == ["Connect", "Hangup"]


async def test_what_is_not_twilios_is_403_and_leaves_nothing(server: Server) -> None:
    call = PhoneCall()
    good = twilio_hooks.voice(ACCOUNT, call, f"{PUBLIC}/telephony/twilio/voice")
    forged = twilio_hooks.voice(Account(token="f" * 32), call, f"{PUBLIC}/telephony/twilio/voice")
    elsewhere = replace(good, url=f"{PUBLIC}/telephony/twilio/voice?persona=assistant")
    wrong: list[Asked] = [
        good.with_headers(X_Twilio_Signature=""),
        good.with_headers(X_Twilio_Signature="AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        good.with_body(good.body.replace(b"ringing", b"queued")),
        forged,
        elsewhere,
    ]
    for asked in wrong:
        assert (await deliver(asked, server.url)).status == 403
        status = replace(asked, url=f"{PUBLIC}/telephony/twilio/status")
        assert (await deliver(status, server.url)).status == 403
    assert sessions_of(server, call.sid) == []


async def test_a_media_socket_needs_the_signature_and_a_token_that_was_not_used(server: Server) -> None:
    order = await asked_for_stream(server, PhoneCall())
    for more in ({"secret": "f" * 32}, {"secret": ""}):
        with pytest.raises(Refused) as refused:
            async with dialled(server, order, **more):
                pass
        assert refused.value.status == 403
    other = replace(order, url=f"{order.url[:-1]}{'0' if order.url[-1] != '0' else '1'}")
    none = replace(order, url=f"{PUBLIC.replace('https', 'wss')}/telephony/twilio/stream")
    for wrong in (other, none):
        with pytest.raises(Refused) as refused:
            async with dialled(server, wrong):
                pass
        assert refused.value.status == 403
    async with dialled(server, order) as call:
        await call.started()
        await call.played(100)
    with pytest.raises(Refused) as refused:
        async with dialled(server, order):
            pass
    assert refused.value.status == 403
    await idle(server)


async def test_a_stream_without_its_token_gets_no_line(server: Server) -> None:
    order = await asked_for_stream(server, PhoneCall())
    async with dialled(server, order, parameters={}) as call:
        assert (await call.over()).by == "application"
    assert call.heard.played_ms == 0
    await idle(server)


@pytest.mark.parametrize(
    "garbage",
    ["{", "[]", b"\x00\x01", '{"event":"media"}', '{"event":"start","start":3}', "9" * 60_000],
    ids=["half", "list", "binary", "media-first", "bad-start", "long"],
)
async def test_garbage_ends_one_call_and_no_other(server: Server, garbage: str | bytes) -> None:
    async with rung(server) as (twilio, phone):
        good = await phone.stream()
        call = PhoneCall()
        order = await asked_for_stream(server, call)
        async with dialled(server, order) as bad:
            await bad.started()
            await bad.played(100)
            await bad.send(garbage)
            assert (await bad.over()).by == "application"
        await good.played(good.heard.played_ms + 100)
        assert good.ended is None
    assert twilio.faults == []
    assert only_call(server, call.sid).ending == "caller/protocol-error"


async def test_the_same_webhook_twice_is_one_session(server: Server) -> None:
    call = PhoneCall()
    asked = twilio_hooks.voice(ACCOUNT, call, f"{PUBLIC}/telephony/twilio/voice")
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(deliver(asked, server.url)) for _ in range(2)]
    assert [one.result().status for one in both] == [200, 200]
    assert len(sessions_of(server, call.sid)) == 1


async def test_status_callbacks_are_kept_once_and_in_the_carriers_order(server: Server) -> None:
    call = PhoneCall()
    await asked_for_stream(server, call)
    status_url = f"{PUBLIC}/telephony/twilio/status"
    told = [
        twilio_hooks.status(ACCOUNT, call.now("completed"), status_url, 3, 42),
        twilio_hooks.status(ACCOUNT, call.now("ringing"), status_url, 1),
        twilio_hooks.status(ACCOUNT, call.now("in-progress"), status_url, 2),
    ]
    for asked in [*told, told[1]]:
        assert (await deliver(asked, server.url)).status == 200
    assert only_call(server, call.sid).events == [
        ("inbound_received", "ringing"),
        ("call_status", "ringing"),
        ("call_status", "in_progress"),
        ("call_completed", "completed"),
    ]


async def test_a_burst_of_calls_is_taken_or_refused_and_none_hangs(server: Server) -> None:
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        asked = [
            twilio_hooks.voice(ACCOUNT, PhoneCall(), f"{PUBLIC}/telephony/twilio/voice") for _ in range(50)
        ]
        answers = [group.create_task(deliver(one, server.url)) for one in asked]
    assert all(one.result().status == 200 for one in answers)
    assert time.monotonic() - began < 5


async def test_carriers_that_are_not_set_up_are_not_there(server: Server) -> None:
    async with aiohttp.ClientSession() as http:
        for path in ("telnyx/voice", "nobody/voice", "plivo/status"):
            async with http.post(f"{server.url}/telephony/{path}") as answer:
                assert answer.status == 404


def test_nothing_secret_is_logged(server: Server, tmp_path: Path) -> None:
    written = server.written()
    assert "+1555010" not in written
    assert ACCOUNT.token not in written
    assert "/stream/" not in written
