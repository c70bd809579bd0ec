"""The shell round the core, on virtual time, between a fake leg and a fake model."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import cast

import pytest
from pydantic import BaseModel

from gateway.call.plan import CallDeps, CallPlan
from gateway.call.run import Call
from gateway.errors import (
    AGENT_HUNG_UP,
    HUNG_UP,
    INTERNAL_ERROR,
    MODEL_LOST,
    MODEL_REFUSED,
    MODEL_UNAVAILABLE,
    LegLost,
    ModelRefused,
    SessionBusy,
    StoreError,
)
from gateway.ports import CallRecord, LegSink, Speaker
from tests.call.harness import persona
from tests.fakes import UNREACHABLE, FakeLeg, FakeModel, FakeStore
from tools.contract import Records, Tool, ToolContext

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


class NoParameters(BaseModel):
    pass


async def hang_up(parameters: NoParameters, context: ToolContext) -> dict[str, object]:
    context.control.hang_up()
    return {"key": context.idempotency_key}


HANG_UP = Tool("hang_up", "End the call.", NoParameters, hang_up)


class NoRecords:
    """The tool of these tests asks for none."""


def no_records(tenant: str) -> Records:
    return cast("Records", NoRecords())


class Scene:
    def __init__(
        self, *models: FakeModel, leg: FakeLeg | None = None, store: FakeStore | None = None
    ) -> None:
        self.models = models or (FakeModel(),)
        self.leg = leg or FakeLeg()
        self.store = store or FakeStore()
        tools = {"hang_up": HANG_UP}
        deps = CallDeps(self.models, "test", self.store, no_records, tools, setup_s=5.0)
        self.call = Call(CallPlan("rtc_1", "s-1", "t-1", persona(tools=("hang_up",))), self.leg, deps)

    @property
    def model(self) -> FakeModel:
        return self.models[-1]


async def test_how_it_ended_and_who_took_over_is_counted() -> None:
    scene = Scene()
    session = scene.model.session
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        for provider, model in ("fake", "fake-2"), ("other", "fake-2"), ("fake", "fake-1"):
            await scene.leg.listen(0.1)
            session.provider, session.model = provider, model
            session.emit("rate_limits.updated", rate_limits=[])
        await scene.leg.listen(0.1)
        sink.on_lost(HUNG_UP)
    counted = scene.call._deps.counts.snapshot().plain
    assert counted["parley_calls_started"] == {("fake",): 1}
    assert counted["parley_calls_running"] == {("fake",): 0}
    assert counted["parley_calls_ended"] == {("fake", "caller", "hung-up"): 1}
    assert counted["parley_failovers"] == {("fake", "other"): 1, ("other", "fake"): 1}


async def test_a_call_from_its_greeting_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    scene = Scene()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        await scene.leg.listen(2.0)
        sink.on_lost(HUNG_UP)
    assert running.result() == HUNG_UP
    assert len(scene.leg.heard) >= 48_000, "the second of greeting was played"
    assert scene.leg.types()[0] == "session.created"
    assert "output_audio_buffer.stopped" in scene.leg.types()
    assert "response.output_audio.delta" not in scene.leg.types()
    assert scene.model.session.audio_bytes == 100 * 960
    assert scene.model.closed == 1
    assert scene.leg.closed == [HUNG_UP]
    assert [(c, e) for c, e, _ in scene.store.ended] == [("rtc_1", HUNG_UP)]
    said = scene.store.entries[-1]
    assert (said.text, said.heard_ms, said.final, said.interrupted) == (
        "hello there caller",
        1000,
        True,
        False,
    )
    lines = [r.getMessage() for r in caplog.records if "call ended" in r.getMessage()]
    assert len(lines) == 1
    assert "ending=caller/hung-up" in lines[0]
    assert "hello" not in caplog.text


async def test_the_journal_is_in_order_and_holds_no_audio() -> None:
    scene = Scene()
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        await scene.leg.listen(1.5)
        sink.on_lost(HUNG_UP)
    assert [entry.seq for entry in scene.store.journal] == list(range(1, len(scene.store.journal) + 1))
    assert [entry.at_ms for entry in scene.store.journal] == sorted(
        entry.at_ms for entry in scene.store.journal
    )
    text = json.dumps([entry.event for entry in scene.store.journal])
    assert "output_audio.delta" not in text
    assert scene.store.told[-1] == {"type": "Ended", "ending": "caller/hung-up"}


async def test_the_next_model_is_tried_when_one_cannot_be_opened() -> None:
    scene = Scene(FakeModel("first", UNREACHABLE), FakeModel("second"))
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        await scene.leg.listen(0.5)
        sink.on_lost(HUNG_UP)
    assert scene.models[1].session.audio_bytes > 0


@pytest.mark.parametrize(
    ("fault", "ending"), [(UNREACHABLE, MODEL_UNAVAILABLE), (ModelRefused("bad key"), MODEL_REFUSED)]
)
async def test_no_model_ends_the_call(fault: Exception, ending: object) -> None:
    scene = Scene(FakeModel("only", fault))
    assert await scene.call.run() == ending
    assert scene.leg.closed == [ending]


async def test_a_model_that_breaks_ends_the_call() -> None:
    scene = Scene()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scene.call.run())
        await scene.leg.connect()
        await scene.leg.listen(0.5)
        scene.model.session.break_()
    assert running.result() == MODEL_LOST


async def test_a_leg_that_is_gone_before_it_began_ends_the_call() -> None:
    class GoneLeg(FakeLeg):
        async def open(self, sink: LegSink, speaker: Speaker) -> None:
            raise LegLost("gone")

    scene = Scene(leg=GoneLeg())
    assert str(await scene.call.run()) == "caller/left"


async def test_a_fault_of_ours_ends_the_call_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scene.call.run())
        await scene.leg.connect()
        scene.model.session.emit("response.done")  # without the response that the protocol demands
    assert running.result() == INTERNAL_ERROR
    assert "broke" in caplog.text


async def test_a_journal_that_cannot_be_written_does_not_stop_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene(store=FakeStore(StoreError("disk full")))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        await scene.leg.listen(0.3)
        sink.on_lost(HUNG_UP)
    assert running.result() == HUNG_UP


class SlowStore(FakeStore):
    """Somebody else has locked the database for eight seconds."""

    async def begin_call(self, call: CallRecord) -> None:
        await asyncio.sleep(8)
        await super().begin_call(call)


async def test_a_caller_does_not_wait_for_a_database_that_is_slow() -> None:
    store = SlowStore()
    scene = Scene(store=store)
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        began = loop.time()
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        await scene.leg.listen(0.1)
        assert loop.time() - began < 1.0
        assert scene.model.specs
        assert store.begun == []
        await scene.leg.listen(8.0)
        assert [call.call_id for call in store.begun] == ["rtc_1"]
        sink.on_lost(HUNG_UP)
    assert [call_id for call_id, *_ in store.ended] == ["rtc_1"]


async def test_a_call_that_ends_before_it_is_written_down_is_written_whole() -> None:
    store = SlowStore()
    scene = Scene(store=store)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        await scene.leg.listen(1.0)
        sink.on_lost(HUNG_UP)
    assert running.result() == HUNG_UP
    assert store.begun == []
    assert [call_id for call_id, *_ in store.ended] == ["rtc_1"]


async def test_a_session_that_turns_out_to_be_busy_ends_its_call() -> None:
    scene = Scene(store=SlowStore(SessionBusy("live on another node")))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scene.call.run())
        await scene.leg.connect()
        await scene.leg.listen(9.0)
    assert str(running.result()) == "gateway/session-busy"


async def test_a_session_that_is_busy_elsewhere_is_refused() -> None:
    scene = Scene(store=FakeStore(SessionBusy("live on another node")))
    ending = await scene.call.run()
    assert str(ending) == "gateway/session-busy"
    assert scene.models[0].specs == []


async def test_a_tool_runs_with_its_key_and_may_end_the_call() -> None:
    scene = Scene()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scene.call.run())
        await scene.leg.connect()
        await scene.leg.listen(1.5)
        session = scene.model.session
        item = {
            "id": "fc_1",
            "type": "function_call",
            "call_id": "call_1",
            "name": "hang_up",
            "arguments": "{}",
            "status": "completed",
        }
        session.emit("response.created", response={"id": "resp_t", "status": "in_progress"})
        session.emit("response.output_item.done", response_id="resp_t", output_index=0, item=item)
        session.emit("response.done", response={"id": "resp_t", "status": "completed", "output": [item]})
        await scene.leg.listen(2.5)
    assert running.result() == AGENT_HUNG_UP
    (execution,) = scene.store.executions
    assert (execution.name, execution.ok, json.loads(execution.output)) == (
        "hang_up",
        True,
        {"key": "s-1:call_1"},
    )


async def test_audio_of_a_reply_that_was_given_up_is_dropped() -> None:
    scene = Scene()
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        await scene.leg.listen(0.5)
        sink.on_event('{"type": "response.cancel"}')
        sink.on_event('{"type": "output_audio_buffer.clear"}')
        heard = len(scene.leg.heard)
        scene.model.session.emit(
            "response.output_audio.delta", response_id="resp_1", item_id="item_1", delta=b"\1\1" * 24_000
        )
        await scene.leg.listen(1.0)
        assert len(scene.leg.heard) - heard <= 960, "at most the frame that fades out"
        sink.on_lost(HUNG_UP)
    _, _, summary = scene.store.ended[0]
    assert summary.dropped_audio_ms == 1000
