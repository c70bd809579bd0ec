"""Calls that we place over Twilio: by whom, to whom, and what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.api.house import checked
from tests.carrier_peers import twilio_hooks
from tests.carrier_peers.http import deliver
from tests.carrier_peers.rest import Reply
from tests.carrier_peers.twilio_hooks import PhoneCall
from tests.carrier_peers.twilio_peer import TwilioPeer
from tests.e2e.server import Server, settles
from tests.telephony.record import idle, only_call
from tests.telephony.test_others import PUBLIC, serving

pytestmark = pytest.mark.integration

KEY = "sk-5f0c6a1f8f7d4b6a"
OUTBOUND = "POST /api/cp/sessions/outbound"
ASK = {"phoneNumber": "+15550100009", "scenarioId": "dental-appointment"}


@asynccontextmanager
async def calling_out(folder: Path) -> AsyncIterator[tuple[Server, TwilioPeer]]:
    async with TwilioPeer.open() as twilio:
        settings = {
            "TWILIO_ACCOUNT_SID": twilio.account.sid,
            "TWILIO_AUTH_TOKEN": twilio.account.token,
            "TWILIO_PHONE_NUMBER": "+15550100002",
            "PARLEY_TWILIO_API_URL": twilio.base,
            "PARLEY_API_KEYS": KEY,
        }
        async with serving(folder, **settings) as server:
            twilio.via = server.url
            yield server, twilio


async def placed(server: Server, ask: object = ASK, key: str = KEY, status: int = 200) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{server.url}/api/cp/sessions/outbound", json=ask, headers=headers) as answer,
    ):
        if status == 503:
            assert answer.status == 503
            return {}
        return await checked(answer, OUTBOUND, status=status)


async def test_calls_out(tmp_path: Path) -> None:
    async with calling_out(tmp_path) as (server, twilio):
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(placed(server))
            order = await twilio.placed()
            async with order.answer() as phone:
                call = await phone.stream()
                await call.played(500)
                assert call.faults == []
        session_id = asked.result()["sessionId"]
        await idle(server)
        sid = phone.call.sid
        assert settles(lambda: only_call(server, sid).events[-1][0] == "call_completed", 5)
        told = only_call(server, sid)
        assert (told.session_id, told.leg, told.persona) == (session_id, "twilio", "dental_reception")
        assert [kind for kind, _ in told.events] == [
            "outbound_initiated",
            "call_status",
            "call_status",
            "call_completed",
        ]
        replayed = twilio_hooks.voice(twilio.account, phone.call, f"{PUBLIC}/telephony/twilio/voice")
        assert (await deliver(replayed, server.url)).status == 403

        await placed(server)
        order = await twilio.placed()
        await order.fail("busy")
        sid = order.phone.call.sid
        assert only_call(server, sid).events[-1] == ("call_completed", "busy")
        assert only_call(server, sid).calls == 0
        assert twilio.faults == []

        twilio.refusing = Reply(400, {"code": 21211, "message": "no", "status": 400})
        assert "21211" in (await placed(server, status=400))["message"]
        twilio.refusing = Reply(500)
        await placed(server, status=503)
        twilio.refusing = None

        dialled = len(twilio.requests)
        for key in ("", "sk-another", "ek_x"):
            await placed(server, key=key, status=401)
        for wrong in (
            {},
            {**ASK, "phoneNumber": "0800 123"},
            {**ASK, "phoneNumber": 15550100009},
            {**ASK, "scenarioId": "nobody"},
            {**ASK, "promptOverrides": {"name": "x"}},
        ):
            await placed(server, wrong, status=400)
        stranger = PhoneCall(direction="outbound-api")
        asked_for = twilio_hooks.voice(twilio.account, stranger, f"{PUBLIC}/telephony/twilio/voice")
        assert (await deliver(asked_for, server.url)).status == 403
        assert len(twilio.requests) == dialled

        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http,
            http.get(f"{server.url}/api/cp/channels") as answer,
        ):
            body = await checked(answer, "GET /api/cp/channels", status=200)
        assert [one["channelConnectionId"] for one in body["channels"]] == ["twilio"]
        written = server.written()
        assert "+15550100009" not in written
        assert twilio.account.token not in written
