"""Steering a call over REST: phases by their table, steps, escalation, and another agent."""

from __future__ import annotations

from typing import Any

import pytest

from api.records.phases import PHASES, TABLE, may_follow
from gateway.errors import HUNG_UP
from gateway.ports import CallSummary
from tests.api.handshakes import KEYS
from tests.api.house import FakeCall, House, checked, house
from tests.api.test_runtime import called
from tests.api.test_state import NOW, state
from tests.stores.calls import call_in

pytestmark = pytest.mark.contract

SERVER = KEYS.server_keys[0].secret.get_secret_value()


async def steer(api: House, session_id: str, key: str, status: int = 200, **change: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"} if key.startswith("sk-") else {"X-Session-Access": key}
    answer = await api.client.patch(f"/api/sessions/{session_id}/state", json=change, headers=headers)
    return await checked(answer, "PATCH /api/sessions/{id}/state", status=status)


def test_a_closed_call_stays_closed_and_every_other_may_close() -> None:
    assert TABLE["closure"] == ()
    for phase in PHASES:
        assert may_follow(phase, phase)
        assert may_follow(phase, "closure")
        assert not may_follow("closure", phase) or phase == "closure"
        assert not may_follow(phase, "greeting") or phase == "greeting"


async def test_phases_go_by_the_table(any_database: str) -> None:
    async with house(any_database, now=NOW) as api:
        session_id, key = await api.session(scenarioId="dental-appointment")
        assert (await steer(api, session_id, key, currentPhase="data_capture"))[
            "currentPhase"
        ] == "data_capture"
        assert (await steer(api, session_id, key, currentPhase="qualification"))[
            "currentPhase"
        ] == "qualification"
        assert (await state(api, session_id, key))["currentPhase"] == "qualification"
        assert (await steer(api, session_id, key, currentPhase="closure"))["currentPhase"] == "closure"
        told = await steer(api, session_id, key, 400, currentPhase="action")
        assert "over" in told["message"]
        assert (await state(api, session_id, key))["currentPhase"] == "closure"


async def test_asking_for_a_person_opens_nothing_again(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session_id, key = await api.session(scenarioId="dental-appointment")
        _ = await steer(api, session_id, key, currentPhase="closure")
        assert (await steer(api, session_id, key, escalationReason="upset"))["currentPhase"] == "closure"
        _ = await steer(api, session_id, key, 400, currentPhase="action")


async def test_what_happens_afterwards_counts_again(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session_id, key = await api.session(scenarioId="dental-appointment")
        call = call_in(session_id, started_at=NOW)
        await api.store.begin_call(call)
        assert (await steer(api, session_id, key, currentPhase="action"))["currentPhase"] == "action"
        await api.store.end_call(call.call_id, HUNG_UP, CallSummary(1000, 0, 0, 0, 0))
        assert (await state(api, session_id, key))["currentPhase"] == "closure"
        await steer(api, session_id, key, 400, currentPhase="qualification")


async def test_only_what_is_given_changes_and_steps_are_appended(any_database: str) -> None:
    async with house(any_database, now=NOW) as api:
        session_id, key = await api.session(scenarioId="dental-appointment")
        before = await state(api, session_id, key)
        assert (await steer(api, session_id, key)) | {"updatedAt": ""} == before | {"updatedAt": ""}
        await steer(api, session_id, key, pendingSteps=["name", "phone"])
        await steer(api, session_id, key, completedStep="name")
        told = await steer(api, session_id, key, completedStep="name")
        assert (told["completedSteps"], told["pendingSteps"]) == (["name"], ["phone"])
        told = await steer(api, session_id, key, completedStep="phone", pendingSteps=[])
        assert (told["completedSteps"], told["pendingSteps"]) == (["name", "phone"], [])
        told = await steer(api, session_id, key, nextPersonaId="bank_dispute")
        assert told["nextPersonaId"] == "bank_dispute"
        assert told["currentPersonaId"] == "dental_reception"


WRONG: tuple[dict[str, Any], ...] = (
    {"currentPhase": "party"}, {"completedStep": ""}, {"pendingSteps": "name"}, {"pendingSteps": ["x"] * 101},
    {"escalationReason": "x" * 1001}, {"currentPersonaId": "nobody"}, {"nextPersonaId": "nobody"},
    {"currentPersonaId": "bank_dispute"},
)  # fmt: skip


async def test_what_cannot_be_is_refused_and_changes_nothing(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session_id, key = await api.session(scenarioId="dental-appointment")
        before = await state(api, session_id, key)
        for change in WRONG:
            await steer(api, session_id, key, 400, **change)
            assert await state(api, session_id, key) == before, change


async def test_who_may(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session_id, key = await api.session()
        await steer(api, session_id, "wrong", 401, currentPhase="action")
        await steer(api, "none", key, 404, currentPhase="action")


async def test_an_escalation_is_recorded_and_asks_nobody_twice(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session_id, key = await api.session(scenarioId="dental-appointment")
        call = await live(api, session_id)
        await steer(api, session_id, key, escalationReason="They are in pain.")
        told = await steer(api, session_id, key, escalationReason="They are in pain.")
        assert told["escalationReason"] == "They are in pain."
        assert told["escalationTimestamp"] == "2027-01-15T08:00:00.000Z"
        assert told["currentPhase"] == "handoff"
        assert call.escalated[0] == "They are in pain."
        answer = await api.client.get(
            f"/api/sessions/{session_id}/state", headers={"X-Session-Access": key}
        )
        assert (await answer.json())["telephony"]["status"] == "callback_requested"


async def live(api: House, session_id: str) -> FakeCall:
    """A call of that session, on."""
    record = call_in(session_id, started_at=NOW)
    await api.store.begin_call(record)
    token = await api.token(sessionId=session_id)
    request = await called(api, token)
    begun = api.supervisor.begun[-1][0]
    call = api.supervisor.calls.pop(begun)
    api.supervisor.calls[record.call_id] = call
    assert request.session_id == session_id
    return call


async def test_another_agent_takes_the_live_call_and_those_that_come(any_database: str) -> None:
    async with house(any_database, now=NOW, settings=KEYS) as api:
        session_id, key = await api.session(scenarioId="dental-appointment")
        wish = await api.client.post("/api/realtime/credentials", json={"sessionId": session_id})
        before = await checked(wish, "POST /api/realtime/credentials", status=200)
        token = before["token"]
        call = await live(api, session_id)
        await steer(api, session_id, key, completedStep="name")
        told = await steer(api, session_id, SERVER, currentPersonaId="bank_dispute")
        assert told["currentPersonaId"] == "bank_dispute"
        context = told["handoffContext"]
        assert (context["fromPersonaId"], context["toPersonaId"]) == ("dental_reception", "bank_dispute")
        assert context["keyFacts"] == ["done: name"]
        assert "My card was charged twice." in context["transcriptExcerpt"]
        ((agent, handoff),) = call.passed
        assert (agent, handoff.by, handoff.facts) == ("bank_dispute", "Nora", ("done: name",))
        # Again changes nothing.
        await steer(api, session_id, SERVER, currentPersonaId="bank_dispute")
        assert len(call.passed) == 1
        # Whoever calls in this session now gets the agent it was passed to.
        api.supervisor.calls.clear()
        api.supervisor.reserved.clear()
        assert (await called(api, token)).persona.id == "bank_dispute"
        # And who asks for a new token is told of that one.
        wish = await api.client.post("/api/realtime/credentials", json={"sessionId": session_id})
        now = await checked(wish, "POST /api/realtime/credentials", status=200)
        assert now["selectedPersonaId"] == "bank_dispute"
        assert now["fallbackInstructions"] != before["fallbackInstructions"]
        api.supervisor.calls.clear()
        api.supervisor.reserved.clear()
        request = await called(api, now["token"])
        assert request.persona.id == "bank_dispute"
        assert request.persona.instructions.strip() in now["fallbackInstructions"]


async def test_a_call_that_cannot_be_passed_on_now_says_so(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW, settings=KEYS) as api:
        session_id, _key = await api.session(scenarioId="dental-appointment")
        call = await live(api, session_id)
        call.refuses = "The caller is on hold."
        told = await steer(
            api, session_id, SERVER, 400,
            currentPersonaId="bank_dispute", currentPhase="action", completedStep="name",
            escalationReason="urgent",
        )  # fmt: skip
        assert told["message"] == "The caller is on hold."
        shown = await api.client.get(
            f"/api/sessions/{session_id}/state", headers={"Authorization": f"Bearer {SERVER}"}
        )
        now = await shown.json()
        assert now["currentPersonaId"] == "dental_reception"
        assert (now["currentPhase"], now["completedSteps"]) == ("greeting", []), "nothing has changed"
        assert "escalationReason" not in now
