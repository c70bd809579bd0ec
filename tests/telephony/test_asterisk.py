"""Calls of an Asterisk (chan_websocket) against a running server with the embedded engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.carrier_peers.asterisk_websocket_stream import AsteriskWebSocketStream
from tests.carrier_peers.call import Call
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.sockets import Refused
from tests.e2e.server import Server, running, settles
from tests.telephony.record import basic, idle, only_call, sessions_of

pytestmark = pytest.mark.integration

PUBLIC = "https://voice.example.test"
SECRET = "0123456789abcdef0123456789abcdef"
GOOD = basic("parley", SECRET)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(
        tmp_path_factory.mktemp("asterisk"),
        PARLEY_ASTERISK_SECRET=SECRET,
        PARLEY_PUBLIC_URL=PUBLIC,
        PARLEY_MAX_CALLS="2",
        PARLEY_PHONE_PERSONA="100=bank_dispute, dental_reception",
    ) as server:
        yield server


@asynccontextmanager
async def dialled(
    server: Server, authorization: str = GOOD, peer: AsteriskWebSocketStream | None = None, **told: str
) -> AsyncIterator[Call[AsteriskWebSocketStream]]:
    url = f"wss://voice.example.test/telephony/asterisk_websocket/stream?{urlencode(told)}"
    headers = {"Authorization": authorization} if authorization else {}
    stream = peer or AsteriskWebSocketStream(control="json")
    async with dialling(stream, url, headers=headers, via=server.url) as call:
        yield call


@pytest.mark.parametrize("control", ["json", "plain-text"])
async def test_a_caller_is_greeted_answered_and_remembered(server: Server, control: Any) -> None:
    peer = AsteriskWebSocketStream(control=control)
    name = f"1760000000.{control}"
    async with dialled(server, peer=peer, call=name, caller="+15550100001", called="200") as call:
        await call.played(500)
        await call.quiet()
        greeted = call.heard.played_ms
        await call.say("dental_01_book")
        await call.played(greeted + 1000, within_s=15)
        assert call.faults == []
        assert call.underruns == 0
    await idle(server)
    told = only_call(server, name)
    assert (told.leg, told.persona) == ("asterisk_websocket", "dental_reception")
    assert told.ending == "caller/hung-up"
    assert {role for role, _ in told.said} == {"user", "assistant"}
    assert settles(lambda: len(only_call(server, name).events) == 2, 20)
    assert only_call(server, name).events == [
        ("inbound_received", "ringing"),
        ("call_completed", "completed"),
    ]


async def test_the_extension_chooses_who_answers_and_the_dial_string_goes_before(server: Server) -> None:
    async with dialled(server, call="c-1", called="100") as call:
        await call.played(100)
    async with dialled(server, call="c-2", called="100", persona="insurance_claim") as call:
        await call.played(100)
    await idle(server)
    assert only_call(server, "c-1").persona == "bank_dispute"
    assert only_call(server, "c-2").persona == "insurance_claim"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        basic("parley", "wrong"),
        basic("root", SECRET),
        basic("parley", ""),
        f"Bearer {SECRET}",
        "Basic !",
    ],
    ids=["none", "another-password", "another-user", "no-password", "bearer", "garbage"],
)
async def test_without_the_secret_there_is_nothing(server: Server, authorization: str) -> None:
    with pytest.raises(Refused) as refused:
        async with dialled(server, authorization, call="c-3"):
            pass
    assert refused.value.status == 403
    assert sessions_of(server, "c-3") == []


async def test_a_token_in_the_path_is_no_proof(server: Server) -> None:
    url = "wss://voice.example.test/telephony/asterisk_websocket/stream/0123456789"
    with pytest.raises(Refused, match="403"):
        async with dialling(
            AsteriskWebSocketStream(), url, headers={"Authorization": GOOD}, via=server.url
        ):
            pass


async def test_a_persona_that_is_not_there_is_404(server: Server) -> None:
    with pytest.raises(Refused, match="404"):
        async with dialled(server, call="c-4", persona="nobody"):
            pass
    assert sessions_of(server, "c-4") == []


async def test_two_calls_of_one_name_are_two_sessions(server: Server) -> None:
    async with dialled(server, call="c-5") as one, dialled(server, call="c-5") as two:
        await asyncio.gather(one.played(100), two.played(100))
    await idle(server)
    assert len(sessions_of(server, "c-5%")) == 2


async def test_when_all_lines_are_busy_the_socket_is_refused(server: Server) -> None:
    async with dialled(server, call="c-6") as one, dialled(server, call="c-7") as two:
        await asyncio.gather(one.played(100), two.played(100))
        with pytest.raises(Refused, match="503"):
            async with dialled(server, call="c-8"):
                pass
    await idle(server)
    assert sessions_of(server, "c-8") == []


@pytest.mark.parametrize(
    "garbage", ["{", b"\0" * 161 + b"\0", "MEDIA_START", "[]"], ids=["half", "binary", "again", "list"]
)
async def test_garbage_ends_one_call_and_no_other(
    server: Server, garbage: str | bytes, request: Any
) -> None:
    name = f"bad-{request.node.callspec.id}"
    slin = AsteriskWebSocketStream("slin", "json")
    async with dialled(server, call="good") as good, dialled(server, peer=slin, call=name) as bad:
        await asyncio.gather(good.played(100), bad.played(100))
        await bad.send(garbage[:-1] if isinstance(garbage, bytes) else garbage)
        assert (await bad.over()).by in ("application", "carrier")
        await good.played(good.heard.played_ms + 100)
        assert good.ended is None
    await idle(server)
    assert only_call(server, name).ending == "caller/protocol-error"


def test_nothing_secret_is_logged(server: Server) -> None:
    written = server.written()
    assert SECRET not in written
    assert GOOD.partition(" ")[2] not in written
    assert "+1555010" not in written
