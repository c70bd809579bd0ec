"""Lines that one worker keeps for all: calls that OpenAI holds on SIP, and Asterisk's AudioSockets. What is asked about
them comes to the worker that has not got it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.carrier_peers.audiosocket_call import dialling_tcp
from tests.carrier_peers.audiosocket_stream import AudioSocketStream
from tests.carrier_peers.http import Asked, deliver, form_request
from tests.peers.ids import new_id
from tests.peers.openai_calls import Answered, CallsPeer, OpenAiCallsPeer, RingingCall
from tests.peers.script import Reply, Script
from tests.workers.carriers import ASTERISK, AUDIOSOCKET_PORT, OPENAI_PORT
from tests.workers.crew import READER, Crewed, comes, got

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

FIRST = 0
"""The worker that has AudioSocket's port."""


async def ending(two: Crewed, session_id: str) -> str | None:
    """Why the call of a session ended, once it has."""
    found: list[str | None] = []

    async def over() -> bool:
        found[:] = await two.reasons_in(session_id)
        return bool(found) and None not in found

    assert await comes(over)
    [reason] = found
    return reason


async def live_there(two: Crewed, session_id: str, home: int) -> None:
    """What a session tells of its phone call, asked of the other worker."""

    state = f"{two.url}/api/sessions/{session_id}/state"
    assert (await two.wrongly(home, lambda http: got(http, state)))["telephony"]["status"]


# ── OpenAI ──


@asynccontextmanager
async def openai_sip() -> AsyncIterator[CallsPeer]:
    script = Script(replies=(Reply("Larkfield Dental.", audio=bytes(24_000)),))
    async with OpenAiCallsPeer.open(script, port=OPENAI_PORT) as openai:
        yield openai
        assert openai.faults == []
        assert openai.realtime.faults == []


def webhook_for(home: int) -> str:
    """A name of a webhook that this worker remembers."""
    while READER.home_of_name(name := new_id("wh")) != home:
        pass
    return name


async def rings(two: Crewed, openai: CallsPeer, call: RingingCall, webhook_id: str) -> Answered:
    return await openai.ring(f"{two.url}/telephony/openai/voice", call, webhook_id=webhook_id)


async def test_openais_webhook_comes_to_the_other_worker_and_again_to_either(two: Crewed) -> None:
    home = 1
    async with openai_sip() as openai:
        call, webhook_id = openai.ringing(), webhook_for(home)
        answered = await two.wrongly(home, lambda _: rings(two, openai, call, webhook_id))
        assert answered.status == 200
        # Told again: the call was answered once, and goes on.
        assert (await two.wrongly(home, lambda _: rings(two, openai, call, webhook_id))).status == 200
        with two.only(home):
            assert (await rings(two, openai, call, webhook_id)).status == 200
        assert call.verbs == ["accept"]
        await openai.realtime.received.until("response.create", within_s=30)
        session_id = await two.session_of(call.call_id)
        assert READER.home(session_id) == home, "the call is where its webhook is remembered"
        await live_there(two, session_id, home)
        await openai.hang_up(call)
        assert await ending(two, session_id) == "hung-up"


async def test_what_openai_refused_is_answered_when_it_comes_again_to_the_other_worker(two: Crewed) -> None:
    async with openai_sip() as openai:
        call, webhook_id = openai.ringing(), webhook_for(0)
        openai.refusing = 500
        assert (await two.wrongly(0, lambda _: rings(two, openai, call, webhook_id))).status == 503
        openai.refusing = None
        assert (await two.wrongly(0, lambda _: rings(two, openai, call, webhook_id))).status == 200
        assert call.verbs == ["accept"]
        await openai.realtime.received.until("response.create", within_s=30)
        call_id = (await two.calls_in(await two.session_of(call.call_id)))[0]

        async def hung_up(http: aiohttp.ClientSession) -> int:
            async with http.post(f"{two.url}/v1/realtime/calls/{call_id}/hangup") as answer:
                return answer.status

        # Ended here, by way of the other worker, it is ended there.
        assert await two.wrongly(0, hung_up) == 200
        assert await comes(call_is_over(call))
        assert call.verbs == ["accept", "hangup"]


def call_is_over(call: RingingCall) -> Callable[[], Awaitable[bool]]:
    async def over() -> bool:
        return call.over

    return over


# ── AudioSocket ──


def dialplan_asks(two: Crewed, name: str) -> Asked:
    fields = [("Call", name), ("From", "+15550100001"), ("To", "+15550100002")]
    asked = form_request("POST", f"{two.url}/telephony/asterisk_audiosocket/voice", fields)
    return asked.with_headers(Authorization=f"Bearer {ASTERISK}")


async def test_a_dialplan_asks_the_other_worker_and_its_audiosocket_finds_the_first(two: Crewed) -> None:
    name = str(uuid.uuid4())
    asked = dialplan_asks(two, name)
    given = await two.wrongly(FIRST, lambda _: deliver(asked))
    assert given.status == 200, given.text
    # Asked again, of either: the same call, with a UUID of its own.
    again = await two.wrongly(FIRST, lambda _: deliver(asked))
    with two.only(FIRST):
        third = await deliver(asked)
    channels = [uuid.UUID(one.text) for one in (given, again, third)]
    assert len(set(channels)) == 3
    assert {READER.home(channel.hex) for channel in channels} == {FIRST}
    session_id = await two.session_of(name)
    assert READER.home(session_id) == FIRST
    async with dialling_tcp(AudioSocketStream(8000, channels[1]), "127.0.0.1", AUDIOSOCKET_PORT) as call:
        await call.played(100, within_s=30)
        await live_there(two, session_id, FIRST)
        assert call.faults == []
    assert await ending(two, session_id) == "hung-up"
    assert len(await two.calls_in(session_id)) == 1
    # A UUID is good once.
    async with dialling_tcp(AudioSocketStream(8000, channels[1]), "127.0.0.1", AUDIOSOCKET_PORT) as call:
        await call.over(30)
    assert len(await two.calls_in(session_id)) == 1
