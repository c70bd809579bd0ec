"""Being asked to stop, and again, by real signals."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from gateway.stopping import Stopping

pytestmark = pytest.mark.unit


@pytest.fixture
def acted() -> Iterator[list[str]]:
    """What was done at once; the handlers of signals are as before in the end."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield []
    for number, handler in before.items():
        signal.signal(number, handler)


async def sent(*numbers: signal.Signals) -> None:
    for number in numbers:
        os.kill(os.getpid(), number)
        await asyncio.sleep(0)  # the handler runs in the loop
        await asyncio.sleep(0.01)


async def test_the_first_asks_to_stop_and_the_second_to_stop_now(acted: list[str]) -> None:
    stop = Stopping.by_signals()
    stop.at_once(lambda: acted.append("now"))
    await sent(signal.SIGTERM)
    assert stop.asked.is_set()
    assert acted == []
    await sent(signal.SIGINT)
    assert acted == ["now"]


async def test_a_second_signal_counts_that_comes_before_anybody_waits(acted: list[str]) -> None:
    stop = Stopping.by_signals()
    await sent(signal.SIGTERM, signal.SIGTERM)
    await stop.asked.wait()
    stop.at_once(lambda: acted.append("now"))
    assert acted == ["now"]


async def test_whoever_is_left_alone_stops_now(acted: list[str]) -> None:
    stop = Stopping()
    stop.hurry()
    stop.at_once(lambda: acted.append("now"))
    assert stop.asked.is_set()
    assert acted == ["now"]
