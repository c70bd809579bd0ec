"""The tools by which a model puts callers through, against a call that keeps what it was asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dialogue.talk import NOW, MemoryRecords
from tests.tools.controls import FakeControl
from tests.tools.through import through_door
from tools.contract import ToolContext
from tools.library import load

pytestmark = pytest.mark.unit

TOOLS = load()


async def run(name: str, arguments: dict[str, Any], control: FakeControl) -> dict[str, Any]:
    context = ToolContext("c", "s", "t", "p", "s:1", NOW, MemoryRecords(), control)
    result = json.loads((await through_door(TOOLS[name], json.dumps(arguments), context)).output)
    assert isinstance(result, dict)
    return result


HAND_OVER = {"department": "front desk", "reason": "The caller wants a person."}


async def test_handing_over_puts_through_where_that_can_be() -> None:
    control = FakeControl(targets=("front desk",))
    await run("hand_over", HAND_OVER, control)
    assert control.acts == ["transfer front desk None"]
    control = FakeControl()
    await run("hand_over", HAND_OVER, control)
    assert control.acts == ["hand_over"], "and marks the session where it cannot"


async def test_when_nobody_is_reached_the_request_is_still_written_down() -> None:
    control = FakeControl(targets=("front desk",), fault="Nobody picked up.")
    told = await run("hand_over", HAND_OVER, control)
    assert told["error"] == "Nobody picked up. The request is written down: somebody will get back to them."


async def test_a_transfer_names_a_target_and_a_reason() -> None:
    control = FakeControl()
    await run("transfer_call", {"to": "lab", "reason": "x", "mode": "warm"}, control)
    assert control.acts == ["transfer lab warm"]
    assert "error" in await run("transfer_call", {"to": "lab"}, control)


@pytest.mark.parametrize("keys", ["", "+1555", "1 2", "12w", "x" * 3, "1" * 33])
async def test_only_keys_can_be_pressed(keys: str) -> None:
    control = FakeControl()
    assert "error" in await run("press_keys", {"keys": keys}, control)
    assert control.acts == []


async def test_keys_are_pressed() -> None:
    control = FakeControl()
    await run("press_keys", {"keys": "4711#"}, control)
    await run("take_caller", {}, control)
    await run("decline_caller", {"reason": "busy"}, control)
    assert control.acts == ["press 4711#", "take", "decline busy"]
