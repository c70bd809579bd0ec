"""A recorded call, played to a fresh core, has the same effects: the journal is a test waiting to be written."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.call.core import Core
from gateway.call.effects import Effect, Note, Time, ToLeg, ToModel, Write
from gateway.call.journal import restored
from gateway.call.run import Call
from gateway.call.sessions import CoreSettings, visible_session
from gateway.errors import HUNG_UP
from gateway.ports import JournalEntry
from media.resample import Resampler
from tests.call.harness import persona
from tests.call.test_run import HANG_UP, Scene
from tests.caller_audio import pcm

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


def replayed(entries: list[JournalEntry], expires_at: int) -> list[Effect]:
    """Every effect of the recorded inputs."""
    who = persona(tools=("hang_up",))
    tools = (HANG_UP.definition(),)
    core = Core(
        CoreSettings("rtc_1", who, visible_session(who, "s-1", "test", (HANG_UP,), expires_at), tools), 0.0
    )
    effects: list[Effect] = []
    for entry in entries:
        now, event = entry.at_ms / 1000, json.loads(json.dumps(entry.event))
        match entry.source:
            case "leg":
                effects += core.leg(restored(event), now)
            case "model":
                effects += core.model(event, now)
            case "tool":
                heard = restored(event)
                effects += (
                    core.tool(heard, now) if event["type"] == "ToolFinished" else core.control(heard, now)
                )
            case "tick":
                effects += core.tick(now)
            case "call" if event["type"] == "ModelOpened":
                core.answering(event["model"], event["provider"])
            case "call":
                pass
    return effects


def told(effects: list[Effect]) -> list[Any]:
    """What must be the same: all but the figures that hang on the last fraction of a millisecond."""
    return [e for e in effects if not isinstance(e, Note | Time)]


async def test_the_journal_replays_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Effect] = []
    carry_out = Call._apply

    def remember(call: Call, effects: list[Effect]) -> None:
        done.extend(effects)
        carry_out(call, effects)

    monkeypatch.setattr(Call, "_apply", remember)
    scene = Scene()
    speech = Resampler(16_000, 24_000).process(pcm("bargein_stop"))
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        await scene.leg.listen(0.4)
        await scene.leg.listen(1.2, speech)
        await scene.leg.listen(1.0)
        session = scene.model.session
        session.emit("input_audio_buffer.committed", item_id="u1", previous_item_id=None)
        session.emit(
            "conversation.item.input_audio_transcription.completed",
            item_id="u1",
            content_index=0,
            transcript="stop hold on",
        )
        await scene.leg.listen(2.0)
        sink.on_lost(HUNG_UP)
    assert any(isinstance(e, ToModel) and e.event["type"] == "conversation.item.truncate" for e in done), (
        "it was interrupted"
    )
    created = next(e.event for e in done if isinstance(e, ToLeg) and e.event["type"] == "session.created")
    again = told(replayed(scene.store.journal, created["session"]["expires_at"]))
    assert [type(e) for e in again] == [type(e) for e in told(done)]
    for once, twice in zip(told(done), again, strict=True):
        if isinstance(once, ToLeg | ToModel | Write):
            assert once == twice
