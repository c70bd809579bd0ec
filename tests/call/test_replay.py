"""A recorded call, played to a fresh core, has the same effects: the journal is a test waiting to be written."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.call.effects import Effect, ToModel, Write
from gateway.call.shell import Shell
from gateway.errors import HUNG_UP
from gateway.ports import JournalEntry
from gateway.replay.driving import difference, drive
from gateway.replay.recording import Recording, Row
from media.resample import Resampler
from tests.call.test_run import Scene
from tests.caller_audio import pcm

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


def replayed(entries: list[JournalEntry]) -> list[Effect]:
    """Every effect of the recorded inputs."""
    rows = [Row(e.seq, e.at_ms, e.source, json.loads(json.dumps(e.event))) for e in entries]
    steps = drive(Recording("rtc_1", "fake", tuple(rows)))
    assert difference(steps) is None
    return [effect for step in steps for effect in step.effects or ()]


async def test_the_journal_replays_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Effect] = []
    carry_out = Shell._apply

    def remember(shell: Shell, effects: list[Effect]) -> None:
        done.extend(effects)
        carry_out(shell, effects)

    monkeypatch.setattr(Shell, "_apply", remember)
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
    again = replayed(scene.store.journal)
    assert again[: len(done)] == done
    assert all(isinstance(effect, Write) for effect in again[len(done) :])
