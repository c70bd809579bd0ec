"""Admission, the index of live calls, and the drain."""

from __future__ import annotations

import asyncio

import pytest

from gateway.call.plan import CallDeps
from gateway.errors import DRAINED, HUNG_UP, Busy, SessionBusy
from gateway.supervisor import CallRequest, Supervisor
from tests.call.harness import persona
from tests.fakes import FakeLeg, FakeModel, FakeStore

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

REQUEST = CallRequest("s-1", "t-1", persona())


def deps(store: FakeStore) -> CallDeps:
    def no_records(tenant: str) -> None:
        raise AssertionError

    return CallDeps((FakeModel(),), "test", store, no_records, {})  # type: ignore[arg-type] # no tool asks for records


async def test_a_full_server_says_so_and_a_released_place_is_free() -> None:
    async with Supervisor.open(deps(FakeStore()), max_calls=2, drain_s=1) as supervisor:
        first = supervisor.reserve("a")
        supervisor.reserve("b")
        with pytest.raises(Busy, match="2 lines"):
            supervisor.reserve("c")
        supervisor.release(first)
        third = supervisor.reserve("c")
        supervisor.release(third)
        assert supervisor.live == 1


async def test_one_live_call_per_session() -> None:
    async with Supervisor.open(deps(FakeStore()), max_calls=9, drain_s=0) as supervisor:
        supervisor.reserve("a")
        with pytest.raises(SessionBusy):
            supervisor.reserve("a")


async def test_a_call_is_found_while_it_lives() -> None:
    store = FakeStore()
    async with Supervisor.open(deps(store), max_calls=9, drain_s=5) as supervisor:
        call_id, leg = supervisor.reserve("s-1"), FakeLeg()
        supervisor.begin(call_id, leg, REQUEST)
        sink = await leg.connect()
        assert supervisor.find(call_id) is not None
        sink.on_lost(HUNG_UP)
        await supervisor.drain()
        assert supervisor.find(call_id) is None
        assert supervisor.live == 0
    assert [str(ending) for _, ending, _ in store.ended] == ["caller/hung-up"]


async def test_the_drain_admits_nobody_and_ends_what_outlives_it() -> None:
    store = FakeStore()
    async with Supervisor.open(deps(store), max_calls=9, drain_s=5) as supervisor:
        call_id, leg = supervisor.reserve("s-1"), FakeLeg()
        supervisor.begin(call_id, leg, REQUEST)
        await leg.connect()
        await supervisor.drain()
        with pytest.raises(Busy, match="shutting down"):
            supervisor.reserve("b")
    assert [ending for _, ending, _ in store.ended] == [DRAINED]


async def test_a_call_that_begins_after_all_were_ended_is_ended_too() -> None:
    store = FakeStore()
    async with Supervisor.open(deps(store), max_calls=9, drain_s=300) as supervisor:
        call_id, leg = supervisor.reserve("s-1"), FakeLeg()
        supervisor.draining = True
        supervisor.end_all()
        supervisor.begin(call_id, leg, REQUEST)
        await leg.connect()
        async with asyncio.timeout(30):
            await supervisor.drain()
    assert [ending for _, ending, _ in store.ended] == [DRAINED]


async def test_one_call_that_breaks_while_closing_does_not_touch_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class BadLeg(FakeLeg):
        def stats(self) -> dict[str, float]:
            raise RuntimeError("no figures")

    store = FakeStore()
    async with Supervisor.open(deps(store), max_calls=9, drain_s=5) as supervisor:
        bad, good = BadLeg(), FakeLeg()
        supervisor.begin(supervisor.reserve("s-1"), bad, REQUEST)
        supervisor.begin(supervisor.reserve("s-2"), good, CallRequest("s-2", "t-1", persona()))
        sink = await bad.connect()
        await good.connect()
        sink.on_event("{")
        sink.on_lost(HUNG_UP)
        await good.listen(1.0)
        assert supervisor.live == 1
        assert good.sink is not None
        good.sink.on_lost(HUNG_UP)
    assert [str(ending) for _, ending, _ in store.ended] == ["caller/hung-up"] * 2


async def test_a_second_wish_to_stop_ends_the_calls_now() -> None:
    store = FakeStore()
    async with Supervisor.open(deps(store), max_calls=9, drain_s=3600) as supervisor:
        leg = FakeLeg()
        supervisor.begin(supervisor.reserve("s-1"), leg, REQUEST)
        await leg.connect()
        supervisor.end_all()
        await supervisor.drain()
    assert [ending for _, ending, _ in store.ended] == [DRAINED]
