"""The clock that all calls of a process share."""

from __future__ import annotations

import asyncio
import itertools
import logging
from contextvars import ContextVar

import pytest

from gateway.pulse import Pulse

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


def now() -> float:
    return asyncio.get_running_loop().time()


def held_up(seconds: float) -> None:
    """The loop is busy for so long."""
    asyncio.get_running_loop()._virtual.now += seconds  # type: ignore[attr-defined]


async def test_everyone_beats_in_its_period_and_few_at_once() -> None:
    pulse, calls = Pulse.of_loop(), [list[float]() for _ in range(20)]
    assert Pulse.of_loop() is pulse
    members = [lambda mine=mine: mine.append(now()) for mine in calls]
    for number, member in enumerate(members):
        pulse.join(50 if number % 2 else 20, member)
    await asyncio.sleep(2.001)
    for number, mine in enumerate(calls):
        period = 0.05 if number % 2 else 0.02
        assert {round(b - a, 6) for a, b in itertools.pairwise(mine)} == {period}
        assert mine[0] <= period + 1e-9
    assert len({round(mine[0] * 100) % 2 for mine in calls[::2]}) == 2
    assert len({round(mine[0] * 100) % 5 for mine in calls[1::2]}) == 5
    for member in members:
        pulse.leave(member)
        pulse.leave(member)
    before = sum(map(len, calls))
    await asyncio.sleep(1)
    assert sum(map(len, calls)) == before


async def test_the_first_waits_a_whole_period_from_a_step_of_the_loops_time() -> None:
    await asyncio.sleep(0.013)
    calls: list[float] = []

    def member() -> None:
        calls.append(now())

    for began in (0.013, 1.013):
        await asyncio.sleep(began - now())
        Pulse.of_loop().join(50, member)
        await asyncio.sleep(0.111)
        Pulse.of_loop().leave(member)
        step = began + 0.007
        assert calls == pytest.approx([step + 0.05, step + 0.1])
        calls.clear()


async def test_what_the_loop_was_too_busy_for_is_done_once() -> None:
    calls: list[float] = []

    def member() -> None:
        calls.append(now())
        if len(calls) == 2:
            held_up(0.333)

    Pulse.of_loop().join(20, member)
    await asyncio.sleep(0.5)
    Pulse.of_loop().leave(member)
    assert calls[:2] == pytest.approx([0.02, 0.04])
    assert calls[2] == pytest.approx(0.373)
    assert calls[3:] == pytest.approx([0.38 + 0.02 * n for n in range(len(calls) - 3)])


async def test_one_s_fault_stops_nobody_and_who_leaves_meanwhile_is_called_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pulse, calls = Pulse.of_loop(), list[str]()

    def breaks() -> None:
        raise RuntimeError("what somebody said")

    def leaves() -> None:
        calls.append("leaves")
        pulse.leave(other)

    def other() -> None:
        calls.append("other")

    for member in (breaks, leaves, other):
        pulse.join(10, member)
    with caplog.at_level(logging.ERROR):
        await asyncio.sleep(0.021)
    pulse.leave(breaks)
    pulse.leave(leaves)
    assert calls == ["leaves", "leaves"]
    assert "a beat failed" in caplog.text
    assert "what somebody said" not in caplog.text


async def test_a_member_is_called_in_the_context_it_joined_in() -> None:
    call: ContextVar[str] = ContextVar("call", default="none")
    told: list[str] = []

    def member() -> None:
        told.append(call.get())

    async def joins() -> None:
        call.set("mine")
        Pulse.of_loop().join(20, member)

    await asyncio.create_task(joins())
    await asyncio.sleep(0.021)
    Pulse.of_loop().leave(member)
    assert told == ["mine"]


async def test_a_period_is_made_of_steps() -> None:
    for ms in (0, 5, 25, -20):
        with pytest.raises(ValueError, match="multiple"):
            Pulse.of_loop().join(ms, lambda: None)
