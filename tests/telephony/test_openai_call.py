"""What a live call asks of OpenAI, against a peer that checks each command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from pydantic import SecretStr

from api.errors import ApiError
from api.surfaces.telephony.commands.client import Commands
from api.surfaces.telephony.openai.call import OpenAiCall
from gateway.config import Settings
from gateway.errors import ExchangeRefused
from tests.peers.openai_calls import CallsPeer, OpenAiCallsPeer, RingingCall
from tests.peers.openai_ga import KEY

pytestmark = pytest.mark.integration


@asynccontextmanager
async def live() -> AsyncIterator[tuple[CallsPeer, RingingCall, OpenAiCall]]:
    async with OpenAiCallsPeer.open() as peer:
        commands, ringing = Commands(), peer.ringing()
        settings = Settings(openai_api_key=SecretStr(KEY), openai_api_url=f"{peer.api_url}/")
        async with asynccontextmanager(commands.lifetime)(web.Application()):
            yield peer, ringing, OpenAiCall(ringing.call_id, settings, commands)
        assert peer.faults == []


@pytest.mark.parametrize(
    ("to", "target"),
    [("+15550100020", "tel:+15550100020"), ("sip:desk@example.com", "sip:desk@example.com")],
)
async def test_the_caller_is_put_through(to: str, target: str) -> None:
    async with live() as (_, ringing, call):
        await call.transfer(to)
        assert ringing.commands == [("refer", {"target_uri": target})]


async def test_a_caller_who_has_gone_is_told_as_that() -> None:
    async with live() as (_, ringing, call):
        ringing.over = True
        assert not await call.accept({"type": "realtime", "model": "gpt-realtime"})
        assert not await call.hang_up()
        await call.reject()
        with pytest.raises(ExchangeRefused, match="has hung up"):
            await call.transfer("+15550100020")


async def test_an_api_that_does_not_work_is_tried_again_by_whom_it_concerns() -> None:
    async with live() as (peer, _, call):
        peer.refusing = 500
        with pytest.raises(ApiError) as told:
            await call.accept({"type": "realtime", "model": "gpt-realtime"})
        assert told.value.fault.status == 503
        with pytest.raises(ExchangeRefused, match="just now"):
            await call.transfer("+15550100020")
        assert await call.hang_up()
