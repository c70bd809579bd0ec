"""Calls that we place, at every carrier that can: by whom, to whom, and what becomes of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.api.house import checked
from tests.e2e.server import Server, settles
from tests.telephony.carriers import CARRIERS, carrier_call, ended
from tests.telephony.record import calls_of, idle, only_call
from tests.telephony.test_others import serving

pytestmark = pytest.mark.integration

KEY = "sk-5f0c6a1f8f7d4b6a"
OUTBOUND = "POST /api/cp/sessions/outbound"
NUMBER = "+15550100009"
ASK = {"phoneNumber": NUMBER, "scenarioId": "dental-appointment"}


@asynccontextmanager
async def calling_out(folder: Path, carrier: str, **more: str) -> AsyncIterator[tuple[Server, Any]]:
    async with (
        CARRIERS[carrier]() as (peer, environ),
        serving(folder, PARLEY_API_KEYS=KEY, **environ, **more) as server,
    ):
        peer.via = server.url
        yield server, peer


async def placed(server: Server) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{server.url}/api/cp/sessions/outbound", json=ASK) as answer,
    ):
        return await checked(answer, OUTBOUND, status=200)


async def hung_up_here(server: Server, call: str) -> None:
    [call_id] = calls_of(server, call)
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http,
        http.post(f"{server.url}/v1/realtime/calls/{call_id}/hangup") as answer,
    ):
        assert answer.status == 200


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_calls_out(tmp_path: Path, carrier: str) -> None:
    async with calling_out(tmp_path, carrier) as (server, peer):
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(placed(server))
            order = await peer.placed()
            async with order.answer() as phone:
                name = carrier_call(carrier, phone)
                call = await phone.stream()
                await call.played(500)
                assert call.faults == []
        session_id = asked.result()["sessionId"]
        await idle(server)
        assert settles(lambda: only_call(server, name).events[-1][0] == "call_completed", 20)
        told = only_call(server, name)
        assert (told.session_id, told.leg, told.persona) == (session_id, carrier, "dental_reception")
        assert told.events[0][0] == "outbound_initiated"
        assert {kind for kind, _ in told.events[1:-1]} == {"call_status"}

        # Nobody picks up.
        await placed(server)
        order = await peer.placed()
        await order.fail(
            *{"telnyx": ["user_busy"], "plivo": ["USER_BUSY"], "acs": []}.get(carrier, ["busy"])
        )
        name = carrier_call(carrier, order.phone)
        assert settles(lambda: only_call(server, name).events[-1][0] == "call_completed", 20)
        assert only_call(server, name).calls == 0

        # The agent's side ends it.
        await placed(server)
        order = await peer.placed()
        async with order.answer() as phone:
            await (await phone.stream()).played(200)
            await hung_up_here(server, carrier_call(carrier, phone))
            await phone.until(lambda: ended(carrier, phone), "the carrier's call goes on")
        await idle(server)
        # What is commanded after the end is answered so, and is no fault.
        assert {fault.code for fault in peer.faults} <= {"90018", "404", "8522"}
        written = server.written()
        assert NUMBER not in written
        assert NUMBER[1:] not in written


async def test_calls_that_ring_end_with_the_server(tmp_path: Path) -> None:
    async with CARRIERS["twilio"]() as (twilio, environ):
        async with serving(tmp_path, PARLEY_API_KEYS=KEY, **environ) as server:
            twilio.via = server.url
            await placed(server)
            order = await twilio.placed()
            assert not ended("twilio", order.phone)
        assert ended("twilio", order.phone)


@pytest.mark.parametrize("carrier", ["twilio", "telnyx", "vonage", "acs"])
async def test_a_call_ends_at_its_carrier_when_the_server_stops(tmp_path: Path, carrier: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        peer, environ = await stack.enter_async_context(CARRIERS[carrier]())
        async with serving(tmp_path, PARLEY_API_KEYS=KEY, **environ) as server:
            peer.via = server.url
            await placed(server)
            phone = await stack.enter_async_context((await peer.placed()).answer())
            await (await phone.stream()).played(200)
            assert not ended(carrier, phone)
        assert ended(carrier, phone)
        # With the server its webhooks are gone; the call is not.
        commanded = [one for one in peer.requests if one.method in ("POST", "PUT")]
        assert len(commanded) >= 2
