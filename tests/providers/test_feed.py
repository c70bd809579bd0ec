from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.engine import feed
from gateway.engine.feed import AHEAD_MS, Feed
from tests.providers.bench import sound

pytestmark = pytest.mark.unit


def audio(ms: int) -> dict[str, Any]:
    return {"type": "response.output_audio.delta", "delta": sound(ms)}


async def test_events_come_in_order_and_end() -> None:
    events = Feed()
    events.put({"type": "a"})
    events.put({"type": "b"})
    events.end()
    events.put({"type": "late"})
    assert [await events.get() for _ in range(3)] == [{"type": "a"}, {"type": "b"}, None]


async def test_a_reader_waits_for_events() -> None:
    events = Feed()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        first, end = group.create_task(events.get()), None
        await asyncio.sleep(0)
        events.put({"type": "a"})
        assert await first == {"type": "a"}
        end = group.create_task(events.get())
        await asyncio.sleep(0)
        events.end()
        assert await end is None


async def test_much_unread_audio_holds_the_voice_back() -> None:
    events = Feed()
    events.put(audio(AHEAD_MS))
    await events.room()
    events.put(audio(20))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        held = group.create_task(events.room())
        await asyncio.sleep(0)
        assert not held.done()
        await events.get()
        await held


async def test_the_end_frees_who_is_held_back() -> None:
    events = Feed()
    events.put(audio(AHEAD_MS + 20))
    events.end()
    async with asyncio.timeout(20):
        await events.room()
        assert await events.get() is not None
        await events.room()


async def test_a_reader_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "UNREAD", 3)
    events = Feed()
    for _ in range(4):
        events.put({"type": "a"})
    assert events.overrun
    assert await events.get() is None
