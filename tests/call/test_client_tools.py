"""Tools that a persona says its client has: the model may call them, and the client runs them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.call.plan import CallDeps, CallPlan
from gateway.call.run import Call
from gateway.errors import HUNG_UP
from personas.persona import Persona
from tests.call.harness import persona
from tests.call.test_run import HANG_UP, no_records
from tests.fakes import FakeLeg, FakeModel, FakeStore

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

SHOW: dict[str, Any] = {
    "name": "show_order",
    "description": "Show an order to the caller on the screen.",
    "parameters": {
        "number": {"type": "string", "description": "Order number."},
        "page": {"type": "integer", "description": "Which page.", "optional": True},
    },
}


class Phone(FakeLeg):
    """A leg with an ear at its far end."""

    def heard_ms(self, now: float) -> int:
        return 0

    def recall(self, now: float) -> int:
        return 0

    def wake(self) -> None:
        pass


def who(**changes: Any) -> Persona:
    return persona(tools=("hang_up",), client_tools=(SHOW,), policy="locked", greeting=None, **changes)


def call(leg: FakeLeg, model: FakeModel) -> Call:
    deps = CallDeps((model,), "test", FakeStore(), no_records, {"hang_up": HANG_UP}, setup_s=5.0)
    return Call(CallPlan("rtc_1", "s-1", "t-1", who()), leg, deps)


async def test_the_client_is_told_runs_it_and_the_model_gets_its_answer() -> None:
    leg, model = FakeLeg(), FakeModel()
    async with asyncio.TaskGroup() as group:
        group.create_task(call(leg, model).run())
        sink = await leg.connect()
        await leg.listen(0.1)
        offered = {tool["name"]: tool for tool in model.specs[0].session["tools"]}
        assert set(offered) == {"hang_up", "show_order"}
        assert offered["show_order"]["parameters"]["required"] == ["number"]
        (created,) = (event for event in leg.sent if event["type"] == "session.created")
        assert [tool["name"] for tool in created["session"]["tools"]] == ["show_order"]

        item = {"id": "fc_1", "type": "function_call", "name": "show_order", "call_id": "call_1"}
        item |= {"status": "completed", "arguments": '{"number": "550172"}'}
        response: dict[str, Any] = {
            "id": "resp_1",
            "object": "realtime.response",
            "status": "in_progress",
            "output": [],
        }
        model.session.emit("response.created", response=response)
        model.session.emit("response.output_item.added", response_id="resp_1", output_index=0, item=item)
        model.session.emit("response.output_item.done", response_id="resp_1", output_index=0, item=item)
        model.session.emit("response.done", response=response | {"status": "completed", "output": [item]})
        await leg.listen(0.1)
        seen = [event["item"] for event in leg.sent if event["type"] == "response.output_item.done"]
        assert [(each["type"], each["name"]) for each in seen] == [("function_call", "show_order")]

        output = {"type": "function_call_output", "call_id": "call_1", "output": '{"shown": true}'}
        sink.on_event(json.dumps({"type": "conversation.item.create", "item": output}))
        sink.on_event(json.dumps({"type": "response.create"}))
        await leg.listen(0.2)
        given = [
            event["item"] for event in model.session.received if event["type"] == "conversation.item.create"
        ]
        assert [each["output"] for each in given] == ['{"shown": true}']
        assert [event for event in model.session.received if event["type"] == "response.create"]
        assert "error" not in leg.types()
        sink.on_lost(HUNG_UP)


async def test_on_the_telephone_there_is_no_client_to_run_it() -> None:
    leg, model = Phone(), FakeModel()
    async with asyncio.TaskGroup() as group:
        group.create_task(call(leg, model).run())
        sink = await leg.connect()
        await leg.listen(0.1)
        assert [tool["name"] for tool in model.specs[0].session["tools"]] == ["hang_up"]
        sink.on_lost(HUNG_UP)


@pytest.mark.parametrize(
    ("tool", "fault"),
    [
        (SHOW | {"name": "hang_up"}, "has the name of another tool"),
        (SHOW | {"parameters": {"n": {"type": "strin", "description": "x"}}}, "n needs a `type`"),
        (SHOW | {"parameters": {"n": {"type": "string"}}}, "n needs a `description`"),
        (SHOW | {"name": "show order"}, "match pattern"),
    ],
)
def test_what_is_no_tool_is_told(tool: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        persona(tools=("hang_up",), client_tools=(tool,))
