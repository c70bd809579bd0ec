"""Two hundred calls within a second, over real sockets: six lines, and one caller who is already talking."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.carrier_peers.twilio_hooks import Account
from tests.carrier_peers.twilio_peer import TwilioPeer
from tests.carrier_peers.twilio_phone import TwilioPhone
from tests.e2e.server import Server, running
from tests.telephony.record import idle, only_call

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

PUBLIC = "https://voice.example.test"
VOICE = f"{PUBLIC}/telephony/twilio/voice"
ACCOUNT = Account()
LINES = 6
"""Few: it is those who are let in that cost, each a greeting of the embedded voice, and on a starved machine a webhook
may then wait longer than Twilio does."""
CALLS = 200
SETTLED_S = 60.0
"""Generous: the callers' own process plays two hundred phones."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(
        tmp_path_factory.mktemp("rush"),
        TWILIO_AUTH_TOKEN=ACCOUNT.token,
        PARLEY_PUBLIC_URL=PUBLIC,
        PARLEY_MAX_CALLS=str(LINES),
        PARLEY_PHONE_PERSONA="dental_reception",
    ) as server:
        yield server


def taken(phone: TwilioPhone) -> bool:
    """Whether the caller hears somebody."""
    return any(stream.heard.played_ms > 0 for stream in phone.streams)


def refused(phone: TwilioPhone) -> bool:
    """Whether the caller was told that all lines are busy."""
    return any(verb.name in ("Reject", "Say") for verb in phone.did)


def settled(phone: TwilioPhone) -> bool:
    return taken(phone) or refused(phone)


async def test_each_is_taken_or_told_so_and_who_talks_is_not_disturbed(server: Server) -> None:
    async with TwilioPeer.open(ACCOUNT, via=server.url) as twilio, twilio.ring(VOICE) as first:
        talking = await first.stream()
        await talking.played(500, within_s=10)
        phones: list[TwilioPhone] = []
        all_settled = asyncio.Event()

        async def ring(at_s: float) -> None:
            await asyncio.sleep(at_s)
            async with twilio.ring(VOICE) as phone:
                phones.append(phone)
                while not settled(phone):  # noqa: ASYNC110 - only the clock tells what is heard
                    await asyncio.sleep(0.1)
                if sum(map(settled, phones)) >= CALLS:
                    all_settled.set()
                await all_settled.wait()

        async with asyncio.timeout(SETTLED_S), asyncio.TaskGroup() as group:
            for number in range(CALLS):
                group.create_task(ring(number / CALLS))
        assert talking.ended is None
        before = talking.heard.played_ms
        await talking.quiet()
        await talking.say("dental_01_book")
        await talking.played(max(before, talking.heard.played_ms) + 500, within_s=20)
        assert talking.faults == []
    assert len(phones) == CALLS
    assert all(phone.webhooks for phone in phones)
    assert not any(taken(phone) and refused(phone) for phone in phones)
    assert sum(map(taken, phones)) == LINES - 1
    assert sum(map(refused, phones)) == CALLS - LINES + 1
    assert twilio.faults == []
    await idle(server)
    assert only_call(server, first.call.sid).ending == "caller/hung-up"
