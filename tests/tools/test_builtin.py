"""The built-in tools against records, and their definitions as a model gets them."""

from __future__ import annotations

import gc
import json
from datetime import datetime
from typing import Any

import jsonschema
import pytest

from tests.dialogue.talk import NOW, MemoryRecords
from tests.tools.controls import FakeControl
from tests.tools.through import through_door
from tools.contract import ToolContext
from tools.library import load

pytestmark = pytest.mark.unit

TOOLS = load()


async def run(
    name: str, arguments: dict[str, Any], records: MemoryRecords, control: FakeControl
) -> dict[str, Any]:
    context = ToolContext("c", "s", "t", "p", "s:1", NOW, records, control)
    outcome = await through_door(TOOLS[name], json.dumps(arguments), context)
    result = json.loads(outcome.output)
    assert isinstance(result, dict)
    return result


def test_there_are_those_the_personas_need() -> None:
    wanted = {"find_slots", "book_appointment", "look_up_policy", "open_claim", "find_card", "open_dispute"}
    assert wanted | {"weather", "hang_up", "hand_over"} <= set(TOOLS)


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_a_definition_is_a_closed_schema_with_descriptions(name: str) -> None:
    definition = TOOLS[name].definition()
    assert definition["type"] == "function"
    assert definition["name"] == name
    assert len(definition["description"]) > 20
    schema = definition["parameters"]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert all(each.get("description") for each in schema["properties"].values())


def test_definitions_are_made_without_garbage_and_are_each_callers_own() -> None:
    tool = TOOLS["book_appointment"]
    kept = tool.definition()
    gc.collect()
    given = tool.definition()
    assert gc.collect() == 0
    given["parameters"]["properties"].clear()
    assert tool.definition() == kept


@pytest.mark.parametrize(
    "written",
    ["2026-11-20T09:30:00", "2026-11-20T09:30", "2026-11-20 09:30", "2026-11-20T09:30:00Z",
     "2026-11-20T09:30:00-05:00", "2026-11-20 9:30 AM", "2026-11-20 at 9:30am", "November 20, 2026 at 9:30 AM"],
)  # fmt: skip
async def test_moments_are_read_as_models_write_them(written: str) -> None:
    records = MemoryRecords()
    booking = {"service": "cleaning", "starts_at": written, "name": "Susan Walker", "phone": "555-0172"}
    result = await run("book_appointment", booking, records, FakeControl())
    assert result["confirmation_code"] == "K7Q2"
    assert records.booked[0]["starts_at"] == datetime(2026, 11, 20, 9, 30)  # noqa: DTZ001 - wall-clock time


@pytest.mark.parametrize("written", ["2026-11-20", "2026-11-20T00:00:00", "2026/11/20", "11/20/2026"])
async def test_days_are_read_as_models_write_them(written: str) -> None:
    result = await run("find_slots", {"service": "cleaning", "on": written}, MemoryRecords(), FakeControl())
    assert result["on"] == "2026-11-20"
    assert "2026-11-20T09:30:00" in [slot["starts_at"] for slot in result["slots"]]


@pytest.mark.parametrize("written", ["soon", "2026-13-45", "", "2026-11-20T99:99"])
async def test_what_is_no_moment_is_explained(written: str) -> None:
    booking = {"service": "cleaning", "starts_at": written, "name": "Susan Walker", "phone": "555-0172"}
    result = await run("book_appointment", booking, MemoryRecords(), FakeControl())
    assert "YYYY-MM-DDTHH:MM:SS" in result["error"]


async def test_a_day_without_free_times_names_the_next_ones() -> None:
    result = await run(
        "find_slots", {"service": "cleaning", "on": "2026-11-22"}, MemoryRecords(), FakeControl()
    )
    assert result["slots"] == []
    assert result["other_days"][0]["starts_at"] == "2026-11-23T08:00:00"


async def test_the_past_is_refused() -> None:
    records = MemoryRecords()
    assert (
        "past"
        in (await run("find_slots", {"service": "x", "on": "2026-11-17"}, records, FakeControl()))["error"]
    )
    booking = {"service": "x", "starts_at": "2026-11-17T09:00", "name": "Al Bo", "phone": "5550172"}
    assert "past" in (await run("book_appointment", booking, records, FakeControl()))["error"]
    claim = {"policy_number": "481926", "loss_type": "fire", "occurred_on": "2026-12-01", "injured": False}
    result = await run("open_claim", {**claim, "description": "a fire"}, records, FakeControl())
    assert "future" in result["error"]
    assert not records.booked
    assert not records.claims


async def test_claims_and_disputes_reach_the_records_with_their_key() -> None:
    records = MemoryRecords()
    assert (await run("look_up_policy", {"number": "481926"}, records, FakeControl()))[
        "holder"
    ] == "Jordan Ellis"
    claim = {"policy_number": "481926", "loss_type": "fire", "occurred_on": "yesterday", "injured": False}
    opened = await run("open_claim", {**claim, "description": "a fire"}, records, FakeControl())
    assert opened["claim_number"] == "621884"
    assert records.claims[0]["key"] == "s:1"
    assert records.claims[0]["occurred_on"].isoformat() == "2026-11-17"
    card = await run("find_card", {"last4": "7305"}, records, FakeControl())
    charge = card["charges"][0]["charge_id"]
    dispute = {"last4": "7305", "charge_id": charge, "reason": "unrecognized"}
    assert (await run("open_dispute", dispute, records, FakeControl()))["reference"] == "DX4471"
    assert records.disputes[0]["key"] == "s:1"


async def test_the_weather_says_that_it_is_a_sample() -> None:
    result = await run(
        "weather", {"city": "new york city", "unit": "celsius"}, MemoryRecords(), FakeControl()
    )
    assert (result["city"], result["temperature"], result["unit"]) == ("New York", 16, "celsius")
    assert "sample" in result["source"]
    assert (
        "no sample" in (await run("weather", {"city": "Atlantis"}, MemoryRecords(), FakeControl()))["error"]
    )


async def test_a_call_is_ended_and_handed_over() -> None:
    control, records = FakeControl(), MemoryRecords()
    await run("hang_up", {}, records, control)
    await run("hand_over", {"department": "claims", "reason": "asked"}, records, control)
    assert control.acts == ["hang_up", "hand_over"]
    assert records.handovers == ["claims"]


async def test_another_agent_is_told_what_the_caller_needs() -> None:
    records, control = MemoryRecords(), FakeControl(colleagues=("bank_dispute",))
    asked = {"agent": "bank_dispute", "summary": "A charge is wrong.", "key_facts": ["card ends in 7305"]}
    result = await run("pass_to_agent", asked, records, control)
    assert result["agent"] == "bank_dispute"
    (handoff,) = records.handoffs
    assert (handoff["from_agent"], handoff["to_agent"], handoff["key"]) == ("p", "bank_dispute", "s:1")
    assert handoff["said"] == ("Caller: I want somebody else.",)
    assert control.acts == ["pass on to bank_dispute: A charge is wrong. ['card ends in 7305']"]


async def test_one_that_it_may_not_pass_callers_to_is_not_written_down() -> None:
    records, control = MemoryRecords(), FakeControl()
    result = await run("pass_to_agent", {"agent": "stranger", "summary": "x"}, records, control)
    assert "stranger" in result["error"]
    assert records.handoffs == []
    assert control.acts == []
