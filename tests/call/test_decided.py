"""Tools that a person has to approve, in a call: the model tells the caller, goes on, and hears what came of it. What
is blocked or not approved never runs, however often the model asks."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

from gateway.call.inputs import ToolDecided, ToolFinished
from gateway.call.plan import CallDeps, CallPlan
from gateway.call.run import Call
from gateway.errors import HUNG_UP
from gateway.ports import ToolExecution
from personas.persona import Limits
from personas.prompt import read_decided
from tests.call.harness import WEATHER, Bench, persona
from tests.call.relay_bench import RelayBench
from tests.call.test_core import call_weather, greeted
from tests.fakes import FakeLeg, FakeModel, FakeStore
from tests.tools.doors import Counted, Door, trial
from tools.contract import CALL
from tools.runtime.policy import Override, Rule

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

WAITS = '{"status": "pending_approval"}'


def notes(events: list[dict[str, Any]]) -> list[tuple[str, str] | None]:
    items = [event["item"] for event in events if event["type"] == "conversation.item.create"]
    texts = [item["content"][0]["text"] for item in items if item.get("role") == "system"]
    return [read_decided(text) for text in texts]


def waiting() -> Bench:
    """A call in which the caller asked for the weather, which a person has to approve."""
    bench = greeted(Bench(persona(limits=Limits(silence_s=20, length_s=600)), tools=(WEATHER,)))
    bench.turn("u1", "how is the weather")
    call_weather(bench)
    bench.do(bench.core.tool(ToolFinished("call_1", WAITS, True, pending=True), bench.now))
    bench.reply("Somebody has to approve that.", 1500)
    bench.run(1.7)
    return bench


def test_the_answer_comes_late_and_is_told() -> None:
    bench = waiting()
    asked = len(bench.asked)
    bench.do(bench.core.decided(ToolDecided("call_1", "weather", '{"sky": "blue"}', True), bench.now))
    assert notes(bench.model_sent) == [("call_1", '{"sky": "blue"}')]
    assert len(bench.asked) == asked + 1
    # Once only, and for no call that waits for nobody.
    for call in ("call_1", "call_2"):
        bench.do(bench.core.decided(ToolDecided(call, "weather", "{}", True), bench.now))
    assert len(notes(bench.model_sent)) == 1
    assert len(bench.asked) == asked + 1


def test_it_waits_until_the_caller_has_spoken() -> None:
    bench = waiting()
    bench.turn("u2", "and something else")
    asked = len(bench.asked)
    bench.do(bench.core.decided(ToolDecided("call_1", "weather", "{}", True), bench.now))
    assert len(notes(bench.model_sent)) == 1
    assert len(bench.asked) == asked, "one reply at a time"
    bench.reply("Here you are.", 1000)
    bench.run(1.2)
    assert len(bench.asked) == asked + 1


def test_who_waits_for_a_decision_is_not_asked_whether_they_are_there() -> None:
    bench = waiting()
    asked = len(bench.asked)
    bench.run(120)
    assert len(bench.asked) == asked
    assert not bench.ended
    bench.do(bench.core.decided(ToolDecided("call_1", "weather", "{}", True), bench.now))
    bench.reply("It is done.", 1000)
    bench.run(23)
    assert len(bench.asked) == asked + 2, "from now on silence counts again"


def test_clients_that_play_the_audio_themselves_are_told_too() -> None:
    bench = RelayBench(tools=(WEATHER,))
    bench.open()
    response = bench.begin()
    bench.call_tool(response, "weather", "call_1")
    bench.finish(response)
    bench.do(bench.core.tool(ToolFinished("call_1", WAITS, True, pending=True), bench.now))
    bench.reply()
    asked = len(bench.asked())
    bench.do(bench.core.decided(ToolDecided("call_1", "weather", "{}", True), bench.now))
    bench.do(bench.core.decided(ToolDecided("call_1", "weather", "{}", True), bench.now))
    assert notes(bench.sent) == [("call_1", "{}")]
    assert len(bench.asked()) == asked + 1


# ── a whole call ──


class Scene:
    """A call whose model asks for the tool `trial`."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.model, self.leg, self.store = FakeModel(), FakeLeg(), FakeStore()
        runtime = door.runtime
        deps = CallDeps(
            (self.model,),
            "test",
            self.store,
            lambda _: cast("Any", None),
            runtime.tools,
            runtime,
            setup_s=5.0,
        )
        self.call = Call(CallPlan("rtc_1", "s", "t", persona(tools=("trial",))), self.leg, deps)
        self._asked = 0

    def ask(self, arguments: str = '{"count": 1}') -> None:
        self._asked += 1
        name, response = f"call_{self._asked}", f"resp_t{self._asked}"
        item = {
            "id": f"fc_{self._asked}", "type": "function_call", "call_id": name, "name": "trial",
            "arguments": arguments, "status": "completed",
        }  # fmt: skip
        session = self.model.session
        session.emit("response.created", response={"id": response, "status": "in_progress"})
        session.emit("response.output_item.done", response_id=response, output_index=0, item=item)
        session.emit("response.done", response={"id": response, "status": "completed", "output": [item]})

    @property
    def told(self) -> list[dict[str, Any]]:
        """The outputs that the model got."""
        items = [e["item"] for e in self.model.session.received if e["type"] == "conversation.item.create"]
        return [json.loads(item["output"]) for item in items if item["type"] == "function_call_output"]

    @property
    def runs(self) -> list[ToolExecution]:
        return self.store.executions


@pytest.mark.parametrize(
    ("kind", "rule", "override"),
    [
        ({"access": "blocked"}, None, Override(enabled=True)),
        ({}, Rule(access="blocked"), None),
        ({"access": "tenant_optin"}, None, None),
        ({}, None, Override(enabled=False)),
    ],
)
async def test_the_model_never_gets_what_is_blocked(
    kind: dict[str, Any], rule: Rule | None, override: Override | None
) -> None:
    door = Door(trial(handler := Counted(), **kind))
    door.policies.rules = {} if rule is None else {"trial": rule}
    door.policies.overrides = {} if override is None else {"t": {"trial": override}}
    scene = Scene(door)
    async with door.runtime, asyncio.TaskGroup() as group:
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        for _ in range(3):
            scene.ask()
            await scene.leg.listen(1.0)
        sink.on_lost(HUNG_UP)
    assert len(scene.told) == 3
    assert all("by policy" in told["error"] for told in scene.told)
    assert handler.runs == 0
    assert [run.ok for run in scene.runs] == [False] * 3


@pytest.mark.parametrize(("approve", "runs"), [(True, 1), (False, 0)])
async def test_a_person_decides_while_the_call_goes_on(approve: bool, runs: int) -> None:
    door = Door(trial(handler := Counted(), effect="write", approval=True))
    scene = Scene(door)
    async with door.runtime as runtime, asyncio.TaskGroup() as group:
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        scene.ask()
        await scene.leg.listen(2.0)
        assert [told.get("status") for told in scene.told] == ["pending_approval"]
        (entry,) = await door.ledger.queue("t", door.wall, settled=False)
        await scene.leg.listen(1.0)
        assert handler.runs == 0
        _ = await runtime.approvals.decide("t", entry.approval_id or "", approve=approve, by="ana")
        await scene.leg.listen(1.5)
        sink.on_lost(HUNG_UP)
    assert handler.runs == runs
    ((call, output),) = [note for note in notes(scene.model.session.received) if note]
    assert call == "call_1"
    assert json.loads(output).get("run") == (1 if approve else None)
    assert [(run.name, run.ok) for run in scene.runs] == [("trial", approve)]
    assert any(event.get("type") == "ToolDecided" for event in scene.store.told)


async def test_what_acts_on_the_call_is_done_by_the_call_once_it_is_approved() -> None:
    door = Door(trial(handler := Counted(), effect="write", category=CALL, approval=True))
    scene = Scene(door)
    async with door.runtime as runtime, asyncio.TaskGroup() as group:
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        scene.ask()
        await scene.leg.listen(1.0)
        (entry,) = await door.ledger.queue("t", door.wall, settled=False)
        _ = await runtime.approvals.decide("t", entry.approval_id or "", approve=True, by="ana")
        await scene.leg.listen(1.5)
        assert handler.runs == 1
        sink.on_lost(HUNG_UP)
    assert len(notes(scene.model.session.received)) == 1


async def test_a_call_that_ends_first_leaves_the_decision_to_the_person() -> None:
    door = Door(trial(handler := Counted(), effect="write", approval=True))
    scene = Scene(door)
    async with door.runtime as runtime, asyncio.TaskGroup() as group:
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        scene.ask()
        await scene.leg.listen(1.0)
        sink.on_lost(HUNG_UP)
        await scene.leg.listen(1.0)
        (entry,) = await door.ledger.queue("t", door.wall, settled=False)
        _ = await runtime.approvals.decide("t", entry.approval_id or "", approve=True, by="ana")
    assert handler.runs == 1


async def test_a_call_uses_tools_as_often_as_it_may() -> None:
    door = Door(trial(handler := Counted()))
    scene = Scene(door)
    scene.call._shell._errands._budget._left = 2
    async with door.runtime, asyncio.TaskGroup() as group:
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        for _ in range(4):
            scene.ask()
            await scene.leg.listen(1.0)
        sink.on_lost(HUNG_UP)
    assert handler.runs == 2
    assert ["error" in told for told in scene.told] == [False, False, True, True]
