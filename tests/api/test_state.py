"""Where a call is, over REST: derived from what happened, in the contract's words."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
from pydantic import SecretStr

from api.records import channel
from api.records.channel import ChannelEvent
from api.records.sessions import NewSession
from api.records.tools import SqlRecords
from api.surfaces.telephony.calls.events import dialled, received
from gateway.config import Settings
from gateway.crew import Elsewhere
from gateway.errors import AGENT_HUNG_UP, HUNG_UP
from gateway.ports import CallSummary, ToolExecution
from gateway.stores.schema import DEFAULT_TENANT
from tests.api.house import House, checked, house
from tests.stores.calls import call_in, said

pytestmark = pytest.mark.contract

NOW = 1_800_000_000.0
SECRET = Settings(telephony_webhook_secret=SecretStr("s"))


async def state(api: House, session_id: str, key: str) -> dict[str, Any]:
    answer = await api.client.get(f"/api/sessions/{session_id}/state", headers={"X-Session-Access": key})
    return await checked(answer, "GET /api/sessions/{id}/state", status=200)


async def told(api: House, **event: object) -> None:
    raw = json.dumps(event).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Telephony-Signature": hmac.new(b"s", raw, "sha256").hexdigest(),
    }
    async with api.client.post("/api/webhooks/telephony-events", data=raw, headers=headers) as answer:
        assert answer.status == 200


async def test_an_agent_of_no_workflow_has_none(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session_id, key = await api.session(scenarioId="assistant")
        told = await state(api, session_id, key)
        assert (told["currentPersonaId"], told["workflowId"]) == ("assistant", "assistant")
        assert "workflowDefinitionId" not in told


async def test_the_phases_of_a_conversation(any_database: str) -> None:
    async with house(any_database, now=NOW) as api:
        session_id, key = await api.session(scenarioId="dental-appointment")
        first = await state(api, session_id, key)
        assert (first["currentPhase"], first["currentPersonaId"]) == ("greeting", "dental_reception")
        assert (first["workflowId"], first["completedSteps"]) == ("healthcare/appointment", [])
        assert first["workflowDefinitionId"] == "healthcare/appointment", "a pack has it"
        assert "telephony" not in first
        call = call_in(session_id, started_at=NOW)
        await api.store.begin_call(call)
        api.store.transcript(said(call, "a", 1, "Hello", start_ms=100, role="assistant"))
        await api.store.flush()
        assert (await state(api, session_id, key))["currentPhase"] == "greeting"
        api.store.transcript(said(call, "b", 1, "I want to book", start_ms=2000))
        await api.store.flush()
        assert (await state(api, session_id, key))["currentPhase"] == "qualification"
        for number, (name, ok, ms) in enumerate(
            (("find_slots", True, 100), ("find_slots", False, 50), ("weather", True, 30))
        ):
            api.store.tool_execution(
                ToolExecution(call.call_id, f"t{number}", name, "{}", "{}", ok, 3000 + number, ms)
            )
        await api.store.flush()
        found = await state(api, session_id, key)
        assert found["currentPhase"] == "data_capture"
        assert found["completedSteps"] == ["find_slots", "weather"]
        assert found["pendingSteps"] == ["book_appointment"]
        assert found["metrics"] == {
            "totalToolCallsAttempted": 3, "successfulToolCalls": 2, "failedToolCalls": 1,
            "avgToolDurationMs": 60, "dataCapturedness": 66.7,
        }  # fmt: skip
        await api.store.end_call(call.call_id, AGENT_HUNG_UP, CallSummary(9000, 2, 0, 3, 0))
        assert (await state(api, session_id, key))["currentPhase"] == "closure"


async def test_a_call_that_came_in(any_database: str) -> None:
    async with house(any_database, settings=SECRET, now=NOW) as api:
        new = NewSession(DEFAULT_TENANT, "dental-booking", "Dental", "dental_reception")
        await phoned(api, new, "CA7", "inbound", received("twilio", NOW))
        key = api.deps.access.key_of(new.id)
        line = (await state(api, new.id, key))["telephony"]
        assert line == {
            "requestId": new.id, "mode": "live_transfer", "status": "ringing", "providerId": "twilio_voice",
            "requestedAt": "2027-01-15T08:00:00.000Z", "callSid": "CA7", "sequenceNumber": 0,
            "lastEventAt": "2027-01-15T08:00:00.000Z",
        }  # fmt: skip
        common = {"callSid": "CA7", "providerId": "twilio_voice"}
        await told(api, **common, status="in-progress", sequenceNumber=2, timestamp="2027-01-15T08:00:02Z")
        await told(
            api, **common, status="something-new", sequenceNumber=3, timestamp="2027-01-15T08:00:03Z"
        )
        line = (await state(api, new.id, key))["telephony"]
        assert (line["status"], line["rawStatus"], line["sequenceNumber"]) == (
            "in_progress",
            "in-progress",
            2,
        )
        assert line["lastEventAt"] == "2027-01-15T08:00:03.000Z"
        call = call_in(new.id, started_at=NOW)
        await api.store.begin_call(call)
        await api.store.end_call(call.call_id, HUNG_UP, CallSummary(9000, 2, 0, 3, 0))
        meta = {"callDurationSec": 9, "other": "x"}
        await told(
            api, **common, status="completed", sequenceNumber=4, meta=meta, timestamp="2027-01-15T08:00:09Z"
        )
        found = await state(api, new.id, key)
        assert found["currentPhase"] == "closure"
        assert found["telephony"]["status"] == "completed"
        assert found["telephony"]["callDurationSec"] == 9
        assert found["telephony"]["terminalReason"] == "caller/hung-up"


async def test_a_call_that_is_over_is_looked_for_at_no_worker(sqlite_url: str) -> None:
    """Under another number of workers its id leads elsewhere than its session's."""

    def find(call_id: str) -> Any:
        raise Elsewhere(1)

    async with house(sqlite_url, settings=SECRET, now=NOW) as api:
        new = NewSession(DEFAULT_TENANT, "dental-booking", "Dental", "dental_reception")
        await phoned(api, new, "CA7", "inbound", received("twilio", NOW))
        call = call_in(new.id, started_at=NOW)
        await api.store.begin_call(call)
        await api.store.end_call(call.call_id, HUNG_UP, CallSummary(9000, 2, 0, 3, 0))
        api.supervisor.find = find  # type: ignore[method-assign]
        assert (await state(api, new.id, api.deps.access.key_of(new.id)))["currentPhase"] == "closure"


async def test_a_call_that_we_placed(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=SECRET, now=NOW) as api:
        new = NewSession(DEFAULT_TENANT, "dental-booking", "Dental", "dental_reception")
        await phoned(api, new, "CA8", "outbound", dialled("twilio", NOW))
        common = {"callSid": "CA8", "providerId": "twilio_voice"}
        answered = {"answeredBy": "human", "machineDetectionDurationMs": 2100}
        await told(api, **common, status="answered", sequenceNumber=1, meta=answered)
        await told(api, **common, status="busy", sequenceNumber=2)
        line = (await state(api, new.id, api.deps.access.key_of(new.id)))["telephony"]
        assert (line["mode"], line["status"], line["terminalReason"]) == ("callback", "busy", "busy")
        assert (line["answeredBy"], line["machineDetectionDurationMs"]) == ("human", 2100)


async def test_a_transfer_goes_before_the_call(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=SECRET, now=NOW) as api:
        new = NewSession(DEFAULT_TENANT, "dental-booking", "Dental", "dental_reception")
        await phoned(api, new, "CA9", "inbound", received("twilio", NOW))
        key = api.deps.access.key_of(new.id)
        found: dict[str, Any] = {}
        for position, (status, wanted, phase) in enumerate(
            (
                ("transferring", "initiated", "greeting"),
                ("transfer_failed", "failed", "greeting"),
                ("transferring", "initiated", "greeting"),
                ("transferred", "completed", "handoff"),
            ),
            start=1,
        ):
            event = ChannelEvent(
                f"transfer:{position}:{status}", "call_status", status, "twilio_voice", NOW + position, "x"
            )
            await channel.append(
                api.deps.database, DEFAULT_TENANT, new.id, [event], carrier_call="CA9", began=NOW
            )
            found = await state(api, new.id, key)
            assert (found["telephony"]["mode"], found["telephony"]["status"]) == ("live_transfer", wanted)
            assert found["currentPhase"] == phase
        assert found["telephony"]["requestedAt"] == "2027-01-15T08:00:03.000Z"


async def test_somebody_is_to_call_back(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session_id, key = await api.session()
        records = SqlRecords(api.deps.database, DEFAULT_TENANT)
        handed = await records.request_handover(
            key="k", department="claims", reason="They asked for a person.", session_id=session_id
        )
        found = await state(api, session_id, key)
        assert found["currentPhase"] == "handoff"
        assert found["escalationReason"] == "They asked for a person."
        assert found["telephony"]["requestId"] == handed["handover_id"]
        assert found["telephony"]["status"] == "callback_requested"
        assert found["telephony"]["target"] == "claims"


async def test_who_may_read_it(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session_id, key = await api.session()
        path, operation = f"/api/sessions/{session_id}/state", "GET /api/sessions/{id}/state"
        await checked(await api.client.get(path), operation, status=401)
        await checked(
            await api.client.get(path, headers={"X-Session-Access": "wrong"}), operation, status=401
        )
        await checked(
            await api.client.get("/api/sessions/none/state", headers={"X-Session-Access": key}),
            operation,
            status=404,
        )
        async with api.client.get(path, headers={"Cookie": f"session_access={key}"}) as answer:
            assert answer.status == 200


async def phoned(api: House, new: NewSession, call: str, direction: Any, first: ChannelEvent) -> None:
    await channel.open_call(
        api.deps.database, api.deps.access, new, carrier="twilio", carrier_call=call,
        direction=direction, first=first, now=NOW,
    )  # fmt: skip
