"""What a call leaves can be read over REST while it goes on and when it is over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.records.demo import seed
from api.records.tools import SqlRecords
from gateway.errors import AGENT_HUNG_UP, HUNG_UP
from gateway.ports import CallSummary, ToolExecution, TurnTiming
from gateway.stores.schema import DEFAULT_TENANT
from tests.api.house import House, checked, house
from tests.stores.calls import call_in, said

pytestmark = pytest.mark.contract

NOW = datetime(2026, 11, 18, 15, 0, tzinfo=UTC).timestamp()
SUMMARY = CallSummary(
    duration_ms=30_000,
    turns=3,
    interruptions=1,
    tool_calls=1,
    dropped_audio_ms=0,
    timings=(TurnTiming(1, 700, 300, 250, 20), TurnTiming(2, 500, 200, None, 20), TurnTiming(3, 900)),
    bargein_ms=(35,),
    input_tokens=10,
    output_tokens=20,
    leg={"jitter_ms": 1.5, "packet_loss": 0.01},
)


async def read(api: House, session: str, key: str) -> dict[str, Any]:
    response = await api.client.get(f"/api/sessions/{session}", headers={"X-Session-Access": key})
    return await checked(response, "GET /api/sessions/{id}", status=200)


async def read_runtime(api: House, session: str) -> dict[str, Any]:
    response = await api.client.get(f"/api/realtime/sessions/{session}")
    return await checked(response, "GET /api/realtime/sessions/{sessionId}", status=200)


async def test_a_call_as_it_grows(any_database: str) -> None:
    async with house(any_database, now=NOW) as api:
        session, key = await api.session()
        call = call_in(session, started_at=NOW)
        await api.store.begin_call(call)
        api.clock[0] += 5
        view = await read(api, session, key)
        assert [event["type"] for event in view["timelineEvents"]] == ["session_created", "call_started"]
        assert view["duration"] == 5
        assert (await read_runtime(api, session))["session"]["state"] == "connected"

        api.store.transcript(said(call, "item_b", 1, "tomorrow", start_ms=2000))
        api.store.transcript(
            said(call, "item_a", 1, "Hello, how can I help?", start_ms=200, role="assistant")
        )
        await api.store.flush()
        view = await read(api, session, key)
        assert [(entry["role"], entry["text"]) for entry in view["transcript"]] == [
            ("assistant", "Hello, how can I help?"),
            ("user", "tomorrow"),
        ]
        assert view["transcript"][0]["timestamp"] == NOW * 1000 + 200
        assert "disposition" not in view["interactionSummary"]
        runtime = await read_runtime(api, session)
        assert runtime["session"]["state"] == "active"
        assert [entry["id"] for entry in runtime["transcript"]] == ["item_a", "item_b"]


async def test_a_booking_made_by_voice(any_database: str) -> None:
    async with house(any_database, now=NOW) as api:
        await seed(api.store.database, datetime.fromtimestamp(NOW, UTC))
        session, key = await api.session()
        call = call_in(session, started_at=NOW)
        await api.store.begin_call(call)
        records = SqlRecords(
            api.store.database,
            DEFAULT_TENANT,
            clock=lambda zone: datetime.fromtimestamp(NOW, UTC).astimezone(zone),
        )
        booked = await records.book_appointment(
            key=f"{session}:call_1",
            service="cleaning",
            starts_at=datetime.fromisoformat("2026-11-20T09:30"),
            name="Ada Byron",
            phone="212-555-0143",
            session_id=session,
        )
        api.store.tool_execution(
            ToolExecution(call.call_id, "c1", "find_slots", "{}", "{}", True, 4000, 12)
        )
        api.store.tool_execution(
            ToolExecution(call.call_id, "c2", "book_appointment", "{}", "{}", False, 6000, 12)
        )
        api.store.tool_execution(
            ToolExecution(call.call_id, "c3", "book_appointment", "{}", "{}", True, 8000, 12)
        )
        api.store.transcript(
            said(
                call,
                "item_a",
                2,
                "You are booked",
                role="assistant",
                start_ms=9000,
                end_ms=10_000,
                heard_ms=800,
                interrupted=True,
                unheard=" for Friday.",
                estimated=True,
                final=True,
            )
        )
        await api.store.end_call(call.call_id, AGENT_HUNG_UP, SUMMARY)

        view = await read(api, session, key)
        assert view["toolsUsed"] == ["find_slots", "book_appointment"]
        summary = view["interactionSummary"]
        assert summary["booking"] == {
            "requested": True,
            "status": "scheduled",
            "scheduledFor": "2026-11-20T09:30:00",
            "referenceId": booked["confirmation_code"],
        }
        assert summary["disposition"] == "booked"
        assert summary["contact"] == {"displayName": "Ada Byron", "phoneNumber": "212-555-0143"}
        assert view["bookingOutcome"]["status"] == "confirmed"
        assert view["bookingOutcome"]["confirmationCode"] == booked["confirmation_code"]
        assert view["extractedData"]["appointments"][0]["bookingId"] == booked["booking_id"]
        assert view["tokenUsage"] == {"inputTokens": 10, "outputTokens": 20, "totalTokens": 30}
        assert view["latencyMetrics"] == {
            "userInterruptions": 1,
            "latencyP50": 700,
            "latencyP90": 900,
            "latencyP99": 900,
            "ttfwP50": 250,
            "ttfwP90": 250,
            "ttfwP99": 250,
        }
        events = view["timelineEvents"]
        ended = next(event for event in events if event["type"] == "call_ended")
        assert ended["description"] == "agent/hung-up: the agent finished the conversation"
        kinds = {event["type"] for event in events}
        assert {"appointment_booked", "tool_completed", "tool_failed", "interrupted"} <= kinds

        runtime = await read_runtime(api, session)
        assert runtime["session"]["state"] == "closed"
        assert runtime["session"]["interruptionCount"] == 1
        assert runtime["session"]["toolCallCount"] == 3
        metadata = runtime["session"]["metadata"]
        assert metadata["timings"][0] == {
            "turn": 1,
            "replyMs": 700,
            "endpointingMs": 300,
            "modelMs": 250,
            "playoutMs": 20,
        }
        assert metadata["timings"][2] == {"turn": 3, "replyMs": 900}
        assert metadata["heardMs"] == {"item_a": 800}
        assert metadata["interrupted"] == ["item_a"]
        assert metadata["bargeinMs"] == [35]
        assert metadata["calls"][0]["ending"]["reason"] == "hung-up"
        said_last = runtime["transcript"][-1]["metadata"]
        assert (said_last["heardMs"], said_last["interrupted"], said_last["unheard"]) == (
            800,
            True,
            " for Friday.",
        )
        assert said_last["heardEstimated"] is True
        assert runtime["stats"]["jitterMs"] == 1.5
        assert runtime["stats"]["averageLatencyMs"] == 700


async def test_claims_disputes_and_handovers(any_database: str) -> None:
    async with house(any_database, now=NOW) as api:
        await seed(api.store.database, datetime.fromtimestamp(NOW, UTC))
        session, key = await api.session()
        call = call_in(session, started_at=NOW)
        await api.store.begin_call(call)
        records = SqlRecords(api.store.database, DEFAULT_TENANT)
        await records.open_claim(
            key="1",
            policy_number="481926",
            loss_type="collision",
            occurred_on=datetime.fromtimestamp(NOW, UTC).date(),
            injured=False,
            description="A van touched the bumper.",
            session_id=session,
        )
        await records.open_dispute(
            key="2", last4="7305", charge_id="chg_7305_1", reason="not mine", session_id=session
        )
        await records.request_handover(
            key="3", department="claims", reason="asked for a person", session_id=session
        )
        await api.store.end_call(call.call_id, HUNG_UP, SUMMARY)
        view = await read(api, session, key)
        assert view["extractedData"]["claims"][0]["policyNumber"] == "481926"
        assert view["extractedData"]["disputes"][0]["merchant"] == "Bluebird Streaming"
        assert view["transferHandoff"]["reason"] == "asked for a person"
        assert view["interactionSummary"]["escalation"]["target"] == "claims"
        assert view["interactionSummary"]["disposition"] == "escalated"
        assert {"claim_opened", "dispute_opened", "handover_requested"} <= {
            e["type"] for e in view["timelineEvents"]
        }


async def test_several_calls_of_one_session(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session, key = await api.session()
        for began in NOW, NOW + 100:
            call = call_in(session, started_at=began)
            await api.store.begin_call(call)
            api.store.transcript(said(call, "item_a", 1, f"call at {began}"))
            await api.store.end_call(call.call_id, HUNG_UP, SUMMARY)
        view = await read(api, session, key)
        assert [entry["text"] for entry in view["transcript"]] == [f"call at {NOW}", f"call at {NOW + 100}"]
        assert view["latencyMetrics"]["userInterruptions"] == 2
        assert view["interactionSummary"]["disposition"] == "abandoned"
        assert len({event["id"] for event in view["timelineEvents"]}) == len(view["timelineEvents"])
