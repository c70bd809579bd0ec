"""What a session cost, over HTTP, held against the contract."""

from __future__ import annotations

import pytest

from gateway.errors import HUNG_UP
from gateway.ports import CallRecord, CallSummary, UsageEntry
from tests.api.house import House, checked, house

pytestmark = pytest.mark.integration

OPERATION = "GET /api/sessions/{id}/cost"
SUMMARY = CallSummary(
    duration_ms=1000, turns=1, interruptions=0, tool_calls=0, dropped_audio_ms=0, input_tokens=1
)


async def begun(api: House, session_id: str, call_id: str, tenant: str = "default-practice") -> str:
    await api.store.begin_call(
        CallRecord(
            call_id, session_id, tenant, "dental_reception", "webrtc", "openai", api.clock[0]
        )
    )  # fmt: skip
    return call_id


async def read(api: House, session_id: str, key: str, *, status: int = 200) -> dict[str, object]:
    response = await api.client.get(f"/api/sessions/{session_id}/cost", headers={"X-Session-Access": key})
    return await checked(response, OPERATION, status=status)


async def test_all_calls_of_a_session_are_summed_the_live_one_too(any_database: str) -> None:
    async with house(any_database) as api:
        session_id, key = await api.session()
        first = await begun(api, session_id, "rtc_1")
        api.store.usage(
            UsageEntry(
                first, "openai", "gpt-realtime", 1, text_in=10, cached_audio_in=5, audio_out=7, usd=0.25
            )
        )
        api.store.usage(UsageEntry(first, "openai", "whisper-1", 2, seconds=9, usd=0.0009))
        await api.store.end_call(first, HUNG_UP, SUMMARY)
        live = await begun(api, session_id, "rtc_2")
        api.store.usage(UsageEntry(live, "azure", "gpt-realtime", 1, image_in=3, text_out=2, usd=0.5))
        await api.store.flush()
        assert await read(api, session_id, key) == {
            "sessionId": session_id,
            "tokenUsage": {"inputTokens": 18, "outputTokens": 9, "totalTokens": 27},
            "estimatedCostUsd": 0.7509,
        }
        response = await api.client.get(f"/api/sessions/{session_id}", headers={"X-Session-Access": key})
        view = await checked(response, "GET /api/sessions/{id}", status=200)
        assert view["tokenUsage"] == {"inputTokens": 18, "outputTokens": 9, "totalTokens": 27}


async def test_an_unknown_price_makes_no_cost(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        session_id, key = await api.session()
        call = await begun(api, session_id, "rtc_1")
        api.store.usage(UsageEntry(call, "openai", "gpt-realtime", 1, text_in=10, usd=0.25))
        api.store.usage(UsageEntry(call, "upstream", "mystery", 1, text_in=1))
        await api.store.flush()
        answer = await read(api, session_id, key)
        assert "estimatedCostUsd" not in answer
        assert answer["tokenUsage"] == {"inputTokens": 11, "outputTokens": 0, "totalTokens": 11}


async def test_a_session_without_calls_cost_nothing(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        session_id, key = await api.session()
        answer = await read(api, session_id, key)
        assert answer["estimatedCostUsd"] == 0
        assert answer["tokenUsage"] == {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}


async def test_only_the_holder_of_the_key_may_know(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        session_id, key = await api.session()
        _, others = await api.session()
        await read(api, session_id, others, status=401)
        response = await api.client.get(f"/api/sessions/{session_id}/cost")
        await checked(response, OPERATION, status=401)
        await read(api, "00000000-0000-4000-8000-000000000000", key, status=404)
        response = await api.client.get(f"/api/sessions/{session_id}/cost", cookies={"session_access": key})
        await checked(response, OPERATION, status=200)
        api.clock[0] += 25 * 3600
        await read(api, session_id, key, status=404)


async def test_costs_of_other_sessions_are_not_counted(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        session_id, key = await api.session()
        other_id, _ = await api.session(tenantId="acme")
        other = await begun(api, other_id, "rtc_1", "acme")
        api.store.usage(UsageEntry(other, "openai", "gpt-realtime", 1, text_in=10, usd=0.25))
        await api.store.flush()
        assert (await read(api, session_id, key))["estimatedCostUsd"] == 0
