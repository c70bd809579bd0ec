"""Running a tool: every failure becomes text for the model; nothing but cancellation gets out."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from tests.dialogue.talk import NOW, MemoryRecords
from tests.tools.controls import FakeControl
from tests.tools.through import through_door
from tools.contract import Tool, ToolContext, ToolError
from tools.library import load
from tools.run import MAX_OUTPUT
from tools.runtime.request import Execution

pytestmark = pytest.mark.unit

TOOLS = load()


class Number(BaseModel):
    count: int = Field(ge=0, le=9)


def context(records: MemoryRecords | None = None, control: FakeControl | None = None) -> ToolContext:
    return ToolContext("c", "s", "t", "p", "s:1", NOW, records or MemoryRecords(), control or FakeControl())


def tool(run: Any, **changes: Any) -> Tool:
    return Tool("trial", "A trial.", Number, run, **changes)


def error(outcome: Execution) -> str:
    assert not outcome.ok
    return str(json.loads(outcome.output)["error"])


async def _answer(ask: Number, _: ToolContext) -> dict[str, Any]:
    return {"count": ask.count, "on": NOW.date()}


async def test_a_result_is_json() -> None:
    outcome = await through_door(tool(_answer), '{"count": 3}', context())
    assert outcome.ok
    assert json.loads(outcome.output) == {"count": 3, "on": "2026-11-18"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("{", "not valid JSON"),
        ("[1]", "one JSON object"),
        ("", "count: Field required"),
        ('{"count": "many"}', "count: Input should be a valid integer"),
        ('{"count": 12}', "less than or equal to 9"),
        ('{"count": 1, "size": 2}', "Unknown argument size. trial takes: count."),
        ('{"x": "' + "y" * 70_000 + '"}', "longer than"),
        ("[" * 60_000, "not valid JSON"),
        ('{"count": "\\ud83d"}', "not valid JSON"),
        ('{"\\udc00": 1}', "not valid JSON"),
        ('{"count": NaN}', "not valid JSON"),
        ('{"count":' * 900 + "1" + "}" * 900, "nested too deeply"),
    ],
)
async def test_bad_arguments_become_text(arguments: str, says: str) -> None:
    assert says in error(await through_door(tool(_answer), arguments, context()))


async def test_what_a_caller_said_is_in_no_validation_error() -> None:
    outcome = await through_door(TOOLS["find_card"], '{"last4": "secret word"}', context())
    assert "secret" not in outcome.output


async def test_a_tools_refusal_is_told() -> None:
    async def refuse(_: Number, __: ToolContext) -> dict[str, Any]:
        raise ToolError("There is none. Ask again.")

    assert error(await through_door(tool(refuse), '{"count": 1}', context())) == "There is none. Ask again."


async def test_a_broken_tool_is_told_and_its_words_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def break_down(_: Number, __: ToolContext) -> dict[str, Any]:
        raise RuntimeError("the caller's secret")

    with caplog.at_level(logging.DEBUG):
        outcome = await through_door(tool(break_down), '{"count": 1}', context())
    assert "failed unexpectedly" in error(outcome)
    assert "secret" not in caplog.text
    assert "RuntimeError" in caplog.text


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ({}, "offer to try again"),
        ({"effect": "write"}, "do not simply repeat"),
        ({"effect": "write", "idempotent": True}, "the very same arguments"),
    ],
)
async def test_a_slow_tool_is_given_up(kind: dict[str, Any], says: str) -> None:
    async def wait(_: Number, __: ToolContext) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    slow = tool(wait, timeout_s=0.01, **kind)
    assert says in error(await through_door(slow, '{"count": 1}', context()))


async def test_cancellation_from_outside_gets_through() -> None:
    begun = asyncio.Event()

    async def wait(_: Number, __: ToolContext) -> dict[str, Any]:
        begun.set()
        await asyncio.Event().wait()
        return {}

    async with asyncio.TaskGroup() as group:
        task = group.create_task(through_door(tool(wait), '{"count": 1}', context()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_tool_that_cancels_itself_is_only_broken() -> None:
    async def give_up(_: Number, __: ToolContext) -> dict[str, Any]:
        raise asyncio.CancelledError

    assert "broken off" in error(await through_door(tool(give_up), '{"count": 1}', context()))


async def test_a_result_that_is_too_much_or_no_json() -> None:
    async def flood(_: Number, __: ToolContext) -> dict[str, Any]:
        return {"text": "x" * (MAX_OUTPUT + 1)}

    async def odd(_: Number, __: ToolContext) -> dict[str, Any]:
        return {"socket": object()}

    assert "returned too much" in error(await through_door(tool(flood), '{"count": 1}', context()))
    assert "failed unexpectedly" in error(await through_door(tool(odd), '{"count": 1}', context()))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = sorted({name for each in TOOLS.values() for name in each.names})


@given(
    st.sampled_from(sorted(TOOLS)),
    st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), values, max_size=5),
)
def test_no_argument_whatever_raises(name: str, arguments: dict[str, Any]) -> None:
    outcome = asyncio.run(through_door(TOOLS[name], json.dumps(arguments), context()))
    assert isinstance(json.loads(outcome.output), dict)
    assert outcome.ok == ("error" not in json.loads(outcome.output))
