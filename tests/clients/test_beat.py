from __future__ import annotations

import asyncio
import itertools
import logging
from contextvars import ContextVar

import pytest

from gateway.clients.beat import BEHIND, FEW, PERIOD_S, Beat
from media.sending import AudioSender, Outgoing
from tests.caller_audio import pcm

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


def nothing(packet: Outgoing) -> None:
    pytest.fail("nobody said anything")


async def test_everyone_beats_every_20_ms_and_few_at_once() -> None:
    clock, calls = Beat.of_loop(), [list[float]() for _ in range(20)]
    assert Beat.of_loop() is clock
    members = [lambda due, now, mine=mine: mine.append(due) for mine in calls]
    for member in members:
        clock.join(member, nothing)
    await asyncio.sleep(1.001)
    for mine in calls:
        assert len(mine) in (50, 51)
        steps = {round(after - before, 6) for before, after in itertools.pairwise(mine)}
        assert steps == {PERIOD_S}
    moments = [round(mine[0] * 1000) % 20 for mine in calls]
    assert set(moments) == {0, 5, 10, 15}
    assert max(map(moments.count, moments)) <= FEW
    assert set(moments[:FEW]) == {0}, "a few are woken together"
    assert set(moments[: 2 * FEW]) == {0, 10}, "at moments of the other clock"
    for member in members:
        clock.leave(member)
        clock.leave(member)
    before = sum(map(len, calls))
    await asyncio.sleep(1)
    assert sum(map(len, calls)) == before
    clock.join(members[0], nothing)
    await asyncio.sleep(0.101)
    assert len(calls[0]) >= 55
    clock.leave(members[0])


async def test_what_was_missed_is_made_up_for_as_far_as_it_makes_sense() -> None:
    clock, calls = Beat.of_loop(), list[tuple[float, float]]()
    held = 0.0

    def member(due: float, now: float) -> None:
        nonlocal held
        calls.append((due, now))
        if held:
            loop = asyncio.get_running_loop()
            loop._virtual.now += held  # type: ignore[attr-defined]  # the loop is held up
            held = 0.0

    clock.join(member, nothing)
    await asyncio.sleep(0.1)
    held = 0.1
    await asyncio.sleep(0.101)
    dues = [due for due, _ in calls]
    assert [round((b - a) / PERIOD_S) for a, b in itertools.pairwise(dues)] == [1] * (len(dues) - 1)
    held = 3.0
    await asyncio.sleep(0.021)
    dues = [due for due, _ in calls]
    steps = [round((b - a) / PERIOD_S) for a, b in itertools.pairwise(dues)]
    assert max(steps) > 100
    assert len([now for _, now in calls if now == calls[-1][1]]) <= BEHIND
    clock.leave(member)


async def test_one_that_fails_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    clock, count = Beat.of_loop(), 0

    def bad(due: float, now: float) -> None:
        raise KeyError("a bug")

    def good(due: float, now: float) -> None:
        nonlocal count
        count += 1

    for _ in range(4):
        clock.join(bad, nothing)
    clock.join(good, nothing)
    with caplog.at_level(logging.ERROR):
        await asyncio.sleep(0.1)
    clock.leave(bad)
    clock.leave(good)
    assert count >= 4
    assert "KeyError at clients/test_beat.py" in caplog.text
    assert "a bug" not in caplog.text


async def test_each_beats_in_the_context_it_joined_in() -> None:
    name, seen, clock = ContextVar[str]("name"), set[tuple[str, str]](), Beat.of_loop()
    members = []
    for mine in ("a", "b"):
        name.set(mine)
        members.append(lambda due, now, mine=mine: seen.add((mine, name.get())))
        clock.join(members[-1], nothing)
    await asyncio.sleep(0.05)
    for member in members:
        clock.leave(member)
    assert seen == {("a", "a"), ("b", "b")}


async def test_those_who_speak_are_encoded_and_one_that_cannot_be_is_told() -> None:
    clock, speech = Beat.of_loop(), pcm("dental_01_book")[16000:16960]
    senders, got = [AudioSender() for _ in range(5)], dict[int, list[Outgoing]]()
    senders[4].close()
    members = []
    for n, sender in enumerate(senders):
        members.append(lambda due, now, sender=sender: sender.frame(speech))
        clock.join(members[-1], got.setdefault(n, []).append)
    await asyncio.sleep(0.1)
    for member in members:
        clock.leave(member)
    for n in range(4):
        assert len(got[n]) >= 4
        assert all(packet.payload and packet.failed is None for packet in got[n])
    assert all(packet.failed is not None for packet in got[4])
